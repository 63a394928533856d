//! A Raft member of one, started and restarted on its store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{Fatal, RPCError, RaftError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{AnyError, BasicNode, OptionalSend, Raft, Snapshot, Vote};
use passquorum_storage::Published;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::machine::{Config, Note, Notes, open};

/// A network for a member that has no peers.
struct NoPeers;

fn unreachable() -> Unreachable {
    Unreachable::new(&AnyError::error("there are no peers"))
}

impl RaftNetworkFactory<Config> for NoPeers {
    type Network = Self;

    async fn new_client(&mut self, _: u64, _: &BasicNode) -> Self {
        Self
    }
}

impl RaftNetwork<Config> for NoPeers {
    async fn append_entries(
        &mut self,
        _: AppendEntriesRequest<Config>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RPCError<u64, BasicNode, RaftError<u64>>> {
        Err(unreachable().into())
    }

    async fn vote(
        &mut self,
        _: VoteRequest<u64>,
        _: RPCOption,
    ) -> Result<VoteResponse<u64>, RPCError<u64, BasicNode, RaftError<u64>>> {
        Err(unreachable().into())
    }

    async fn full_snapshot(
        &mut self,
        _: Vote<u64>,
        _: Snapshot<Config>,
        _: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Config, Fatal<u64>>> {
        Err(unreachable().into())
    }
}

type State = watch::Receiver<Arc<Published<Config, Notes>>>;

async fn start(directory: &Path) -> (Raft<Config>, State) {
    let config = openraft::Config { max_in_snapshot_log_to_keep: 5, ..Default::default() };
    let store = open(directory).unwrap();
    let state = store.state.subscribe();
    let config = Arc::new(config.validate().unwrap());
    (Raft::new(1, config, NoPeers, store.log, store.state).await.unwrap(), state)
}

#[tokio::test]
async fn a_member_keeps_what_it_committed_over_restarts_snapshots_and_purges() {
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(30));
    let directory = TempDir::new().unwrap();
    let mut expected = BTreeMap::new();
    for round in 0..4_u8 {
        let (raft, state) = start(directory.path()).await;
        if round == 0 {
            raft.initialize(BTreeMap::from([(1, BasicNode::new("only.example.test"))])).await.unwrap();
        }
        raft.wait(DEADLINE).current_leader(1, "it elects itself").await.unwrap();
        assert!(round == 0 || state.borrow().machine.0 == expected, "round {round}: the state is whole");
        for number in 0..40_u8 {
            let note = Note { name: format!("note {number}"), text: Some(vec![round, number]) };
            expected.insert(note.name.clone().into_bytes(), vec![round, number]);
            raft.client_write(note).await.unwrap();
        }
        assert_eq!(state.borrow().machine.0, expected, "what was committed is published");
        if round % 2 == 0 {
            let applied = state.borrow().last_applied;
            raft.trigger().snapshot().await.unwrap();
            raft.wait(DEADLINE).snapshot(applied.unwrap(), "it is built").await.unwrap();
            raft.wait(DEADLINE)
                .metrics(|m| m.purged.map(|id| id.index + 5) == applied.map(|id| id.index), "it is purged")
                .await
                .unwrap();
        }
        raft.shutdown().await.unwrap();
    }
}
