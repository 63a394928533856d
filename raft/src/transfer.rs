//! Moves leadership on purpose. openraft 0.9 has no message for it, so it is brought about with what there is:
//!
//! 1. The leader takes no proposals and no reads, and waits until the target has its whole log.
//! 2. It stops its heartbeats and waits until the lease of the last one has run out everywhere.
//! 3. It asks the target to stand for election, which then wins before any other voter's time is up.
//! 4. If the target does not lead soon, heartbeats go on and everything is as before.
//!
//! The cluster takes no writes for about one longest election time. A crash in between is an ordinary failover.

use crate::member::Member;
use crate::transport::request::Request;
use crate::wire::Done;
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::Action;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::MembershipError;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Time for the target to take over the rest of the log.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Pause between two requests to stand for election.
const ELECTION_ROUND: Duration = Duration::from_millis(300);
/// How often the target is asked to stand for election.
const ELECTION_ROUNDS: u32 = 5;

/// Ends a handover whichever way it went, also when its caller went away.
struct Handover<'a>(&'a Member);

impl<'a> Handover<'a> {
    fn begin(member: &'a Member) -> Option<Self> {
        let begun = !member.handing_over.swap(true, Ordering::SeqCst);
        begun.then_some(Self(member))
    }
}

impl Drop for Handover<'_> {
    fn drop(&mut self) {
        self.0.raft.runtime_config().heartbeat(true);
        self.0.handing_over.store(false, Ordering::SeqCst);
    }
}

impl Member {
    /// Moves leadership and leaves an audit record.
    pub(crate) async fn transfer(&self, to: Option<NodeId>, actor: Actor) -> Result<NodeId, MembershipError> {
        if to == Some(self.node) {
            return Ok(self.node);
        }
        let leader = self.hand_over(to).await?;
        let event = AuditEvent::LeadershipTransferred(leader);
        self.commit(actor, Action::Record { event, subject: None }).await?;
        Ok(leader)
    }

    /// Moves leadership away from this leader.
    pub(crate) async fn hand_over(&self, to: Option<NodeId>) -> Result<NodeId, MembershipError> {
        let target = self.choose(to)?;
        let address = self.address_of(target).ok_or(MembershipError::NoSuchNode(target))?;
        let Some(_handover) = Handover::begin(self) else {
            return Err(MembershipError::Refused("leadership is being transferred already".into()));
        };
        self.wait_for_log(target).await?;
        self.raft.runtime_config().heartbeat(false);
        // Before anybody else misses the leader.
        sleep(self.tuning.lease() + self.tuning.heartbeat / 4).await;
        let peer = self.peer(target, address);
        for _ in 0..ELECTION_ROUNDS {
            if let Err(error) = peer.ask::<Done, Done>(Request::Elect, &Done, ELECTION_ROUND).await {
                tracing::warn!(node = %target, %error, "a node was not asked to stand for election");
            }
            if let Some(leader) = self.other_leader(ELECTION_ROUND).await {
                return Ok(leader);
            }
        }
        Err(MembershipError::Refused(format!("node {target} was not elected; leadership stays here")))
    }

    /// The voter that is named, or the one that has most of the log.
    fn choose(&self, to: Option<NodeId>) -> Result<NodeId, MembershipError> {
        let metrics = self.metrics.borrow();
        let mut voters = metrics.membership_config.voter_ids().filter(|voter| *voter != self.node.0);
        if let Some(target) = to {
            if !voters.any(|voter| voter == target.0) {
                return Err(MembershipError::NoSuchNode(target));
            }
            drop(metrics);
            return if self.has_caught_up(target) {
                Ok(target)
            } else {
                Err(MembershipError::NotCaughtUp(target))
            };
        }
        let matched =
            |voter: &u64| metrics.replication.as_ref().and_then(|all| all.get(voter)).copied().flatten();
        let state = self.state();
        let stays = |voter: &u64| state.instance(NodeId(*voter)).is_none_or(|instance| instance.is_active());
        let best = voters.filter(stays).max_by_key(matched).map(NodeId);
        best.ok_or_else(|| MembershipError::QuorumAtRisk("there is no other voter".into()))
    }

    async fn wait_for_log(&self, target: NodeId) -> Result<(), MembershipError> {
        let mut metrics = self.metrics.clone();
        let complete = metrics.wait_for(|now| {
            let matched = now.replication.as_ref().and_then(|all| all.get(&target.0)).copied().flatten();
            matched.map(|log| log.index) >= now.last_log_index
        });
        match timeout(CATCH_UP, complete).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(MembershipError::Refused("this node is stopping".into())),
            Err(_) => Err(MembershipError::NotCaughtUp(target)),
        }
    }

    async fn other_leader(&self, within: Duration) -> Option<NodeId> {
        let deadline = Instant::now() + within;
        let mut leadership = self.leadership.clone();
        let moved = leadership.wait_for(|now| now.leader.is_some_and(|leader| leader != self.node));
        let found = tokio::time::timeout_at(deadline, moved).await.ok()?.ok()?;
        found.leader
    }
}
