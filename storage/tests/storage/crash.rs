//! A process that is killed at any moment has lost nothing that it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{RaftLogReader, RaftSnapshotBuilder, Vote};
use passquorum_storage::Store;
use tempfile::TempDir;

use crate::machine::{SPAWNING, append, id, notes, open};

const DIRECTORY: &str = "PASSQUORUM_CRASH_TEST_DIRECTORY";
const ROUNDS: u64 = 25;

#[tokio::test]
#[ignore = "the process that kill_9_loses_nothing_that_was_acknowledged starts and kills"]
async fn child_that_writes_until_it_is_killed() {
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let Store { mut log, mut state } = open(directory.as_ref()).unwrap();
    let mut next = log.last_log_id().map_or(0, |last| last.index + 1);
    let applied = state.last_applied().map_or(0, |last| last.index + 1);
    state.apply(log.try_get_log_entries(applied..next).await.unwrap()).await.unwrap();
    loop {
        log.save_vote(&Vote::new(next + 1, 1)).await.unwrap();
        acknowledge("vote", next + 1);
        let size = 1 + next % 40;
        append(&mut log, notes(next..next + size)).await.unwrap();
        next += size;
        acknowledge("entry", next - 1);
        log.save_committed(Some(id(1, next - 1))).await.unwrap();
        state.apply(notes(next - size..next)).await.unwrap();
        if next % 11 == 0 {
            state.get_snapshot_builder().await.build_snapshot().await.unwrap();
            log.purge(id(1, next.saturating_sub(100))).await.unwrap();
        }
    }
}

fn acknowledge(what: &str, number: u64) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "acknowledged {what} {number}").unwrap();
}

#[tokio::test]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    let directory = TempDir::new().unwrap();
    let (mut vote, mut entry) = (0, None);
    for round in 0..ROUNDS {
        let starting = SPAWNING.write().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(starting);
        // The number of acknowledgements to wait for decides the moment; what is in flight then is random.
        let wait_for = 1 + round * 37 % 150;
        let mut seen = 0;
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' ')) {
                Some(("vote", number)) => vote = number.parse().unwrap(),
                Some(("entry", number)) => entry = Some(number.parse::<u64>().unwrap()),
                _ => panic!("the child failed: {line}"),
            }
            seen += 1;
            if seen == wait_for {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= wait_for, "the child ended by itself in round {round}");

        let Store { mut log, state } = open(directory.path()).unwrap();
        assert!(log.read_vote().await.unwrap().unwrap_or_default().leader_id.term >= vote);
        let last = log.last_log_id().map(|last| last.index);
        assert!(last >= entry, "round {round}: the log ends at {last:?}, acknowledged was {entry:?}");
        let kept = log.try_get_log_entries(..).await.unwrap();
        if let (Some(first), Some(last)) = (kept.first(), last) {
            assert_eq!(kept, notes(first.log_id.index..last + 1));
        }
        let purged = log.get_log_state().await.unwrap().last_purged_log_id;
        assert!(state.last_applied() >= purged, "what was purged has to be in the state");
    }
}
