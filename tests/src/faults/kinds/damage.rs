//! What every way to damage a store shares: a follower gets a value that is easy to find, is stopped, and its file is
//! harmed where that value lies, so that it is no byte that nobody needs. A node that notices is replaced by a new one
//! under a new id. One that starts stays, and is judged with the others by what it serves.

use std::time::Duration;

use super::World;
use crate::faults::api::Told;
use crate::faults::history::{Answer, Condition, Op};
use crate::rig::RigError;
use crate::wait;

const SOON: Duration = Duration::from_secs(20);
const LABEL: &str = "marked";
const MARK: &str = "c5c1b8e2-this-value-is-looked-for-in-the-file";

/// Harms `file` of a follower's store by `harm`, which is given its bytes and where the marks in them begin.
pub(super) async fn strike(
    world: &mut World,
    file: &str,
    harm: impl FnOnce(&mut Vec<u8>, &[usize]),
) -> Result<(), RigError> {
    let (victim, helper) = (world.follower().await?, world.leader().await?);
    mark(world, victim).await?;
    world.nodes.cluster.terminate(victim).await?;
    let path = world.nodes.data(victim).join("store").join(file);
    let what = path.display().to_string();
    let mut bytes = std::fs::read(&path).map_err(RigError::io(&what))?;
    let marks: Vec<usize> = find(&bytes, MARK.as_bytes());
    if marks.is_empty() {
        return Err(RigError::Contract { who: "the store", answer: format!("the mark is not in {file}") });
    }
    harm(&mut bytes, &marks);
    std::fs::write(&path, bytes).map_err(RigError::io(&what))?;

    let before = world.nodes.log(victim, 0).len();
    world.nodes.cluster.launch(victim)?;
    if world.serves_or_ended(victim).await? {
        world.problem(format!("{file} was damaged, and the node started"));
        return Ok(());
    }
    let log = world.nodes.log(victim, before);
    match log.lines().find(|line| line.contains("corrupt")) {
        Some(line) => world.note(format!("refused to start: {}", said(line))),
        None => world.problem(format!("it did not name the damage: {}", log.trim())),
    }
    world.nodes.replace(victim, helper).await
}

/// Flips one bit in every place where the mark is, as different ages of it may be there.
pub(super) fn flip(bytes: &mut [u8], marks: &[usize]) {
    for at in marks {
        if let Some(byte) = bytes.get_mut(*at) {
            *byte ^= 1;
        }
    }
}

/// Writes the mark, and waits until the victim has it too.
async fn mark(world: &World, victim: u64) -> Result<(), RigError> {
    let put = Op::Put { key: LABEL.to_owned(), value: MARK.to_owned(), condition: Condition::Always };
    wait::until("the mark is written", SOON, || async {
        let told = world.api.label(victim, &put, LABEL).await;
        matches!(told, Told::Answer(Answer::Put(_))).then_some(())
    })
    .await?;
    let get = Op::Get { key: LABEL.to_owned() };
    wait::until("the victim has the mark", SOON, || async {
        let told = world.api.label(victim, &get, LABEL).await;
        matches!(told, Told::Answer(Answer::Get { value: Some(_), .. })).then_some(())
    })
    .await?;
    Ok(())
}

/// An error from the word that names it to its remedy, without the place on this machine.
fn said(line: &str) -> &str {
    let from = line.find("corrupt").unwrap_or(0);
    let text = line.get(from..).unwrap_or(line);
    text.split_once(" (").map_or(text, |(text, _)| text)
}

fn find(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    bytes.windows(what.len()).enumerate().filter(|(_, window)| *window == what).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found() {
        assert_eq!(find(b"ab-ab-a", b"ab"), [0, 3]);
    }

    #[test]
    fn what_is_told_of_an_error_has_no_path_and_no_remedy() {
        let line = "passquorum: corrupt database (dir/db: it ends at sync 1): move the data directory aside";
        assert_eq!(said(line), "corrupt database");
    }
}
