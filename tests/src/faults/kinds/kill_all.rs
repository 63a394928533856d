//! Every node dies at once, as when the power of a rack goes but the disks keep what the system took.

use super::World;
use crate::rig::RigError;
use crate::wait;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let half = world.length / 2;
    wait::last(half).await;
    for place in world.nodes.places() {
        world.nodes.cluster.kill9(place).await?;
    }
    for place in world.nodes.places() {
        world.nodes.cluster.launch(place)?;
    }
    world.all_ready().await?;
    wait::last(half).await;
    Ok(())
}
