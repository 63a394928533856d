//! So many nodes die by SIGKILL that the rest is no quorum. It must acknowledge nothing until one is back.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let places = world.nodes.places();
    let majority: Vec<u64> = places.iter().copied().take(places.len() / 2 + 1).collect();
    for place in &majority {
        world.nodes.cluster.kill9(*place).await?;
    }
    world.last().await;
    for place in &majority {
        world.nodes.cluster.launch(*place)?;
    }
    Ok(())
}
