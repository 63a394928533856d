//! The leader and one follower do not hear each other, and both hear all others: the follower keeps standing for
//! election, and must not depose a leader that works.

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let term = |status: Option<serde_json::Value>| status.and_then(|status| status.get("term")?.as_u64());
    let (leader, follower) = (world.leader().await?, world.follower().await?);
    let before = term(world.api.status(leader).await);
    world.nodes.network.part(&[leader], &[follower]).await?;
    world.last().await;
    let after = term(world.api.status(leader).await);
    world.nodes.network.heal().await?;
    if let (Some(before), Some(after)) = (before, after) {
        world.note(format!("{} new terms", after.saturating_sub(before)));
    }
    Ok(())
}
