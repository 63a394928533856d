//! One member: what the parts of this crate share, and the questions that each of them asks about it.

use crate::election::Pulse;
use crate::gateway::Turnstile;
use crate::integrity::Integrity;
use crate::planted::{self, Plant};
use crate::proposals::Proposals;
use crate::raft_network::Peer;
use crate::read_index::ReadGate;
use crate::renewal::Certifier;
use crate::snapshot_stream;
use crate::state_machine::Replica;
use crate::status::Heard;
use crate::transport::client::Peers;
use crate::tuning::Tuning;
use crate::types::{NodeInfo, TypeConfig};
use openraft::{Raft, RaftMetrics, ServerState};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::limit::Refusals;
use passquorum_domain::ports::{Clock, Leadership};
use passquorum_domain::state::State;
use passquorum_storage::{Durable, Published};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Mutex, RwLock, watch};
use tokio::time::{Instant, sleep, timeout};

/// Pause between two tries to reach a leader, unless leadership changes before.
const RETRY: Duration = Duration::from_millis(20);

pub(crate) struct Member {
    pub(crate) node: NodeId,
    /// As its certificate says; the registry's word counts more.
    pub(crate) certified_role: Role,
    pub(crate) raft: Raft<TypeConfig>,
    pub(crate) metrics: watch::Receiver<RaftMetrics<u64, NodeInfo>>,
    pub(crate) published: watch::Receiver<Arc<Published<TypeConfig, Replica>>>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) peers: Arc<Peers>,
    /// How far this node's log is durable.
    pub(crate) durable: Durable,
    pub(crate) pulse: Pulse,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tuning: Tuning,
    pub(crate) elections: bool,
    pub(crate) reads: ReadGate,
    pub(crate) proposals: Proposals,
    /// What this node refused for want of room.
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) heard: watch::Sender<Option<Heard>>,
    pub(crate) arriving: snapshot_stream::Receiver,
    /// Set while leadership is being handed over: nothing may be proposed or read through this leader.
    pub(crate) handing_over: AtomicBool,
    /// One membership change at a time.
    pub(crate) changing: Mutex<()>,
    /// Held for writing while every node is asked whether the level may rise, so that none is admitted meanwhile.
    pub(crate) admitting: RwLock<()>,
    pub(crate) integrity: Integrity,
    /// Signs certificates; set once the node has put it together.
    pub(crate) certifier: OnceLock<Arc<dyn Certifier>>,
    pub(crate) turnstile: Turnstile,
}

/// Where the leader is.
#[derive(Debug)]
pub(crate) enum Lead {
    Here,
    At { node: NodeId, address: String },
    Nowhere,
}

impl Member {
    /// The state as applied here.
    pub(crate) fn state(&self) -> Arc<State> {
        self.published.borrow().machine.state()
    }

    /// This node's role now.
    pub(crate) fn role(&self) -> Role {
        let published = self.published.borrow();
        served_as(published.machine.view().instance(self.node).map_or(self.certified_role, |own| own.role))
    }

    pub(crate) fn lead(&self) -> Lead {
        let metrics = self.metrics.borrow();
        match metrics.current_leader {
            Some(leader) if leader == self.node.0 => {
                if metrics.state == ServerState::Leader {
                    Lead::Here
                } else {
                    Lead::Nowhere
                }
            }
            Some(leader) => match metrics.membership_config.membership().get_node(&leader) {
                Some(info) => Lead::At { node: NodeId(leader), address: info.cluster_address.clone() },
                None => Lead::Nowhere,
            },
            None => Lead::Nowhere,
        }
    }

    /// Whether this node leads and may be asked to.
    pub(crate) fn leads(&self) -> bool {
        matches!(self.lead(), Lead::Here)
            && !self.handing_over.load(Ordering::SeqCst)
            && self.integrity.serves()
    }

    /// Whether this leader heard from a quorum within the lease.
    pub(crate) fn has_quorum(&self) -> bool {
        let acknowledged = self.metrics.borrow().millis_since_quorum_ack;
        acknowledged.is_some_and(|ms| Duration::from_millis(ms) <= self.tuning.election_max)
    }

    /// Whether a leader has told this node who belongs to the cluster. One that was told nothing yet, or whose disk was
    /// emptied, must not vote.
    pub(crate) fn has_been_member(&self) -> bool {
        self.metrics.borrow().membership_config.log_id().is_some()
    }

    /// The known address of a member.
    pub(crate) fn address_of(&self, node: NodeId) -> Option<String> {
        let metrics = self.metrics.borrow();
        metrics.membership_config.membership().get_node(&node.0).map(|info| info.cluster_address.clone())
    }

    pub(crate) fn peer(&self, node: NodeId, address: String) -> Peer {
        Peer { peers: Arc::clone(&self.peers), node, address }
    }

    /// Waits before the next try: until leadership changes, or shortly. False when the deadline has passed, or Raft has
    /// ended here and no try can succeed any more: a node whose disk failed must not wait for its callers' patience.
    pub(crate) async fn wait_to_retry(&self, deadline: Instant) -> bool {
        if self.metrics.borrow().running_state.is_err() {
            return false;
        }
        let pause = RETRY.min(deadline.saturating_duration_since(Instant::now()));
        wait_for_change(self.leadership.clone(), pause).await;
        Instant::now() < deadline
    }
}

/// The role in which a node is served: its own.
pub(crate) fn served_as(role: Role) -> Role {
    if planted::on(Plant::IgnoreLearnerRole) { Role::Voter } else { role }
}

/// Waits until leadership changes, or so long. Once Raft has ended nothing changes any more, and the whole pause passes:
/// whoever tries again in a loop must not spin.
async fn wait_for_change(mut leadership: watch::Receiver<Leadership>, pause: Duration) {
    leadership.mark_unchanged();
    if let Ok(Err(_)) = timeout(pause, leadership.changed()).await {
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_member_whose_raft_has_ended_pauses_between_two_tries() {
        let (ended, leadership) = watch::channel(Leadership::default());
        drop(ended);
        let begun = Instant::now();
        wait_for_change(leadership, RETRY).await;
        assert_eq!(begun.elapsed(), RETRY);
    }
}
