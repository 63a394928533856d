//! The end of a stopped node's Raft log is cut off on the disk. The node must name the damage and not serve.

use super::{World, damage};
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    damage::strike(world, "raft/db", |bytes, marks| {
        bytes.truncate(marks.first().copied().unwrap_or(0));
    })
    .await
}
