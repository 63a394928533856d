//! Each node is stopped in good order and started again, the leader last, while clients behind a balancer are at work.
//! With the program of an earlier release the cluster is founded by that one, one node goes back to it and forward again,
//! and the upgrade is finalised.

use super::scene::Scene;
use super::{STEP, failed};
use crate::client::Client;
use crate::commands::Failure;
use crate::commands::fleet::{Fleet, until};
use crate::config::file;
use crate::secret_file;
use passquorum_domain::ports::UpgradeStatus;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// A node that stops serves on for so long, while the balancer learns of it.
const DRAIN: Duration = Duration::from_secs(3);

pub(super) async fn roll(scene: &mut Scene, earlier: Option<&Path>) -> Result<(), Failure> {
    let own = std::env::current_exe()?;
    let earlier = earlier.map(std::path::absolute).transpose()?;
    match &earlier {
        Some(earlier) => {
            let (from, to) = (version(earlier).await?, version(&own).await?);
            scene.journal.remark(format!("from {from} to {to}"));
            found_with(scene, earlier).await?;
        }
        None => {
            let same = version(&own).await?;
            scene.journal.remark(format!("a rolling restart: {same} took its own place"));
            for place in 1..=scene.size() {
                scene.fleet.alter(place, |node| node.config.drain = DRAIN);
            }
            scene.begin().await?;
        }
    }
    scene.put_clients_to_work().await?;
    let leader = scene.leader().await?;
    let others = (1..=scene.size()).filter(|place| *place != leader);
    for place in others.chain([leader]) {
        replace(scene, place, &own).await?;
        scene.journal.note(format!("node {place} runs the new program"));
    }
    if let Some(earlier) = earlier {
        replace(scene, leader, &earlier).await?;
        scene.journal.note(format!("node {leader} went back to the earlier program"));
        replace(scene, leader, &own).await?;
        scene.journal.note(format!("node {leader} runs the new program again"));
        finish(scene).await?;
    }
    scene.more_load().await
}

/// Ends the upgrade, where the two programs support different feature levels.
async fn finish(scene: &mut Scene) -> Result<(), Failure> {
    let status = upgrade_status(scene, 1).await?;
    let level = status.supported;
    if status.level >= level {
        scene
            .journal
            .remark("both programs support the same feature level, so there was nothing to finalise");
        return Ok(());
    }
    scene.passquorum(1, &["upgrade", "finalise"]).await?;
    for place in 1..=scene.size() {
        let raised =
            until(STEP, || async { (upgrade_status(scene, place).await.ok()?.level == level).then_some(()) });
        if raised.await.is_none() {
            scene.journal.fault(format!("node {place} does not run at feature level {level}"));
        }
    }
    scene.journal.note(format!("the upgrade is finalised: the realm runs at feature level {level}"));
    Ok(())
}

async fn upgrade_status(scene: &Scene, place: u64) -> Result<UpgradeStatus, Failure> {
    Ok(Client::of(scene.node(place)?.config.data).get("/api/v1/upgrade").await?)
}

/// Stops a node, starts it with a program, and waits until all are ready.
async fn replace(scene: &mut Scene, place: u64, program: &Path) -> Result<(), Failure> {
    scene.end(place).await?;
    scene.fleet.alter(place, |node| node.run_with(program));
    scene.start(place).await?;
    scene.catches_up(place, place % scene.size() + 1).await?;
    scene.all_ready().await?;
    scene.more_load().await
}

async fn version(program: &Path) -> Result<String, Failure> {
    let ran = Command::new(program).arg("--version").stdin(Stdio::null()).output().await;
    let ran = ran.map_err(|error| Failure::usage(format!("{}: {error}", program.display())))?;
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

/// Has an earlier program make the cluster, and starts the nodes with it.
async fn found_with(scene: &mut Scene, earlier: &Path) -> Result<(), Failure> {
    let base_port = scene.base_port()?;
    scene.token = found(earlier, &scene.dir, scene.size(), base_port).await?;
    let voters = u16::try_from(scene.size()).unwrap_or(u16::MAX);
    scene.fleet = Fleet::plan(&scene.dir, voters, base_port)?;
    for place in 1..=scene.size() {
        scene.fleet.alter(place, |node| {
            node.config.drain = DRAIN;
            node.run_with(earlier);
        });
        let node = scene.node(place)?;
        secret_file::write(&node.config.data.settings(), file::render(&node.config).as_bytes())?;
        scene.fleet.spawn(&node)?;
    }
    scene.all_ready().await
}

/// Runs the `demo` of a program until the cluster is there. Gives a token for the operators' API.
async fn found(program: &Path, dir: &Path, nodes: u64, base_port: u16) -> Result<String, Failure> {
    let mut demo = Command::new(program)
        .args([
            "demo",
            "--json",
            "--nodes",
            &nodes.to_string(),
            "--base-port",
            &base_port.to_string(),
            "--dir",
        ])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = demo.stdout.take() {
        tokio::time::timeout(STEP, BufReader::new(out).read_line(&mut line)).await??;
    }
    let told: Value = serde_json::from_str(&line)
        .map_err(|_| failed(format!("{} demo made no cluster", program.display())))?;
    let pid = demo.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM)?;
    }
    demo.wait().await?;
    let token = told.get("api_token").and_then(Value::as_str).map(str::to_owned);
    token.ok_or_else(|| failed(format!("{} demo gives no token", program.display())))
}
