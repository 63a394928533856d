//! The leader's clock is ten minutes ahead, by the setting that exists for drills. The node learns it from
//! the others before it may stand for election, so it must not lead, and the realm goes on.

use super::World;
use crate::rig::RigError;

const SETTING: &str = "\n[drill]\nclock_offset_ms = 600000\n";

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let victim = world.leader().await?;
    let settings = world.nodes.data(victim).join("node.toml");
    let right = std::fs::read_to_string(&settings).map_err(RigError::io("node.toml"))?;
    restart(world, victim, &settings, &format!("{right}{SETTING}")).await?;
    world.last().await;
    if world.leader().await? == victim {
        world.problem("it leads with its wrong clock".to_owned());
    }
    restart(world, victim, &settings, &right).await
}

/// Starts the node again with other settings. Killed, so that nothing is handed over.
async fn restart(
    world: &mut World,
    victim: u64,
    settings: &std::path::Path,
    text: &str,
) -> Result<(), RigError> {
    world.nodes.cluster.kill9(victim).await?;
    std::fs::write(settings, text).map_err(RigError::io("node.toml"))?;
    world.nodes.cluster.launch(victim)
}
