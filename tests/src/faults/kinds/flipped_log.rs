//! One bit of an entry in a stopped node's Raft log is flipped on the disk. The node must name the damage and not serve.

use super::{World, damage};
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    damage::strike(world, "raft/db", |bytes, marks| damage::flip(bytes, marks)).await
}
