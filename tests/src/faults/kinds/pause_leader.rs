//! The leader freezes, as a virtual machine does, past its election, and wakes up believing that it leads.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    world.nodes.cluster.pause(leader)?;
    world.last().await;
    world.next_leader(leader).await?;
    world.nodes.cluster.resume(leader)
}
