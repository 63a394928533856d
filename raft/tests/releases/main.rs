//! What the release before this one wrote, and that this one reads it and, at its feature levels, writes the same bytes: a
//! node that is started with the old program again reads what the new one left it.
//!
//! The files were written by this very test on the commit in `ops/previous-release`, with
//! `PASSQUORUM_WRITE_GOLDEN=1`; see ARCHITECTURE.md. This file knows only what was public there too.

#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is a failed test")]

mod commands;
mod third;

use openraft::storage::{RaftLogStorageExt as _, RaftStateMachine as _};
use openraft::{
    CommittedLeaderId, Entry, EntryPayload, LogId, Membership, RaftLogReader as _, RaftSnapshotBuilder as _,
    SnapshotMeta,
};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::outcome::Outcome;
use passquorum_raft::Store;
use passquorum_raft::types::{Batch, NodeInfo, TypeConfig};
use passquorum_storage::MemoryDisk;
use passquorum_storage::engine::{Batch as Writes, Durability, Engine};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/releases/golden").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn id(index: u64) -> LogId<u64> {
    LogId::new(CommittedLeaderId::new(1, 1), index)
}

/// The levels that the release before knew.
const LEVELS: [FeatureLevel; 3] = [FeatureLevel::FIRST, FeatureLevel::SECOND, FeatureLevel::THIRD];

/// A membership, a blank entry, and one entry for every few commands.
fn entries(level: FeatureLevel) -> Vec<Entry<TypeConfig>> {
    let member = (1, NodeInfo { cluster_address: "host:1".into() });
    let membership = Membership::new(vec![BTreeSet::from([1])], BTreeMap::from([member]));
    let mut payloads = vec![EntryPayload::Membership(membership), EntryPayload::Blank];
    payloads.extend(commands::all(level).chunks(5).map(|some| EntryPayload::Normal(Batch(some.to_vec()))));
    (0..).zip(payloads).map(|(index, payload)| Entry { log_id: id(index), payload }).collect()
}

struct Written {
    log: String,
    snapshot: String,
    meta: SnapshotMeta<u64, NodeInfo>,
    outcomes: Vec<Outcome>,
}

/// What this program writes for the commands.
async fn written(level: FeatureLevel) -> Written {
    let disk = MemoryDisk::default();
    let Store { mut log, mut state } = Store::memory(&disk).unwrap();
    log.blocking_append(entries(level)).await.unwrap();
    let outcomes =
        state.apply(entries(level)).await.unwrap().into_iter().flat_map(|answer| answer.0).collect();
    let built = state.get_snapshot_builder().await.build_snapshot().await.unwrap();
    let mut text = String::new();
    let mut add = |key: &[u8], value: &[u8]| {
        writeln!(text, "{} {}", hex(key), hex(value)).unwrap();
        Ok(true)
    };
    disk.raft.scan(&[], &[u8::MAX], &mut add).unwrap();
    let snapshot = hex(&built.snapshot.read_at(0, usize::MAX).unwrap()) + "\n";
    Written { log: text, snapshot, meta: built.meta, outcomes }
}

#[tokio::test]
async fn at_a_level_of_the_release_before_this_one_writes_the_same_bytes() {
    for level in LEVELS {
        let Written { log, snapshot, outcomes, .. } = written(level).await;
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let refused = outcomes.len() - done;
        assert!(done > 40 && refused > 5, "the commands meet one another: {done} done, {refused} refused");
        for (name, text) in [("log", log), ("snapshot", snapshot)] {
            let name = format!("{name}-{level}.txt");
            if std::env::var_os("PASSQUORUM_WRITE_GOLDEN").is_some() {
                std::fs::create_dir_all(golden("")).unwrap();
                std::fs::write(golden(&name), &text).unwrap();
            }
            assert!(std::fs::read_to_string(golden(&name)).unwrap() == text, "{name} differs");
        }
    }
}

#[tokio::test]
async fn the_log_and_the_snapshot_of_the_release_before_are_read() {
    for level in LEVELS {
        let disk = MemoryDisk::default();
        let mut writes = Writes::default();
        let text = std::fs::read_to_string(golden(&format!("log-{level}.txt"))).unwrap();
        for (key, value) in text.lines().map(|line| line.split_once(' ').unwrap()) {
            writes.put(bytes(key), bytes(value));
        }
        disk.raft.write(writes, Durability::Synced).unwrap();
        let Store { mut log, mut state } = Store::memory(&disk).unwrap();
        let read = log.try_get_log_entries(..).await.unwrap();
        assert_eq!(read, entries(level));
        state.apply(read).await.unwrap();
        let replayed = state.subscribe().borrow().machine.state();
        assert_eq!(replayed.level(), level);

        let Store { mut state, .. } = Store::memory(&MemoryDisk::default()).unwrap();
        let mut body = state.begin_receiving_snapshot().await.unwrap();
        let snapshot = std::fs::read_to_string(golden(&format!("snapshot-{level}.txt"))).unwrap();
        body.append(0, &bytes(snapshot.trim_end())).unwrap();
        body.verify().unwrap();
        state.install_snapshot(&written(level).await.meta, body).await.unwrap();
        assert_eq!(state.subscribe().borrow().machine.state(), replayed);
    }
}
