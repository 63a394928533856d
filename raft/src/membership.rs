//! Who belongs to the cluster: verbs that any node takes and the leader carries out, one at a time.
//!
//! A node that is removed first loses its vote, then its place in the registry, so that its certificate is refused,
//! then its place in Raft's membership. Each step can be repeated: the leader's duties finish what a crash broke off.

use crate::member::{Lead, Member};
use crate::planted::{self, Plant};
use crate::raft_network::PeerError;
use crate::transport::client::CallError;
use crate::transport::request::Request;
use crate::types::NodeInfo;
use crate::wire::{Change, Changed, Done};
use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, RaftError};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::{NodeId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::{MembershipError, ProposeError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// A verb takes this long at most: leadership may have to move before it.
const VERB: Duration = Duration::from_secs(15);
/// A voter that does not answer within this counts as down.
const ALIVE: Duration = Duration::from_secs(1);

fn refused(error: impl ToString) -> MembershipError {
    MembershipError::Refused(error.to_string())
}

impl Member {
    /// Has a change made wherever the leader is.
    pub(crate) async fn change(&self, change: Change) -> Result<NodeId, MembershipError> {
        if self.role() != Role::Voter {
            return Err(ProposeError::Forbidden.into());
        }
        let deadline = Instant::now() + VERB;
        let mut in_doubt = false;
        loop {
            let answer = match self.lead() {
                Lead::Here => Ok(self.change_here(change.clone()).await),
                Lead::Nowhere => Ok(Changed::NotLeader),
                Lead::At { node, address } => {
                    let within = deadline.saturating_duration_since(Instant::now());
                    self.peer(node, address).ask(Request::Membership, &change, within).await
                }
            };
            match answer {
                Ok(Changed::Done(node)) => return Ok(node),
                Ok(Changed::Failed(error)) => return Err(error),
                Ok(Changed::NotLeader)
                | Err(PeerError::Call(CallError::NotSent(_) | CallError::Busy | CallError::Refused(_))) => {}
                // Every verb may be repeated: what is done already is not done again.
                Err(PeerError::Call(CallError::Lost) | PeerError::Codec(_)) => in_doubt = true,
            }
            if !self.wait_to_retry(deadline).await {
                let error = if in_doubt { ProposeError::Unknown } else { ProposeError::NoQuorum };
                return Err(error.into());
            }
        }
    }

    /// Carries a change out on the leader.
    pub(crate) async fn change_here(&self, change: Change) -> Changed {
        if !self.leads() {
            return Changed::NotLeader;
        }
        if !self.has_quorum() {
            return Changed::Failed(ProposeError::NoQuorum.into());
        }
        if let Change::Remove { node, .. } = &change
            && *node == self.node
            && self.votes_without(*node) > 0
        {
            // Somebody else has to carry it out.
            return match self.hand_over(None).await {
                Ok(_) => Changed::NotLeader,
                Err(error) => Changed::Failed(error),
            };
        }
        let _one_at_a_time = self.changing.lock().await;
        let done = match change {
            Change::AddLearner { node, cluster_address } => self.add_learner(node, cluster_address).await,
            Change::Promote { node, actor } => self.promote(node, actor).await,
            Change::Remove { node, actor } => self.remove(node, actor).await,
            Change::Transfer { to, actor } => self.transfer(to, actor).await,
        };
        done.map_or_else(Changed::Failed, Changed::Done)
    }

    pub(crate) fn voters(&self) -> BTreeSet<u64> {
        self.metrics.borrow().membership_config.voter_ids().collect()
    }

    fn votes_without(&self, node: NodeId) -> usize {
        self.voters().iter().filter(|voter| **voter != node.0).count()
    }

    fn is_member(&self, node: NodeId) -> bool {
        self.metrics.borrow().membership_config.membership().get_node(&node.0).is_some()
    }

    pub(crate) async fn add_learner(
        &self,
        node: NodeId,
        cluster_address: String,
    ) -> Result<NodeId, MembershipError> {
        let state = self.state();
        let instance = state.instance(node).ok_or(MembershipError::NoSuchNode(node))?;
        if !instance.is_active() {
            return Err(MembershipError::NoSuchNode(node));
        }
        if self.address_of(node).is_some_and(|known| known == cluster_address) {
            return Ok(node);
        }
        let nodes = BTreeMap::from([(node.0, NodeInfo { cluster_address })]);
        self.write_membership(ChangeMembers::AddNodes(nodes)).await.map(|()| node)
    }

    /// Whether a member is close enough to the leader's log, as the leader knows it.
    pub(crate) fn has_caught_up(&self, node: NodeId) -> bool {
        let metrics = self.metrics.borrow();
        let matched = metrics.replication.as_ref().and_then(|all| all.get(&node.0)).copied().flatten();
        matched.is_some_and(|log| {
            metrics.last_log_index.unwrap_or(0).saturating_sub(log.index) <= self.tuning.caught_up_within
        })
    }

    async fn promote(&self, node: NodeId, actor: Actor) -> Result<NodeId, MembershipError> {
        let state = self.state();
        let instance = state.instance(node).filter(|instance| instance.is_active());
        let role = instance.ok_or(MembershipError::NoSuchNode(node))?.role;
        if role != Role::Voter && !planted::on(Plant::PromoteLearner) {
            return Err(MembershipError::RoleForbids(node, role));
        }
        if self.voters().contains(&node.0) {
            return Ok(node);
        }
        if !self.has_caught_up(node) {
            return Err(MembershipError::NotCaughtUp(node));
        }
        self.write_membership(ChangeMembers::AddVoterIds(BTreeSet::from([node.0]))).await?;
        self.commit(actor, Action::SetNodeRole(node, Role::Voter)).await?;
        Ok(node)
    }

    async fn remove(&self, node: NodeId, actor: Actor) -> Result<NodeId, MembershipError> {
        let known = self.state().instance(node).map(|instance| instance.is_active());
        match known {
            None => return Err(MembershipError::NoSuchNode(node)),
            Some(false) if !self.is_member(node) => return Err(MembershipError::NoSuchNode(node)),
            Some(_) => {}
        }
        if self.voters().contains(&node.0) {
            self.refuse_to_lose_majority(node).await?;
            self.write_membership(ChangeMembers::RemoveVoters(BTreeSet::from([node.0]))).await?;
        }
        if known == Some(true) {
            self.commit(actor, Action::RemoveNode(node)).await?;
        }
        if self.is_member(node) {
            self.write_membership(ChangeMembers::RemoveNodes(BTreeSet::from([node.0]))).await?;
        }
        Ok(node)
    }

    /// After a removal a majority of the remaining voters has to be up: asked, not assumed.
    async fn refuse_to_lose_majority(&self, leaving: NodeId) -> Result<(), MembershipError> {
        let remaining: Vec<u64> = self.voters().into_iter().filter(|voter| *voter != leaving.0).collect();
        if remaining.is_empty() {
            return Err(MembershipError::QuorumAtRisk(format!("node {leaving} is the only voter")));
        }
        let probes = remaining.iter().map(|voter| self.is_alive(NodeId(*voter)));
        let alive = futures::future::join_all(probes).await.into_iter().filter(|alive| *alive).count();
        if alive <= remaining.len() / 2 {
            return Err(MembershipError::QuorumAtRisk(format!(
                "without node {leaving}, {alive} of {} voters would be up, which is no majority",
                remaining.len()
            )));
        }
        Ok(())
    }

    async fn is_alive(&self, node: NodeId) -> bool {
        if node == self.node {
            return true;
        }
        let Some(address) = self.address_of(node) else { return false };
        self.peer(node, address)
            .ask::<Done, Option<crate::wire::Report>>(Request::Report, &Done, ALIVE)
            .await
            .is_ok()
    }

    /// Writes a change of Raft's membership; members that lose their vote stay as learners.
    pub(crate) async fn write_membership(
        &self,
        change: ChangeMembers<u64, NodeInfo>,
    ) -> Result<(), MembershipError> {
        match timeout(self.tuning.patience, self.raft.change_membership(change, true)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => {
                Err(refused("leadership moved while the membership was changed; try again"))
            }
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(ProposeError::Unknown.into()),
        }
    }

    /// Commits a command of the realm's own, in the name of an actor.
    pub(crate) async fn commit(&self, actor: Actor, action: Action) -> Result<(), MembershipError> {
        let request = RequestId::Internal(self.fresh_uuid());
        let command = Command { request, at: self.clock.now(), actor, detail: None, action };
        match self.propose(command).await? {
            Ok(_) => Ok(()),
            Err(Rejection::NotFound) => Err(refused("the node is not in the registry any more")),
            Err(rejection) => Err(refused(rejection)),
        }
    }

    /// Names a request. It has to be unique, not secret.
    fn fresh_uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        rand::RngCore::fill_bytes(&mut crate::types::Jitter, &mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
