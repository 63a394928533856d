//! The leader hears the others, and nothing that it sends arrives.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    for other in world.others(leader) {
        world.nodes.network.cut(leader, other).await?;
    }
    world.last().await;
    world.nodes.network.heal().await
}
