//! One bit of a value in a stopped node's state is flipped on the disk. What was not synced there may be lost and comes
//! back from the log, so that the node may start; a wrong value must never be served.

use super::{World, damage};
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    damage::strike(world, "state/db", false, |bytes, marks| damage::flip(bytes, marks)).await
}
