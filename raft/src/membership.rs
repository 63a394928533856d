//! Who belongs to the cluster: verbs that any node takes and the leader carries out, one at a time.
//!
//! The registry is the wish, and Raft's membership follows it. What is decided about a node is committed first, and each
//! step after that can be repeated: whoever leads next finishes what it finds (`duties`). A removal is decided (the node
//! is *leaving*), then the node loses its vote, then its place in the registry, so that its certificate is refused, and
//! then its place in Raft's membership. A promotion is recorded before the vote is given.
//!
//! Nothing gives a vote to a node that is leaving or removed. That rests on three things: a leader changes the membership
//! only once it has applied an entry of its own term, so that it knows what leaders before it decided; it changes a
//! node's standing and the membership under one lock; and it never sends a change of standing on to another leader.

mod quorum;

use crate::member::{Lead, Member};
use crate::planted::{self, Plant};
use crate::raft_network::PeerError;
use crate::transport::client::CallError;
use crate::transport::request::Request;
use crate::types::NodeInfo;
use crate::wire::{Change, Changed, Message, Proposed};
use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, RaftError};
use passquorum_domain::address::HostPort;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::{NodeId, RequestId};
use passquorum_domain::instance::{Instance, Role, Standing};
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::{MembershipError, ProposeError, Removal};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// A verb takes this long at most: leadership may have to move before it.
const VERB: Duration = Duration::from_secs(15);

fn refused(error: impl ToString) -> MembershipError {
    MembershipError::Refused(error.to_string())
}

/// Why a change stopped half-way or before it began.
pub(crate) enum Halt {
    /// This node does not lead, or not any more: what was begun is finished by who does.
    NotLeader,
    /// It cannot be done.
    Failed(MembershipError),
}

impl From<MembershipError> for Halt {
    fn from(error: MembershipError) -> Self {
        Self::Failed(error)
    }
}

impl From<ProposeError> for Halt {
    fn from(error: ProposeError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Halt> for Changed {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::NotLeader => Self::NotLeader,
            Halt::Failed(error) => Self::Failed(error),
        }
    }
}

impl Member {
    /// Has a change made wherever the leader is.
    pub(crate) async fn change(&self, change: Change) -> Result<NodeId, MembershipError> {
        if self.role() != Role::Voter {
            return Err(self.forbidden().into());
        }
        let deadline = Instant::now() + VERB;
        let (mut in_doubt, mut begun) = (false, false);
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
                // The leader that came next has finished it already.
                Ok(Changed::Failed(MembershipError::NoSuchNode(node)))
                    if begun && change.removes() == Some(node) && self.state().instance(node).is_some() =>
                {
                    return Ok(node);
                }
                Ok(Changed::Failed(error)) => return Err(error),
                Ok(Changed::NotLeader) => begun = true,
                Err(PeerError::Call(CallError::NotSent(_) | CallError::Busy | CallError::Refused(_))) => {}
                // Every verb may be repeated: what is done already is not done again.
                Err(PeerError::Call(CallError::Lost) | PeerError::Codec(_)) => {
                    (in_doubt, begun) = (true, true)
                }
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
        if change.removes() == Some(self.node) && self.votes_without(self.node) > 0 {
            // Somebody else has to carry it out.
            return match self.hand_over(None).await {
                Ok(_) => Changed::NotLeader,
                Err(error) => Changed::Failed(error),
            };
        }
        let _one_at_a_time = self.changing.lock().await;
        self.carry_out(change).await.map_or_else(Changed::from, Changed::Done)
    }

    /// Ends a change of the voters that was broken off half-way, as the leader.
    pub(crate) async fn settle(&self) -> Changed {
        let _one_at_a_time = self.changing.lock().await;
        if self.informed_term().is_none() {
            return Changed::NotLeader;
        }
        self.leave_joint().await.map_or_else(Changed::from, |()| Changed::Done(self.node))
    }

    async fn carry_out(&self, change: Change) -> Result<NodeId, Halt> {
        if let Change::Transfer { to, actor } = change {
            return Ok(self.transfer(to, actor).await?);
        }
        let term = self.informed_term().ok_or(Halt::NotLeader)?;
        self.leave_joint().await?;
        match change {
            Change::AddLearner { node, cluster_address } => self.add_learner(node, cluster_address).await,
            Change::Promote { node, actor } => self.promote(term, node, actor).await,
            Change::Remove { node, actor } => self.remove(node, actor, Removal::Careful).await,
            Change::ForceRemove { node, actor } => self.remove(node, actor, Removal::Forced).await,
            Change::Move { node, to, actor } => self.move_node(node, to, actor).await,
            Change::RaiseLevel { to, actor } => self.raise_level(to, actor).await,
            Change::Transfer { .. } => Err(Halt::NotLeader),
        }
    }

    /// The term that this node leads, once it has applied an entry of it: from then on its registry has everything that
    /// the leaders before it decided.
    pub(crate) fn informed_term(&self) -> Option<u64> {
        let term = self.leading_term()?;
        let applied = self.published.borrow().last_applied?;
        (applied.leader_id.term == term && applied.leader_id.node_id == self.node.0).then_some(term)
    }

    pub(crate) fn voters(&self) -> BTreeSet<u64> {
        self.metrics.borrow().membership_config.voter_ids().collect()
    }

    fn votes_without(&self, node: NodeId) -> usize {
        self.voters().iter().filter(|voter| **voter != node.0).count()
    }

    pub(crate) fn is_member(&self, node: NodeId) -> bool {
        self.metrics.borrow().membership_config.membership().get_node(&node.0).is_some()
    }

    async fn leave_joint(&self) -> Result<(), Halt> {
        let groups = self.metrics.borrow().membership_config.membership().get_joint_config().clone();
        match groups.as_slice() {
            [_, .., target] => self.write_membership(ChangeMembers::ReplaceAllVoters(target.clone())).await,
            _ => Ok(()),
        }
    }

    async fn add_learner(&self, node: NodeId, cluster_address: String) -> Result<NodeId, Halt> {
        self.active(node)?;
        if self.address_of(node).is_some_and(|known| known == cluster_address) {
            return Ok(node);
        }
        let nodes = BTreeMap::from([(node.0, NodeInfo { cluster_address })]);
        // An address alone deceives nobody: whoever answers there has to present the node's certificate.
        let change = if self.is_member(node) {
            ChangeMembers::SetNodes(nodes)
        } else {
            ChangeMembers::AddNodes(nodes)
        };
        self.write_membership(change).await.map(|()| node)
    }

    /// Records where a node is, then follows it there; whoever leads next does what is left.
    async fn move_node(&self, node: NodeId, to: HostPort, actor: Actor) -> Result<NodeId, Halt> {
        if self.active(node)?.cluster_address != to.as_str() {
            self.commit_here(actor, Action::MoveNode(node, to.clone())).await?;
        }
        self.add_learner(node, to.into()).await
    }

    /// A node that is part of the realm and stays.
    fn active(&self, node: NodeId) -> Result<Instance, MembershipError> {
        let forgets = planted::on(Plant::VoteForTheLeaving);
        let stays = |instance: &&Instance| instance.is_active() || (forgets && !instance.is_removed());
        self.state().instance(node).filter(stays).cloned().ok_or(MembershipError::NoSuchNode(node))
    }

    /// Whether a member is close enough to the leader's log, as the leader knows it.
    pub(crate) fn has_caught_up(&self, node: NodeId) -> bool {
        let metrics = self.metrics.borrow();
        let matched = metrics.replication.as_ref().and_then(|all| all.get(&node.0)).copied().flatten();
        matched.is_some_and(|log| {
            metrics.last_log_index.unwrap_or(0).saturating_sub(log.index) <= self.tuning.caught_up_within
        })
    }

    async fn promote(&self, term: u64, node: NodeId, actor: Actor) -> Result<NodeId, Halt> {
        let role = self.active(node)?.role;
        if role != Role::Voter && !planted::on(Plant::PromoteLearner) {
            return Err(MembershipError::RoleForbids(node, role).into());
        }
        if self.voters().contains(&node.0) {
            return Ok(node);
        }
        if !self.has_caught_up(node) {
            return Err(MembershipError::NotCaughtUp(node).into());
        }
        self.commit_here(actor, Action::SetNodeRole(node, Role::Voter)).await?;
        if self.leading_term() != Some(term) {
            return Err(Halt::NotLeader);
        }
        self.write_membership(ChangeMembers::AddVoterIds(BTreeSet::from([node.0]))).await?;
        Ok(node)
    }

    /// Removes a node, from wherever its removal stands.
    async fn remove(&self, node: NodeId, actor: Actor, removal: Removal) -> Result<NodeId, Halt> {
        let standing = self.state().instance(node).map(|instance| instance.standing);
        let standing = standing.ok_or(MembershipError::NoSuchNode(node))?;
        let votes = self.voters().contains(&node.0);
        match standing {
            Standing::Active => {
                if votes {
                    self.refuse_to_lose_majority(node, removal).await?;
                }
                self.commit_here(actor.clone(), Action::BeginRemoval(node)).await?;
            }
            // It was weighed when it was decided. What has broken since may only not make it fatal.
            Standing::Leaving(_) if votes => self.refuse_to_lose_majority(node, Removal::Forced).await?,
            Standing::Leaving(_) => {}
            Standing::Removed(_) if self.is_member(node) => {}
            Standing::Removed(_) => return Err(MembershipError::NoSuchNode(node).into()),
        }
        if votes {
            self.write_membership(ChangeMembers::RemoveVoters(BTreeSet::from([node.0]))).await?;
        }
        if !matches!(standing, Standing::Removed(_)) {
            self.commit_here(actor, Action::RemoveNode(node)).await?;
        }
        if self.is_member(node) {
            self.write_membership(ChangeMembers::RemoveNodes(BTreeSet::from([node.0]))).await?;
        }
        Ok(node)
    }

    /// Writes a change of Raft's membership; members that lose their vote stay as learners.
    async fn write_membership(&self, change: ChangeMembers<u64, NodeInfo>) -> Result<(), Halt> {
        match timeout(self.tuning.patience, self.raft.change_membership(change, true)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => Err(Halt::NotLeader),
            Ok(Err(error)) => Err(refused(error).into()),
            Err(_) => Err(ProposeError::Unknown.into()),
        }
    }

    /// Commits a change of a node's standing as this leader or not at all: behind another leader's change of the
    /// membership it could say the opposite of it.
    pub(crate) async fn commit_here(&self, actor: Actor, action: Action) -> Result<(), Halt> {
        let command = self.command(actor, action);
        let size = command.encode().map_err(refused)?.len();
        match self.propose_here(command, size, Instant::now() + self.tuning.patience).await {
            Proposed::Committed(outcome) => Ok(outcome.map(drop).map_err(rejected)?),
            Proposed::NotLeader => Err(Halt::NotLeader),
            Proposed::NoQuorum => Err(ProposeError::NoQuorum.into()),
            Proposed::Forbidden => Err(self.forbidden().into()),
            Proposed::ClockSkew => Err(ProposeError::ClockSkew.into()),
            Proposed::Busy => Err(ProposeError::Busy.into()),
            // A leader proposes nothing here that its own level does not allow.
            Proposed::LevelTooLow(level) => {
                Err(refused(format!("the realm runs at feature level {level}")).into())
            }
            Proposed::Unknown => Err(ProposeError::Unknown.into()),
        }
    }

    /// Commits a command of the realm's own wherever the leader is, in the name of an actor.
    pub(crate) async fn commit(&self, actor: Actor, action: Action) -> Result<(), MembershipError> {
        let outcome = self.propose(self.command(actor, action)).await?;
        outcome.map(drop).map_err(rejected)
    }

    fn command(&self, actor: Actor, action: Action) -> Command {
        let at = self.clock.now();
        Command { request: RequestId::internal(at, self.fresh_uuid()), at, actor, detail: None, action }
    }

    /// Names a request. It has to be unique, not secret.
    fn fresh_uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        rand::RngCore::fill_bytes(&mut crate::types::Jitter, &mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

fn rejected(rejection: Rejection) -> MembershipError {
    match rejection {
        Rejection::NotFound => refused("the node is not in the registry any more"),
        Rejection::ConditionFailed { .. } => {
            refused("a node came, or the feature level rose meanwhile; look at passquorum upgrade status")
        }
        rejection => refused(rejection),
    }
}
