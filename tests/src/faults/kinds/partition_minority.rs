//! As many followers as may be lost are cut off together, both ways; clients still reach them.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let minority = world.minority().await?;
    let rest: Vec<u64> = world.nodes.places().into_iter().filter(|place| !minority.contains(place)).collect();
    world.nodes.network.part(&minority, &rest).await?;
    world.last().await;
    world.nodes.network.heal().await
}
