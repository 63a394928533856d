//! The leader dies, and its successor, and so on: each is killed with SIGKILL and starts again once another one leads.

use std::time::Instant;

use super::World;
use crate::rig::RigError;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let (begin, mut kills) = (Instant::now(), 0);
    while begin.elapsed() < world.length {
        let leader = world.leader().await?;
        world.nodes.cluster.kill9(leader).await?;
        kills += 1;
        world.next_leader(leader).await?;
        world.nodes.cluster.launch(leader)?;
        world.all_ready().await?;
    }
    world.note(format!("{kills} leaders killed"));
    Ok(())
}
