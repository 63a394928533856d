//! A follower is stopped and its disk copied; later the old copy is put back, as from a backup. The node has forgotten
//! entries and votes that the realm counts on.

use tokio::process::Command;

use super::World;
use crate::rig::RigError;
use crate::rig::command_line;
use crate::wait;

pub(super) async fn strike(world: &mut World) -> Result<(), RigError> {
    let (victim, helper) = (world.follower().await?, world.leader().await?);
    let data = world.nodes.data(victim);
    let backup = data.with_extension("backup");
    world.nodes.cluster.terminate(victim).await?;
    copy(&data, &backup).await?;
    world.nodes.cluster.launch(victim)?;
    world.all_ready().await?;
    wait::last(world.length / 2).await;

    world.nodes.cluster.terminate(victim).await?;
    std::fs::remove_dir_all(&data).map_err(RigError::io("the newer disk"))?;
    copy(&backup, &data).await?;
    let before = world.nodes.log(victim, 0).len();
    world.nodes.cluster.launch(victim)?;
    if world.serves_or_ended(victim).await? {
        world.problem("the node did not notice that its disk is old, and took part again");
        return Ok(());
    }
    let log = world.nodes.log(victim, before);
    let last = log.lines().last().unwrap_or_default();
    world.note(format!("refused to start: {last}"));
    world.nodes.replace(victim, helper).await
}

async fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<(), RigError> {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from).arg(to);
    command_line::run(command, "cp -a", None).await.map(drop)
}
