//! openraft's network over the peer protocol.
//!
//! A leader replicates what its own disk may not have yet. So a commit is announced only as far as the log is durable
//! here; what was held back is announced as soon as it is.

use crate::member::Member;
use crate::snapshot_stream;
use crate::transport::client::{CallError, Peers};
use crate::transport::request::Request;
use crate::types::{NodeInfo, TypeConfig};
use crate::wire::{Done, Message};
use openraft::error::{Fatal, RPCError, RaftError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{AnyError, LogId, Snapshot, Vote};
use passquorum_domain::ids::NodeId;
use passquorum_storage::Durable;
use passquorum_storage::codec::CodecError;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;

/// How long openraft waits before it tries a node again that was not reached.
const BACKOFF: Duration = Duration::from_millis(200);

/// Hands out clients; all clients of one node share its streams.
pub(crate) struct Network {
    pub(crate) peers: Arc<Peers>,
    pub(crate) durable: Durable,
    pub(crate) held_back: Arc<HeldBack>,
}

/// The newest commit that a follower was not told of.
pub(crate) struct HeldBack(watch::Sender<Option<LogId<u64>>>);

impl HeldBack {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(None)))
    }

    /// The part of a commit that may be announced.
    fn cut(&self, commit: Option<LogId<u64>>, durable: Option<LogId<u64>>) -> Option<LogId<u64>> {
        if commit > durable {
            self.0.send_if_modified(|newest| {
                let newer = commit > *newest;
                *newest = commit.max(*newest);
                newer
            });
        }
        commit.min(durable)
    }

    /// Announces what was held back once it is durable, as long as the member lives.
    pub(crate) async fn announce(self: Arc<Self>, member: Weak<Member>, mut durable: Durable) {
        let mut newest = self.0.subscribe();
        while newest.changed().await.is_ok() {
            let Some(commit) = *newest.borrow_and_update() else { continue };
            if durable.reach(commit).await.is_err() {
                return;
            }
            let Some(member) = member.upgrade() else { return };
            // A leader that hands over keeps silent.
            if member.leads() && member.raft.trigger().heartbeat().await.is_err() {
                return;
            }
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Follower;

    async fn new_client(&mut self, target: u64, node: &NodeInfo) -> Follower {
        let (peers, address) = (Arc::clone(&self.peers), node.cluster_address.clone());
        Follower {
            peer: Peer { peers, node: NodeId(target), address },
            durable: self.durable.clone(),
            held_back: Arc::clone(&self.held_back),
        }
    }
}

/// A node that openraft calls.
pub(crate) struct Follower {
    peer: Peer,
    durable: Durable,
    held_back: Arc<HeldBack>,
}

/// A node to be called.
pub(crate) struct Peer {
    pub(crate) peers: Arc<Peers>,
    pub(crate) node: NodeId,
    pub(crate) address: String,
}

/// Why a peer could not be asked, or its answer not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Peer {
    pub(crate) async fn ask<Q: Message, A: Message>(
        &self,
        request: Request,
        message: &Q,
        within: Duration,
    ) -> Result<A, PeerError> {
        let payload = message.encode()?;
        let answer = self.peers.call(self.node, &self.address, request, payload, within).await?;
        Ok(A::decode(&answer)?)
    }

    /// Tells a peer that its disk is an old copy, and Raft that it is not reached.
    async fn expel(&self) -> RpcError {
        tracing::error!(node = %self.node, "a node lacks log entries that it had confirmed: its disk is an old copy");
        let told = self.ask::<Done, Done>(Request::Expel, &Done, BACKOFF).await;
        if let Err(error) = &told {
            tracing::debug!(%error, "it was not told");
        }
        Unreachable::new(&AnyError::error("its disk is an old copy")).into()
    }
}

/// How long a call of Raft's is waited for here. openraft drops it at its own deadline before, and then tries again
/// at once, where it would pause after a failure that is reported from here.
fn patience(option: &RPCOption) -> Duration {
    option.hard_ttl() * 2
}

type RpcError = RPCError<u64, NodeInfo, RaftError<u64>>;

impl RaftNetwork<TypeConfig> for Follower {
    async fn append_entries(
        &mut self,
        mut rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RpcError> {
        rpc.leader_commit = self.held_back.cut(rpc.leader_commit, self.durable.last());
        let answer = self.peer.ask(Request::Append, &rpc, patience(&option)).await;
        let answer = answer.map_err(|e| Unreachable::new(&e))?;
        if !self.peer.peers.witnesses.appended(self.peer.node, &rpc, &answer) {
            return Err(self.peer.expel().await);
        }
        Ok(answer)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, RpcError> {
        let answer = self.peer.ask(Request::Vote, &rpc, patience(&option)).await;
        let answer: VoteResponse<u64> = answer.map_err(|e| Unreachable::new(&e))?;
        if answer.vote_granted {
            self.peer.peers.witnesses.voted(self.peer.node, &rpc.vote);
        }
        Ok(answer)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<u64>,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<TypeConfig, Fatal<u64>>> {
        tokio::select! {
            biased;
            closed = cancel => Err(closed.into()),
            sent = snapshot_stream::send(&self.peer, vote, &snapshot) => {
                sent.map_err(|e| Unreachable::new(&e).into())
            }
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}
