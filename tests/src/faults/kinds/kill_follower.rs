//! A follower dies by SIGKILL and stays away; the majority goes on.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let follower = world.follower().await?;
    world.nodes.cluster.kill9(follower).await?;
    world.last().await;
    world.nodes.cluster.launch(follower)
}
