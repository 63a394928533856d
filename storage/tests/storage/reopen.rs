//! What a store holds after it was closed and opened again.

use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{LogState, RaftLogReader, RaftSnapshotBuilder, Vote};
use passquorum_storage::engine::MAX_VALUE;
use passquorum_storage::format::NEWEST;
use passquorum_storage::{Store, StoreError};
use tempfile::TempDir;

use crate::machine::{self, Config, Notes, append, id, note, notes};

type Opened = Store<Config, Notes>;

fn open(directory: &TempDir) -> Opened {
    machine::open(directory.path()).unwrap()
}

#[tokio::test]
async fn log_vote_and_commit_position_are_there_after_reopening() {
    let directory = TempDir::new().unwrap();
    let entries = notes(0..50);
    {
        let Store { mut log, .. } = open(&directory);
        log.save_vote(&Vote::new_committed(3, 9)).await.unwrap();
        append(&mut log, entries.clone()).await.unwrap();
        log.save_committed(Some(id(1, 40))).await.unwrap();
    }
    let Store { mut log, .. } = open(&directory);
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new_committed(3, 9)));
    assert_eq!(log.read_committed().await.unwrap(), Some(id(1, 40)));
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), entries);
}

#[tokio::test]
async fn truncation_and_purge_are_there_after_reopening() {
    let directory = TempDir::new().unwrap();
    {
        let Store { mut log, mut state } = open(&directory);
        append(&mut log, notes(0..1000)).await.unwrap();
        state.apply(notes(0..700)).await.unwrap();
        state.get_snapshot_builder().await.build_snapshot().await.unwrap();
        log.purge(id(1, 699)).await.unwrap();
        log.truncate(id(1, 900)).await.unwrap();
        let mut newer = note(900, "newer", "text");
        newer.log_id = id(2, 900);
        append(&mut log, vec![newer]).await.unwrap();
    }
    let Store { mut log, .. } = open(&directory);
    let state = log.get_log_state().await.unwrap();
    assert_eq!(state, LogState { last_purged_log_id: Some(id(1, 699)), last_log_id: Some(id(2, 900)) });
    let entries = log.try_get_log_entries(0..2000).await.unwrap();
    assert_eq!(entries.len(), 201);
    assert_eq!(entries.first().unwrap().log_id, id(1, 700));
    assert_eq!(entries.last().unwrap().log_id, id(2, 900));
    assert!(log.limited_get_log_entries(650, 710).await.unwrap().is_empty(), "650 is purged");
}

#[tokio::test]
async fn large_entries_are_spread_over_keys_and_never_leave_the_synced_file() {
    let directory = TempDir::new().unwrap();
    let sizes = [MAX_VALUE - 100, MAX_VALUE, 3 * MAX_VALUE, 300 << 10, 1 << 20];
    let entries: Vec<_> = (0..).zip(sizes).map(|(index, size)| note(index, "large", vec![7; size])).collect();
    {
        let Store { mut log, .. } = open(&directory);
        append(&mut log, entries.clone()).await.unwrap();
        append(&mut log, notes(5..200)).await.unwrap();
    }
    let blobs = std::fs::read_dir(directory.path().join("raft/blobs")).unwrap();
    assert_eq!(blobs.count(), 0, "the log has values outside of its file");
    let Store { mut log, .. } = open(&directory);
    assert_eq!(log.try_get_log_entries(0..5).await.unwrap(), entries);
}

#[tokio::test]
async fn the_state_after_reopening_is_the_newest_snapshot_and_the_log_brings_the_rest() {
    let directory = TempDir::new().unwrap();
    {
        let Store { mut log, mut state } = open(&directory);
        append(&mut log, notes(0..9)).await.unwrap();
        state.apply(notes(0..6)).await.unwrap();
        state.get_snapshot_builder().await.build_snapshot().await.unwrap();
        state.apply(notes(6..9)).await.unwrap();
    }
    let Store { mut log, mut state } = open(&directory);
    assert_eq!(state.last_applied(), Some(id(1, 5)));
    state.apply(log.try_get_log_entries(6..9).await.unwrap()).await.unwrap();
    let texts = |name: &str| state.subscribe().borrow().machine.0.get(name.as_bytes()).cloned();
    assert_eq!((texts("note 1"), texts("note 6")), (Some(b"text 8".to_vec()), Some(b"text 6".to_vec())));
}

#[tokio::test]
async fn a_purged_log_without_its_snapshot_is_refused() {
    let directory = TempDir::new().unwrap();
    {
        let Store { mut log, mut state } = open(&directory);
        append(&mut log, notes(0..9)).await.unwrap();
        state.apply(notes(0..9)).await.unwrap();
        state.get_snapshot_builder().await.build_snapshot().await.unwrap();
        log.purge(id(1, 5)).await.unwrap();
        append(&mut log, notes(9..10)).await.unwrap();
    }
    std::fs::remove_dir_all(directory.path().join("snapshots")).unwrap();
    let refused = machine::open(directory.path()).err().unwrap();
    assert!(matches!(refused, StoreError::Corrupt { what: "applied state", .. }), "{refused}");
}

#[tokio::test]
async fn entries_that_left_the_memory_are_read_from_the_engine() {
    let directory = TempDir::new().unwrap();
    let Store { mut log, .. } = open(&directory);
    let entries: Vec<_> = (0..1000).map(|index| note(index, "n", vec![3; 20_000])).collect();
    for part in entries.chunks(100) {
        append(&mut log, part.to_vec()).await.unwrap();
    }
    let mut reader = log.get_log_reader().await;
    assert_eq!(reader.try_get_log_entries(0..1000).await.unwrap(), entries);
    let limited = reader.limited_get_log_entries(10, 1000).await.unwrap();
    assert_eq!(limited.first().unwrap().log_id, id(1, 10));
    assert!(limited.len() < 100, "one read for replication is bounded");
    assert_eq!(limited, entries[10..10 + limited.len()]);
}

#[tokio::test]
async fn an_append_that_would_leave_a_hole_is_refused() {
    let directory = TempDir::new().unwrap();
    let Store { mut log, .. } = open(&directory);
    append(&mut log, notes(0..3)).await.unwrap();
    assert!(append(&mut log, notes(4..5)).await.unwrap_err().to_string().contains("hole"));
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = TempDir::new().unwrap();
    let first = open(&directory);
    assert!(matches!(machine::open(directory.path()), Err(StoreError::Locked { .. })));
    drop(first);
    drop(open(&directory));
}

#[test]
fn a_directory_of_a_newer_release_is_refused() {
    let directory = TempDir::new().unwrap();
    drop(open(&directory));
    let newer = format!("passquorum storage format {}\n", NEWEST + 1);
    std::fs::write(directory.path().join("FORMAT"), newer).unwrap();
    let refused = machine::open(directory.path());
    assert!(
        matches!(refused, Err(StoreError::FormatTooNew { found, supported: NEWEST, .. }) if found == NEWEST + 1)
    );
}

fn format_of(directory: &TempDir) -> String {
    std::fs::read_to_string(directory.path().join("FORMAT")).unwrap()
}

#[tokio::test]
async fn the_format_rises_with_the_state_and_never_falls() {
    let (directory, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let beyond = NEWEST + 1;
    let (second, too_new) =
        ("passquorum storage format 2\n", format!("passquorum storage format {beyond}\n"));
    let Store { mut log, mut state } = open(&directory);
    append(&mut log, vec![note(0, "other", "1")]).await.unwrap();
    state.apply(vec![note(0, "other", "1")]).await.unwrap();
    assert_eq!(format_of(&directory), "passquorum storage format 1\n");
    let raise = vec![note(1, "version", "2"), note(2, "more", "1")];
    append(&mut log, raise.clone()).await.unwrap();
    state.apply(raise).await.unwrap();
    assert_eq!(format_of(&directory), second);
    let built = state.get_snapshot_builder().await.build_snapshot().await.unwrap();
    {
        let Store { mut state, .. } = open(&other);
        let mut body = state.begin_receiving_snapshot().await.unwrap();
        body.append(0, &built.snapshot.read_at(0, usize::MAX).unwrap()).unwrap();
        body.verify().unwrap();
        state.install_snapshot(&built.meta, body).await.unwrap();
        assert_eq!(format_of(&other), second, "a snapshot that arrives raises it too");
    }
    std::fs::write(other.path().join("FORMAT"), "passquorum storage format 1\n").unwrap();
    drop(open(&other));
    assert_eq!(format_of(&other), second, "so does one that is there");
    let raise = vec![note(3, "version", beyond.to_string())];
    append(&mut log, raise.clone()).await.unwrap();
    state.apply(raise).await.unwrap();
    assert_eq!(format_of(&directory), too_new);
    drop((log, state));
    let refused = machine::open(directory.path());
    assert!(matches!(refused, Err(StoreError::FormatTooNew { found, .. }) if found == beyond));
}

#[test]
fn a_directory_without_its_format_is_refused() {
    let directory = TempDir::new().unwrap();
    drop(open(&directory));
    std::fs::remove_file(directory.path().join("FORMAT")).unwrap();
    assert!(matches!(machine::open(directory.path()), Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_directory_that_lost_its_log_is_refused() {
    let directory = TempDir::new().unwrap();
    {
        let Store { mut log, mut state } = open(&directory);
        append(&mut log, notes(0..9)).await.unwrap();
        state.apply(notes(0..9)).await.unwrap();
    }
    std::fs::remove_dir_all(directory.path().join("raft")).unwrap();
    let refused = machine::open(directory.path()).err().unwrap();
    assert!(matches!(refused, StoreError::Corrupt { what: "log", .. }), "{refused}");
    assert!(refused.to_string().contains("join again under a new id"), "{refused}");
}

#[tokio::test]
async fn every_damaged_byte_of_the_log_file_is_noticed_or_harmless() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("raft");
    {
        let Store { mut log, .. } = open(&directory);
        for index in 0..200 {
            append(&mut log, notes(index..index + 1)).await.unwrap();
        }
    }
    let file = database.join("db");
    let good = std::fs::read(&file).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let mut noticed = 0;
    for at in (0..=used).rev().step_by(used / 60) {
        // What sled writes beside the file while it opens a damaged one must not help the next round.
        let copy = TempDir::new().unwrap();
        for name in ["raft", "raft/blobs", "snapshots"] {
            std::fs::create_dir_all(copy.path().join(name)).unwrap();
        }
        for name in ["FORMAT", "raft/conf", "raft/mark"] {
            std::fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
        }
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        std::fs::write(copy.path().join("raft/db"), bad).unwrap();
        match machine::open(copy.path()) {
            Err(StoreError::Corrupt { .. }) => noticed += 1,
            Err(other) => panic!("byte {at}: {other}"),
            Ok(Store { mut log, .. }) => {
                assert_eq!(log.try_get_log_entries(..).await.unwrap(), notes(0..200), "byte {at}");
            }
        }
    }
    assert!(noticed > 30, "only {noticed} of 60 damaged bytes were noticed");
}
