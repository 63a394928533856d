//! `drill`: breaks a cluster that was made for it, under load, mends it as an operator would, with the same commands, and
//! measures how long no write was acknowledged (RTO) and how many acknowledged writes are gone (RPO). What is safe there
//! is rehearsed on the living realm with `--live`.
//!
//! The cluster is of the demonstration's kind: node processes on loopback. Nothing else on the host is touched.

mod balancer;
mod breakdowns;
mod claim;
mod conditions;
mod full_disk;
mod journal;
mod live;
mod load;
mod perimeter;
mod rehearsal;
mod relay;
mod report;
mod rotation;
mod scene;
mod site;
mod upgrade;

use super::{Exit, Failure, answer, tell};
use crate::cli::{DrillArgs, DrillName};
use crate::env::SystemEntropy;
use crate::{secret_file, supervise};
use passquorum_domain::ports::fresh_uuid;
use report::Report;
use scene::Scene;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Each step of a drill takes no longer, or the drill fails.
const STEP: Duration = Duration::from_secs(60);

pub(super) async fn run(args: DrillArgs) -> Result<(), Failure> {
    if args.earlier.is_some() && args.drill != DrillName::RollingUpgrade {
        return Err(Failure::usage("--earlier is for rolling-upgrade"));
    }
    if args.live {
        return live::run(args).await;
    }
    if args.drill == DrillName::FullDisk && !args.own_mounts {
        return Err(full_disk::start_with_own_mounts());
    }
    let signal = supervise::stop_signal()?;
    let dir = directory(args.dir.as_deref())?;
    if !args.json {
        tell(&format!("Making a cluster in {} …", dir.display()));
    }
    let others = u16::from(args.drill == DrillName::PartitionDmz);
    let mut scene = Scene::plan(&dir, args.nodes, others)?;
    let done = tokio::select! {
        done = perform(&mut scene, &args) => done,
        _ = signal => Err(Failure::not_now("the drill was stopped")),
    };
    scene.stop().await;
    if args.own_mounts {
        full_disk::take_away(&dir);
    }
    let report = done.map_err(|failure| Failure {
        message: format!("{}\nthe nodes' logs are in {}", failure.message, dir.display()),
        ..failure
    })?;
    keep(&report, &dir.join("report.json"), &args)?;
    if !report.ok() {
        return Err(failed(format!("the drill failed; the nodes' logs are in {}", dir.display())));
    }
    if args.dir.is_none() {
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

/// Writes the report down, and shows it.
fn keep(report: &Report, file: &Path, args: &DrillArgs) -> Result<(), Failure> {
    for file in std::iter::once(file).chain(args.report.as_deref()) {
        secret_file::write(file, report.json().as_bytes())?;
    }
    answer(&if args.json { report.json() } else { report.text() })
}

fn failed(message: String) -> Failure {
    Failure { exit: Exit::Failed, message }
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

async fn perform(scene: &mut Scene, args: &DrillArgs) -> Result<Report, Failure> {
    match args.drill {
        DrillName::KillLeader => breakdowns::kill_leader(scene).await?,
        DrillName::LoseQuorum => breakdowns::lose_quorum(scene).await?,
        DrillName::RestoreBackup => breakdowns::restore_backup(scene).await?,
        DrillName::PartitionDmz => perimeter::partition(scene).await?,
        DrillName::FullDisk => full_disk::fill(scene).await?,
        DrillName::RotateKeys => rotation::rotate(scene).await?,
        DrillName::RollingUpgrade => upgrade::roll(scene, args.earlier.as_deref()).await?,
    }
    scene.serves_again().await?;
    scene.judge(args.drill).await
}

/// Runs a command of this program for the node in a data directory.
async fn own_command(dir: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let ran = Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg("--dir")
        .arg(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(failed(format!("passquorum {}: {said}", arguments.join(" "))))
}
