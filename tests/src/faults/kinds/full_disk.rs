//! The leader's disk fills up to the last byte. It may stop; what it acknowledged must be there when there is room again.

use std::io::Write as _;
use std::path::Path;

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    let ballast = world.nodes.data(leader).join("ballast");
    fill(&ballast)?;
    world.last().await;
    std::fs::remove_file(&ballast).map_err(RigError::io("removing the ballast"))?;
    if world.nodes.cluster.is_running(leader) {
        world.note("the node with the full disk went on running");
    } else {
        world.nodes.cluster.ended(leader).await?;
        let log = world.nodes.log(leader, 0);
        let named = if log.contains("check the disk") { "named" } else { "not named" };
        world.note(format!("the node with the full disk ended, the reason {named} in its log"));
        world.nodes.cluster.launch(leader)?;
    }
    Ok(())
}

/// Writes until nothing more fits.
fn fill(file: &Path) -> Result<(), RigError> {
    let mut file = std::fs::File::create(file).map_err(RigError::io("the ballast"))?;
    for size in [1 << 20, 1 << 12, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
    Ok(())
}
