//! The end of a stopped node's largest file is cut off. The node must name the damage and not serve; it is replaced.

use super::{World, damage};
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    damage::strike(world, |bytes| bytes.truncate(bytes.len() * 3 / 4)).await
}
