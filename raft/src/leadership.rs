//! Who leads, as a watch. The term is the fence for what only a leader may do outside the cluster.

use crate::types::{NodeInfo, TypeConfig};
use openraft::{Raft, RaftMetrics};
use passquorum_domain::ids::NodeId;
use tokio::sync::watch;

/// Who leads, as this node knows it.
///
/// A leader that has lost its quorum still calls itself leader for a while: ask
/// [`passquorum_domain::ports::ClusterStatus::quorum`] too before acting on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leadership {
    /// The leader, when one is known.
    pub leader: Option<NodeId>,
    /// The Raft term.
    pub term: u64,
}

impl Leadership {
    fn of(metrics: &RaftMetrics<u64, NodeInfo>) -> Self {
        Self { leader: metrics.current_leader.map(NodeId), term: metrics.current_term }
    }
}

/// Follows Raft's metrics until Raft ends.
pub(crate) async fn follow(raft: Raft<TypeConfig>, leadership: watch::Sender<Leadership>) {
    let mut metrics = raft.metrics();
    loop {
        let now = {
            let metrics = metrics.borrow_and_update();
            // What a Raft that has failed says last may never have reached its disk, and it leads nobody any more.
            let failed = metrics.running_state.is_err();
            let known = Leadership { leader: None, ..*leadership.borrow() };
            if failed { known } else { Leadership::of(&metrics) }
        };
        leadership.send_if_modified(|known| std::mem::replace(known, now) != now);
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
