//! `drill`: breaks a cluster that was made for it, under load, mends it as an operator would, with the same commands, and
//! measures how long no write was acknowledged (RTO) and how many acknowledged writes are gone (RPO).
//!
//! The cluster is of the demonstration's kind: node processes on loopback. Nothing else on the host is touched.

mod load;
mod report;
mod scene;

use super::{Exit, Failure, answer, tell};
use crate::cli::{DrillArgs, DrillName};
use crate::env::SystemEntropy;
use crate::{secret_file, supervise};
use passquorum_domain::ports::fresh_uuid;
use report::Report;
use scene::Scene;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// An entry of the log reaches a follower that lives within this.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

pub(super) async fn run(args: DrillArgs) -> Result<(), Failure> {
    let signal = supervise::stop_signal()?;
    let dir = directory(args.dir.as_deref())?;
    if !args.json {
        tell(&format!("Making a cluster in {} …", dir.display()));
    }
    let mut scene = Scene::plan(&dir)?;
    let done = tokio::select! {
        done = perform(&mut scene, args.drill) => done,
        _ = signal => Err(Failure::not_now("the drill was stopped")),
    };
    scene.stop().await;
    let report = done.map_err(|failure| Failure {
        message: format!("{}\nthe nodes' logs are in {}", failure.message, dir.display()),
        ..failure
    })?;
    secret_file::write(&dir.join("report.json"), report.json().as_bytes())?;
    answer(&if args.json { report.json() } else { report.text() })?;
    if !report.ok() {
        let message = format!("the drill failed; the nodes' logs are in {}", dir.display());
        return Err(Failure { exit: Exit::Failed, message });
    }
    if args.dir.is_none() {
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

fn directory(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let dir = match given {
        Some(dir) => std::path::absolute(dir)?,
        None => {
            let name = fresh_uuid(&SystemEntropy).simple().to_string();
            std::env::temp_dir().join(format!("passquorum-drill-{}", name.get(..8).unwrap_or(&name)))
        }
    };
    std::fs::create_dir_all(&dir)?;
    if dir.read_dir()?.next().is_some() {
        return Err(Failure::usage(format!(
            "{} is not empty; empty it, or choose another --dir",
            dir.display()
        )));
    }
    Ok(dir)
}

async fn perform(scene: &mut Scene, drill: DrillName) -> Result<Report, Failure> {
    scene.begin().await?;
    match drill {
        DrillName::KillLeader => kill_leader(scene).await?,
        DrillName::LoseQuorum => lose_quorum(scene).await?,
        DrillName::RestoreBackup => restore_backup(scene).await?,
    }
    scene.serves_again().await?;
    scene.judge(drill).await
}

async fn kill_leader(scene: &mut Scene) -> Result<(), Failure> {
    let leader = scene.leader().await?;
    scene.note(&format!("node {leader} leads, and is killed"));
    scene.kill(leader).await;
    scene.serves_again().await?;
    scene.note("a write is acknowledged again");
    scene.start(leader).await?;
    scene.note(&format!("node {leader} is started again and ready"));
    Ok(())
}

async fn lose_quorum(scene: &mut Scene) -> Result<(), Failure> {
    let leader = scene.leader().await?;
    let survivor = leader % scene.size() + 1;
    let lost: Vec<u64> = (1..=scene.size()).filter(|id| *id != survivor).collect();
    scene.note(&format!("all nodes but {survivor} are lost with their disks"));
    // A majority without the survivor may have acknowledged what was on its way to it.
    scene.may_lose_from(Instant::now().checked_sub(ON_ITS_WAY).unwrap_or_else(Instant::now));
    for id in &lost {
        scene.kill(*id).await;
        scene.destroy(*id)?;
    }
    scene.kill(survivor).await;
    scene.note(&format!("node {survivor} is stopped"));
    scene.passquorum(survivor, &["recover", "--yes-i-accept-data-loss"]).await?;
    scene.note(&format!("node {survivor} is recovered"));
    scene.loses_nothing_from_now();
    scene.start(survivor).await?;
    scene.serves_again().await?;
    scene.note("a write is acknowledged again");
    for id in lost {
        scene.join(id, survivor).await?;
    }
    scene.all_vote(survivor).await?;
    scene.note("two new nodes have joined and vote");
    Ok(())
}

async fn restore_backup(scene: &mut Scene) -> Result<(), Failure> {
    let (file, passphrase) = scene.backup_files()?;
    scene.may_lose_from(Instant::now());
    scene.passquorum(2, &["backup", &file, "--passphrase-file", &passphrase]).await?;
    scene.note("a backup is taken");
    scene.more_load().await?;
    scene.note("every node is lost with its disk");
    for id in 1..=scene.size() {
        scene.kill(id).await;
        scene.destroy(id)?;
    }
    scene.restore(1, &file, &passphrase).await?;
    scene.note("the backup is restored to a new node");
    scene.loses_nothing_from_now();
    scene.start(1).await?;
    scene.serves_again().await?;
    scene.note("a write is acknowledged again");
    for id in 2..=scene.size() {
        scene.join(id, 1).await?;
    }
    scene.all_vote(1).await?;
    scene.note("two new nodes have joined and vote");
    Ok(())
}
