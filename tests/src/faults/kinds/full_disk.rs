//! The leader's disk fills up to the last byte. It may stop; what it acknowledged must be there when there is room again.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::World;
use crate::rig::RigError;

/// How long the disk stays full beyond the harm's time, until the node has met it. It writes on into blocks that it has
/// reserved already, and then ends its open requests before it ends itself.
const MEETS_IT: Duration = Duration::from_secs(30);

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let leader = world.leader().await?;
    let ballast = world.nodes.data(leader).join("ballast");
    fill(&ballast)?;
    world.last().await;
    let ended = world.ends(leader, MEETS_IT).await;
    std::fs::remove_file(&ballast).map_err(RigError::io("removing the ballast"))?;
    if let Err(error) = ended {
        world.problem(format!("the load did not fill the disk of the node at place {leader}: {error}"));
        return Ok(());
    }
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
