//! A leader that writes its log and replicates it at the same time: what it may lose, and that nothing builds on it.

use std::time::Duration;

use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{CommittedLeaderId, Entry, EntryPayload, LogId, Membership, RaftLogReader, Vote};
use passquorum_storage::engine::{Crash, Refusal};
use passquorum_storage::{MemoryDisk, Store};
use tokio::time::timeout;

use crate::machine::{Config, Notes, append, id, notes, open};

const NODE: u64 = 1;
const LATENCY: Duration = Duration::from_secs(30);
/// Shorter than the disk takes, on the paused clock.
const SOON: Duration = Duration::from_secs(10);

/// Node 1 as the leader of term 1 with five durable entries; each sync takes a while from now on.
async fn leader(disk: &MemoryDisk) -> Store<Config, Notes> {
    let mut store = Store::memory(disk).unwrap();
    store.log.belong_to(NODE);
    store.log.save_vote(&Vote::new_committed(1, NODE)).await.unwrap();
    append(&mut store.log, notes(0..5)).await.unwrap();
    disk.raft.set_latency(LATENCY);
    store
}

#[tokio::test(start_paused = true)]
async fn a_leaders_own_proposals_count_as_appended_and_are_not_applied_before_they_are_durable() {
    let disk = MemoryDisk::default();
    let Store { mut log, mut state } = leader(&disk).await;
    let mut durable = log.durable();
    timeout(SOON, append(&mut log, notes(5..8))).await.expect("it is not waited for").unwrap();
    assert_eq!(log.try_get_log_entries(5..8).await.unwrap(), notes(5..8));
    assert_eq!(durable.last(), Some(id(1, 4)));

    state.apply(notes(0..5)).await.unwrap();
    assert!(timeout(SOON, state.apply(notes(5..8))).await.is_err(), "it waits for the disk");
    assert_eq!(state.last_applied(), Some(id(1, 4)));

    timeout(LATENCY, durable.reach(id(1, 7))).await.expect("the disk is done by then").unwrap();
    timeout(SOON, state.apply(notes(5..8))).await.expect("nothing to wait for").unwrap();
    assert_eq!(state.last_applied(), Some(id(1, 7)));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_lost_its_tail_does_not_lead_on_under_the_same_vote() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, .. } = leader(&disk).await;
        append(&mut log, notes(5..8)).await.unwrap();
        log.save_committed(Some(id(1, 7))).await.unwrap();
    }
    disk.crash(Crash::LoseUnsynced);
    disk.raft.set_latency(Duration::ZERO);
    let Store { mut log, mut state } = Store::<Config, Notes>::memory(&disk).unwrap();
    log.belong_to(NODE);
    assert_eq!(log.last_log_id(), Some(id(1, 4)), "else this test shows nothing");
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(1, NODE)));
    assert!(log.read_committed().await.unwrap() <= Some(id(1, 4)));
    assert_eq!(state.applied_state().await.unwrap().0, None);
}

#[tokio::test(start_paused = true)]
async fn all_other_entries_are_waited_for() {
    let foreign = |index| Entry::<Config> {
        log_id: LogId::new(CommittedLeaderId::new(2, 7), index),
        payload: EntryPayload::Blank,
    };
    let membership = Entry { log_id: id(1, 5), payload: EntryPayload::Membership(Membership::default()) };
    for (what, vote, owner, entry) in [
        ("another leader's", Vote::new_committed(2, 7), Some(NODE), foreign(5)),
        ("another leader's, under our vote", Vote::new_committed(1, NODE), Some(NODE), foreign(5)),
        ("own of an earlier term", Vote::new_committed(2, 7), Some(NODE), notes(5..6).remove(0)),
        ("a candidate's", Vote::new(1, NODE), Some(NODE), notes(5..6).remove(0)),
        ("another node's", Vote::new_committed(1, NODE), Some(7), notes(5..6).remove(0)),
        ("nobody's", Vote::new_committed(1, NODE), None, notes(5..6).remove(0)),
        ("a change of the membership", Vote::new_committed(1, NODE), Some(NODE), membership),
    ] {
        let disk = MemoryDisk::default();
        let mut log = Store::<Config, Notes>::memory(&disk).unwrap().log;
        if let Some(owner) = owner {
            log.belong_to(owner);
        }
        log.save_vote(&vote).await.unwrap();
        append(&mut log, notes(0..5)).await.unwrap();
        disk.raft.set_latency(LATENCY);
        let appended = timeout(SOON, append(&mut log, vec![entry])).await;
        assert!(appended.is_err(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vote_for_another_leader_is_durable_behind_the_whole_log() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, .. } = leader(&disk).await;
        append(&mut log, notes(5..8)).await.unwrap();
        log.save_vote(&Vote::new(2, 7)).await.unwrap();
    }
    disk.crash(Crash::LoseUnsynced);
    let log = Store::<Config, Notes>::memory(&disk).unwrap().log;
    assert_eq!(log.last_log_id(), Some(id(1, 7)));
}

#[tokio::test(start_paused = true)]
async fn the_commit_position_never_runs_ahead_of_the_entries_on_disk() {
    let disk = MemoryDisk::default();
    {
        let Store { mut log, .. } = leader(&disk).await;
        append(&mut log, notes(5..6)).await.unwrap();
        tokio::task::yield_now().await;
        append(&mut log, notes(6..8)).await.unwrap();
        log.save_committed(Some(id(1, 7))).await.unwrap();
        append(&mut log, notes(8..9)).await.unwrap();
        log.durable().reach(id(1, 5)).await.unwrap();
        assert_eq!(log.durable().last(), Some(id(1, 5)), "else this test shows nothing");
    }
    disk.crash(Crash::LoseUnsynced);
    let mut log = Store::<Config, Notes>::memory(&disk).unwrap().log;
    assert!(log.read_committed().await.unwrap() <= log.last_log_id());
}

#[tokio::test(start_paused = true)]
async fn the_commit_position_is_cut_to_what_is_on_disk_and_written_in_full_later() {
    let disk = MemoryDisk::default();
    let Store { mut log, .. } = leader(&disk).await;
    // Committed before the write of the entries has begun, and ahead of the first batch.
    append(&mut log, notes(5..6)).await.unwrap();
    log.save_committed(Some(id(1, 9))).await.unwrap();
    log.durable().reach(id(1, 5)).await.unwrap();
    let stored = |disk: &MemoryDisk| Store::<Config, Notes>::memory(disk).unwrap().log;
    assert_eq!(stored(&disk).read_committed().await.unwrap(), Some(id(1, 5)));
    append(&mut log, notes(6..10)).await.unwrap();
    log.durable().reach(id(1, 9)).await.unwrap();
    assert_eq!(stored(&disk).read_committed().await.unwrap(), Some(id(1, 9)));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_under_a_leader_ends_what_waits_for_it() {
    let disk = MemoryDisk::default();
    let Store { mut log, mut state } = leader(&disk).await;
    state.apply(notes(0..5)).await.unwrap();
    append(&mut log, notes(5..6)).await.unwrap();
    tokio::task::yield_now().await;
    disk.raft.refuse_writes(Some(Refusal::IoError));
    assert!(state.apply(notes(5..6)).await.is_err());
    assert_eq!(state.last_applied(), Some(id(1, 4)));
    assert!(append(&mut log, notes(6..7)).await.is_err());
}

#[tokio::test]
async fn on_disk_too_a_leaders_proposals_become_durable_and_are_applied() {
    let directory = tempfile::tempdir().unwrap();
    {
        let Store { mut log, mut state } = open(directory.path()).unwrap();
        log.belong_to(NODE);
        log.save_vote(&Vote::new_committed(1, NODE)).await.unwrap();
        for index in 0..50 {
            append(&mut log, notes(index..index + 1)).await.unwrap();
        }
        state.apply(notes(0..30)).await.unwrap();
        assert!(log.durable().last() >= Some(id(1, 29)));
        log.durable().reach(id(1, 49)).await.unwrap();
        assert_eq!(log.durable().last(), Some(id(1, 49)));
        log.truncate(id(1, 30)).await.unwrap();
        assert_eq!(log.durable().last(), Some(id(1, 29)));
        assert_eq!(log.durable().appended(), Some(id(1, 29)));
    }
    let Store { mut log, .. } = open(directory.path()).unwrap();
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new_committed(1, NODE)));
    log.belong_to(NODE);
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(1, NODE)));
}
