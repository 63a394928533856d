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
        return Ok(());
    }
    world.nodes.cluster.ended(leader).await?;
    if world.nodes.log(leader, 0).contains("check the disk") {
        world.note("the node with the full disk ended and named the reason");
    } else {
        world.problem("the node with the full disk ended without naming the reason");
    }
    world.nodes.cluster.launch(leader)
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
