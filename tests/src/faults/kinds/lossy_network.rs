//! A tenth of the packets between nodes is lost, each way.

use super::World;
use crate::rig::RigError;

const SHARE: f64 = 0.1;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    world.nodes.network.lose(SHARE).await?;
    world.last().await;
    world.nodes.network.heal().await
}
