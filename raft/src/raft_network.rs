//! openraft's network over the peer protocol.

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
use openraft::{AnyError, Snapshot, Vote};
use passquorum_domain::ids::NodeId;
use passquorum_storage::codec::CodecError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How long openraft waits before it tries a node again that was not reached.
const BACKOFF: Duration = Duration::from_millis(200);

/// Hands out clients; all clients of one node share its streams.
pub(crate) struct Network(pub(crate) Arc<Peers>);

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, node: &NodeInfo) -> Peer {
        Peer { peers: Arc::clone(&self.0), node: NodeId(target), address: node.cluster_address.clone() }
    }
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
}

impl Peer {
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

impl RaftNetwork<TypeConfig> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RpcError> {
        let answer = self.ask(Request::Append, &rpc, patience(&option)).await;
        let answer = answer.map_err(|e| Unreachable::new(&e))?;
        if !self.peers.witnesses.appended(self.node, &rpc, &answer) {
            return Err(self.expel().await);
        }
        Ok(answer)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, RpcError> {
        let answer = self.ask(Request::Vote, &rpc, patience(&option)).await;
        let answer: VoteResponse<u64> = answer.map_err(|e| Unreachable::new(&e))?;
        if answer.vote_granted {
            self.peers.witnesses.voted(self.node, &rpc.vote);
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
            sent = snapshot_stream::send(self, vote, &snapshot) => {
                sent.map_err(|e| Unreachable::new(&e).into())
            }
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}
