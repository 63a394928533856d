//! One bit of a stopped node's largest file is flipped. The node must name the damage and not serve; it is replaced.

use super::{World, damage};
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    damage::strike(world, |bytes| {
        let middle = bytes.len() / 2;
        // A byte that was never written is none of the store's.
        let written = bytes.iter_mut().skip(middle).find(|byte| **byte != 0);
        written.map(|byte| *byte ^= 0x10);
    })
    .await
}
