//! Leadership as those need it who act outside the cluster in a leader's name.

use super::ReadError;
use crate::ids::NodeId;
use crate::state::State;
use async_trait::async_trait;
use std::sync::Arc;

/// Who leads, as one node knows it.
///
/// A leader that has lost its quorum still calls itself leader for a while: ask [`LeaderReads`] or
/// [`super::ClusterStatus::quorum`] too before acting on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leadership {
    /// The leader, when one is known.
    pub leader: Option<NodeId>,
    /// The Raft term.
    pub term: u64,
}

impl Leadership {
    /// The term in which `node` leads, if it does.
    #[must_use]
    pub fn term_of(&self, node: NodeId) -> Option<u64> {
        (self.leader == Some(node)).then_some(self.term)
    }
}

/// What a leader read.
#[derive(Debug, Clone)]
pub struct LeaderRead {
    /// The term in which this node led from before the read until after it.
    pub term: u64,
    /// The last log index that the state holds.
    pub index: u64,
    /// The state.
    pub state: Arc<State>,
}

/// Reads that only the leader can do.
#[async_trait]
pub trait LeaderReads: Send + Sync {
    /// A linearizable read, confirmed by a quorum for this node's own term. Fails on any node but the leader.
    async fn read_as_leader(&self) -> Result<LeaderRead, ReadError>;
}
