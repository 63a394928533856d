//! What the store does when the disk in memory fails on purpose.

use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{RaftLogReader, RaftSnapshotBuilder, Vote};
use passquorum_storage::engine::{Crash, Refusal};
use passquorum_storage::{MemoryDisk, Store, StoreError};

use crate::machine::{Config, Notes, append, id, note, notes};

type Opened = Store<Config, Notes>;

fn open(disk: &MemoryDisk) -> Opened {
    Store::memory(disk).unwrap()
}

fn refused(disk: &MemoryDisk) -> StoreError {
    Opened::memory(disk).err().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_loss_of_every_unsynced_write() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, mut state } = open(&disk);
        log.save_vote(&Vote::new(4, 2)).await.unwrap();
        append(&mut log, notes(0..20)).await.unwrap();
        log.save_committed(Some(id(1, 19))).await.unwrap();
        state.apply(notes(0..20)).await.unwrap();
    }
    disk.crash(Crash::LoseUnsynced);
    let Store { mut log, mut state } = open(&disk);
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(4, 2)));
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), notes(0..20));
    assert_eq!(state.applied_state().await.unwrap().0, None, "the log applies it again");
}

#[tokio::test]
async fn a_disk_that_lies_about_syncs_loses_acknowledged_writes() {
    let disk = MemoryDisk::default();
    disk.raft.ignore_syncs(true);
    append(&mut open(&disk).log, notes(0..5)).await.unwrap();
    disk.crash(Crash::LoseUnsynced);
    assert_eq!(open(&disk).log.last_log_id(), None, "else the other tests of lost writes show nothing");
}

#[tokio::test]
async fn a_batch_that_is_torn_apart_is_noticed() {
    let disk = MemoryDisk::default();
    disk.raft.ignore_syncs(true);
    append(&mut open(&disk).log, vec![note(0, "large", vec![1; 20_000])]).await.unwrap();
    disk.crash(Crash::TearLast(3));
    assert!(matches!(refused(&disk), StoreError::Corrupt { what: "log", .. }));
}

#[tokio::test]
async fn a_torn_tail_that_was_never_acknowledged_takes_nothing_with_it() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, mut state } = open(&disk);
        append(&mut log, notes(0..10)).await.unwrap();
        state.apply(notes(0..10)).await.unwrap();
    }
    disk.crash(Crash::TearLast(0));
    let Store { mut log, mut state } = open(&disk);
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), notes(0..10));
    assert_eq!(state.applied_state().await.unwrap().0, None);
}

#[tokio::test]
async fn a_refused_write_is_an_error_and_nothing_is_acknowledged_after_it() {
    for refusal in [Refusal::DiskFull, Refusal::IoError] {
        let disk = MemoryDisk::default();
        {
            let Store { mut log, .. } = open(&disk);
            append(&mut log, notes(0..5)).await.unwrap();
            log.save_vote(&Vote::new(1, 1)).await.unwrap();
            disk.raft.refuse_writes(Some(refusal));
            assert!(append(&mut log, notes(5..6)).await.is_err());
            disk.raft.refuse_writes(None);
            assert!(append(&mut log, notes(6..7)).await.is_err(), "the log stays stopped");
            assert!(log.save_vote(&Vote::new(2, 1)).await.is_err());
            assert!(log.truncate(id(1, 2)).await.is_err());
        }
        disk.crash(Crash::KeepUnsynced);
        let Store { mut log, .. } = open(&disk);
        assert_eq!(log.try_get_log_entries(..).await.unwrap(), notes(0..5));
        assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(1, 1)));
    }
}

#[tokio::test]
async fn every_flipped_bit_in_the_log_is_named() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, .. } = open(&disk);
        log.save_vote(&Vote::new(1, 1)).await.unwrap();
        append(&mut log, notes(0..3)).await.unwrap();
        log.save_committed(Some(id(1, 1))).await.unwrap();
        append(&mut log, notes(3..4)).await.unwrap();
    }
    let keys = disk.raft.keys();
    assert_eq!(keys.len(), 6, "four entries, a vote and a commit position");
    for key in keys {
        for bit in [0, 17, 101, 130] {
            assert!(disk.raft.flip_bit(&key, bit));
            assert!(matches!(refused(&disk), StoreError::Corrupt { .. }), "bit {bit} of {key:?}");
            disk.raft.flip_bit(&key, bit);
        }
    }
    drop(open(&disk));
}

#[tokio::test]
async fn an_entry_that_vanished_is_noticed_at_open_and_while_reading() {
    let disk = MemoryDisk::default();
    append(&mut open(&disk).log, notes(0..5)).await.unwrap();
    let Store { mut log, .. } = open(&disk);
    let key = disk.raft.keys().into_iter().nth(2).unwrap();
    assert!(disk.raft.lose_key(&key));
    let error = log.try_get_log_entries(0..5).await.unwrap_err().to_string();
    assert!(error.contains("entry 2 part 0 is missing"), "{error}");
    drop(log);
    assert!(matches!(refused(&disk), StoreError::Corrupt { what: "log", .. }));
}

#[tokio::test]
async fn an_acknowledged_write_costs_one_batch_and_one_sync() {
    let disk = MemoryDisk::default();
    let Store { mut log, .. } = open(&disk);
    append(&mut log, notes(0..1)).await.unwrap();
    for index in 1..100 {
        log.save_committed(Some(id(1, index - 1))).await.unwrap();
        append(&mut log, notes(index..index + 1)).await.unwrap();
    }
    assert_eq!(disk.raft.writes_and_syncs(), (100, 101), "the commit position rides along; one sync to open");
}

#[tokio::test(start_paused = true)]
async fn a_slow_disk_takes_its_time_on_the_clock_of_the_runtime() {
    let disk = MemoryDisk::default();
    let Store { mut log, .. } = open(&disk);
    let latency = std::time::Duration::from_secs(3);
    disk.raft.set_latency(latency);
    let start = tokio::time::Instant::now();
    append(&mut log, notes(0..1)).await.unwrap();
    assert_eq!(start.elapsed(), latency);
}

#[tokio::test]
async fn a_disk_can_be_searched_for_what_must_not_be_on_it() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, mut state } = open(&disk);
        append(&mut log, vec![note(0, "place", b"in the log".to_vec())]).await.unwrap();
        state.apply(vec![note(0, "place", b"in the snapshot".to_vec())]).await.unwrap();
        state.get_snapshot_builder().await.build_snapshot().await.unwrap();
    }
    assert!(disk.holds(b"in the log") && disk.holds(b"in the snapshot"));
    assert!(!disk.holds(b"nowhere"));
}
