//! Who leads, as a watch. The term is the fence for what only a leader may do outside the cluster.

use crate::types::{NodeInfo, TypeConfig};
use openraft::{Raft, RaftMetrics};
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::Leadership;
use tokio::sync::watch;

fn seen_in(metrics: &RaftMetrics<u64, NodeInfo>) -> Leadership {
    Leadership { leader: metrics.current_leader.map(NodeId), term: metrics.current_term }
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
            if failed { known } else { seen_in(&metrics) }
        };
        leadership.send_if_modified(|known| std::mem::replace(known, now) != now);
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
