//! Every packet between nodes is held back for 20 to 60 ms, and packets overtake one another.

use std::time::Duration;

use super::World;
use crate::rig::RigError;

const DELAY: Duration = Duration::from_millis(40);
const JITTER: Duration = Duration::from_millis(20);

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    world.nodes.network.slow(DELAY, JITTER).await?;
    world.last().await;
    world.nodes.network.heal().await
}
