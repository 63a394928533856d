//! A data directory that begins with a state.

use openraft::storage::RaftLogStorage;
use openraft::{BasicNode, Membership, Vote};
use passquorum_storage::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

use crate::machine::{Config, Notes, SPAWNING, append, id, note, open};

fn alone() -> Membership<u64, BasicNode> {
    let nodes = BTreeMap::from([(1, BasicNode::new("localhost:1"))]);
    Membership::new(vec![BTreeSet::from([1])], nodes)
}

#[expect(clippy::await_holding_lock, reason = "no other test waits for these to let the lock go")]
async fn found(directory: &Path, state: Notes) -> Result<(), StoreError> {
    let _no_process_is_starting = SPAWNING.read().unwrap();
    Store::<Config, Notes>::found(directory, 1, id(7, 40), state, alone()).await
}

fn some() -> Notes {
    Notes(BTreeMap::from([(b"note".to_vec(), b"kept".to_vec())]))
}

#[tokio::test]
async fn a_directory_begins_with_a_state_and_goes_on_behind_it() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("store");
    found(&data, some()).await.unwrap();
    {
        let Store { mut log, state } = open(&data).unwrap();
        assert_eq!(state.last_applied(), Some(id(7, 40)));
        let published = state.subscribe().borrow().clone();
        assert_eq!(published.machine, some());
        assert_eq!(published.membership.membership(), &alone());
        assert_eq!(log.last_log_id(), Some(id(7, 40)));
        assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(7, 1)));
        let mut next = note(41, "note", "later");
        next.log_id = id(8, 41);
        append(&mut log, vec![next]).await.unwrap();
    }
    let Store { log, .. } = open(&data).unwrap();
    assert_eq!(log.last_log_id(), Some(id(8, 41)));
}

#[tokio::test]
async fn a_directory_that_holds_a_member_is_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    found(directory.path(), some()).await.unwrap();
    let again = found(directory.path(), Notes::default()).await;
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    let Store { state, .. } = open(directory.path()).unwrap();
    assert_eq!(state.subscribe().borrow().machine, some());
}
