//! The leader is heard and hears nobody: its heartbeats arrive and no answer comes back.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    for other in world.others(leader) {
        world.nodes.network.cut(other, leader).await?;
    }
    world.last().await;
    world.nodes.network.heal().await
}
