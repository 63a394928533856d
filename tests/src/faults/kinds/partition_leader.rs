//! The leader hears and reaches no other node; clients still reach it.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    world.nodes.network.part(&[leader], &world.others(leader)).await?;
    world.last().await;
    world.nodes.network.heal().await
}
