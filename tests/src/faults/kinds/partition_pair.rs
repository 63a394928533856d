//! The leader and one follower do not hear each other, and both hear all others: the follower keeps standing for
//! election, and must not depose a leader that works.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let (leader, follower) = (world.leader().await?, world.follower().await?);
    world.nodes.network.part(&[leader], &[follower]).await?;
    world.last().await;
    world.nodes.network.heal().await
}
