//! What both ways to damage a store share: a follower is stopped, its store damaged, and what it does with that is told.
//! It is then replaced by a new node under a new id.

use std::path::{Path, PathBuf};

use super::World;
use crate::rig::RigError;
use crate::wait;

pub(super) async fn strike(world: &mut World, harm: impl FnOnce(&mut Vec<u8>)) -> Result<(), RigError> {
    let (victim, helper) = (world.follower().await?, world.leader().await?);
    world.nodes.cluster.terminate(victim).await?;
    let store = world.nodes.data(victim).join("store");
    let file = largest(&store)?;
    let what = file.display().to_string();
    let mut bytes = std::fs::read(&file).map_err(RigError::io(&what))?;
    harm(&mut bytes);
    std::fs::write(&file, bytes).map_err(RigError::io(&what))?;

    let before = world.nodes.log(victim, 0).len();
    world.nodes.cluster.launch(victim)?;
    let outcome = wait::until("the damaged node ends or is ready", world.length, || {
        let running = world.nodes.cluster.is_running(victim);
        let api = &world.api;
        async move { if running { api.is_ready(victim).await.then_some("served") } else { Some("ended") } }
    })
    .await;
    let log = world.nodes.log(victim, before);
    let named = log.lines().find(|line| line.contains("corrupt"));
    match (outcome, named) {
        (Ok("ended"), Some(line)) => {
            world.nodes.cluster.ended(victim).await?;
            world.note(format!("refused to start: {}", said(line)));
        }
        (Ok("ended"), None) => {
            world.nodes.cluster.ended(victim).await?;
            world.note(format!("BAD: ended without naming the damage: {}", log.trim()));
        }
        (outcome, _) => {
            world.note(format!("BAD: the damage was not noticed: {outcome:?}"));
            world.nodes.cluster.kill9(victim).await?;
        }
    }
    world.nodes.replace(victim, helper).await
}

/// An error without the time and place in front and the remedy behind it.
fn said(line: &str) -> &str {
    let from = line.find("corrupt").unwrap_or(0);
    let text = line.get(from..).unwrap_or(line);
    text.split_once("):").map_or(text, |(text, _)| text)
}

fn largest(dir: &Path) -> Result<PathBuf, RigError> {
    let mut best: Option<(u64, PathBuf)> = None;
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let what = dir.display().to_string();
        for entry in std::fs::read_dir(&dir).map_err(RigError::io(&what))? {
            let entry = entry.map_err(RigError::io(&what))?;
            let about = entry.metadata().map_err(RigError::io(&what))?;
            if about.is_dir() {
                open.push(entry.path());
            } else if best.as_ref().is_none_or(|(size, _)| about.len() > *size) {
                best = Some((about.len(), entry.path()));
            }
        }
    }
    best.map(|(_, path)| path)
        .ok_or_else(|| RigError::Contract { who: "the store", answer: "it has no file".to_owned() })
}
