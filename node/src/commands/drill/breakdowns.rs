//! Nodes are killed, disks lost: what one cannot ask a living realm for.

use super::scene::Scene;
use crate::commands::Failure;
use std::time::Duration;
use tokio::time::Instant;

/// An entry of the log reaches a follower that lives within this.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

async fn begin(scene: &mut Scene) -> Result<(), Failure> {
    scene.begin().await?;
    scene.put_under_load().await
}

pub(super) async fn kill_leader(scene: &mut Scene) -> Result<(), Failure> {
    begin(scene).await?;
    let leader = scene.leader().await?;
    scene.journal.note(format!("node {leader} leads, and is killed"));
    scene.kill(leader).await;
    scene.serves_again().await?;
    scene.journal.note("a write is acknowledged again");
    scene.start(leader).await?;
    scene.journal.note(format!("node {leader} is started again and ready"));
    Ok(())
}

pub(super) async fn lose_quorum(scene: &mut Scene) -> Result<(), Failure> {
    begin(scene).await?;
    let leader = scene.leader().await?;
    let survivor = leader % scene.size() + 1;
    let lost: Vec<u64> = (1..=scene.size()).filter(|id| *id != survivor).collect();
    scene.journal.note(format!("all nodes but {survivor} are lost with their disks"));
    // A majority without the survivor may have acknowledged what was on its way to it.
    scene.may_lose_from(Instant::now().checked_sub(ON_ITS_WAY).unwrap_or_else(Instant::now));
    for id in &lost {
        scene.kill(*id).await;
        scene.destroy(*id)?;
    }
    scene.kill(survivor).await;
    scene.journal.note(format!("node {survivor} is stopped"));
    scene.passquorum(survivor, &["recover", "--yes-i-accept-data-loss"]).await?;
    scene.journal.note(format!("node {survivor} is recovered"));
    scene.loses_nothing_from_now();
    scene.start(survivor).await?;
    scene.serves_again().await?;
    scene.journal.note("a write is acknowledged again");
    for id in lost {
        scene.join(id, survivor).await?;
    }
    scene.all_vote(survivor).await?;
    scene.journal.note(format!("{} new nodes have joined and vote", scene.size() - 1));
    Ok(())
}

pub(super) async fn restore_backup(scene: &mut Scene) -> Result<(), Failure> {
    begin(scene).await?;
    let (file, passphrase) = scene.backup_files()?;
    scene.may_lose_from(Instant::now());
    scene.passquorum(2, &["backup", &file, "--passphrase-file", &passphrase]).await?;
    scene.journal.note("a backup is taken");
    scene.more_load().await?;
    scene.journal.note("every node is lost with its disk");
    for id in 1..=scene.size() {
        scene.kill(id).await;
        scene.destroy(id)?;
    }
    scene.restore(1, &file, &passphrase).await?;
    scene.journal.note("the backup is restored to a new node");
    scene.loses_nothing_from_now();
    scene.start(1).await?;
    scene.serves_again().await?;
    scene.journal.note("a write is acknowledged again");
    for id in 2..=scene.size() {
        scene.join(id, 1).await?;
    }
    scene.all_vote(1).await?;
    scene.journal.note(format!("{} new nodes have joined and vote", scene.size() - 1));
    Ok(())
}
