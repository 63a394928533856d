//! What a leader does on its own: it sweeps when something is due, and brings Raft's membership to what the registry
//! says. It lets in who was admitted, promotes voters that keep up, and finishes removals, also those that another leader
//! decided or began. An idle cluster gets no entries from it.
//!
//! By policy it also decides to remove a node that has been silent for long.

use crate::member::Member;
use crate::planted::{self, Plant};
use crate::tuning::Tuning;
use crate::vigil::Vigil;
use crate::wire::{Change, Changed};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{Instance, Role, Standing};
use passquorum_domain::ports::MembershipError;
use passquorum_domain::state::State;
use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the membership is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// Rounds between two looks at what is due for a sweep.
const SWEEP_ROUNDS: u32 = 10;
/// Rounds between two questions to every node whether it is there.
const ROLL_CALL_ROUNDS: u32 = 4;

/// Does the duties whenever this node leads, as long as the member lives.
pub(crate) async fn run(member: Weak<Member>) {
    let mut vigil = Vigil::default();
    let mut round: u32 = 0;
    loop {
        sleep(ROUND).await;
        round = round.wrapping_add(1);
        let Some(member) = member.upgrade() else { return };
        if !member.leads() || !member.has_quorum() {
            continue;
        }
        let Some(term) = member.informed_term() else { continue };
        vigil.lead(term);
        let learners = member.learners_that_keep_up();
        vigil.keep_up(Instant::now(), &learners);
        if let Err(error) = member.tend_membership(&vigil).await {
            tracing::warn!(%error, "the membership does not match the registry yet");
        }
        if round.is_multiple_of(ROLL_CALL_ROUNDS)
            && let Err(error) = member.bury_the_dead(&mut vigil).await
        {
            tracing::warn!(%error, "a node that has been silent for long is not removed");
        }
        let due = round.is_multiple_of(SWEEP_ROUNDS) && member.state().sweep_is_due(member.clock.now());
        if due && let Err(error) = member.commit(Actor::Realm, Action::Sweep).await {
            tracing::warn!(%error, "a sweep was not committed");
        }
    }
}

impl Member {
    fn learners_that_keep_up(&self) -> BTreeSet<NodeId> {
        let learners: Vec<NodeId> = {
            let metrics = self.metrics.borrow();
            metrics.membership_config.membership().learner_ids().map(NodeId).collect()
        };
        learners.into_iter().filter(|node| self.has_caught_up(*node)).collect()
    }

    /// Brings Raft's membership closer to the registry by one step. What cannot be done now does not keep the rest up.
    async fn tend_membership(&self, vigil: &Vigil) -> Result<(), MembershipError> {
        if self.is_joint() {
            return done(self.settle().await);
        }
        let state = self.state();
        let mut failed = Ok(());
        let wishes = state.instances().filter_map(|instance| self.wish(instance, vigil));
        for change in wishes.chain(self.replaced(&state)) {
            if change.removes() == Some(self.node) {
                match self.heir().await {
                    Some(heir) => return self.hand_over(Some(heir)).await.map(drop),
                    None => continue,
                }
            }
            tracing::info!(?change, "the leader changes the membership");
            match done(self.change_here(change).await) {
                Ok(()) => return failed,
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed
    }

    /// The next step of a node towards what the registry says of it.
    fn wish(&self, instance: &Instance, vigil: &Vigil) -> Option<Change> {
        let Instance { id, role, standing, .. } = *instance;
        let remove = Change::Remove { node: id, actor: Actor::Realm };
        match (standing, self.is_member(id)) {
            (Standing::Leaving(_), true)
                if planted::on(Plant::VoteForTheLeaving) && !self.voters().contains(&id.0) =>
            {
                Some(Change::Promote { node: id, actor: Actor::Realm })
            }
            (Standing::Leaving(_), _) => Some(remove),
            (Standing::Removed(_), true) if id != self.node => Some(remove),
            (Standing::Active, _) if self.address_of(id).as_ref() != Some(&instance.cluster_address) => {
                Some(Change::AddLearner { node: id, cluster_address: instance.cluster_address.clone() })
            }
            (Standing::Active, _) if self.is_ready_to_vote(id, role, vigil) => {
                Some(Change::Promote { node: id, actor: Actor::Realm })
            }
            (Standing::Active | Standing::Removed(_), _) => None,
        }
    }

    /// Nodes in whose place another does their work now.
    fn replaced(&self, state: &State) -> Option<Change> {
        let serves = |node: &NodeId| {
            let instance = state.instance(*node).filter(|instance| instance.is_active());
            instance.is_some_and(|instance| {
                let votes = self.voters().contains(&node.0);
                self.has_caught_up(*node) && (votes || instance.role != Role::Voter)
            })
        };
        state.replacements().find_map(|(replaced, token, by)| {
            by.filter(serves)?;
            let stays = state.instance(replaced).is_some_and(|instance| instance.is_active());
            stays.then_some(Change::Remove { node: replaced, actor: Actor::JoinToken(token) })
        })
    }

    fn is_ready_to_vote(&self, node: NodeId, role: Role, vigil: &Vigil) -> bool {
        (role == Role::Voter || planted::on(Plant::PromoteLearner))
            && !self.voters().contains(&node.0)
            && self.has_caught_up(node)
            && vigil.is_stable(node, Instant::now(), self.tuning.stabilisation)
    }

    fn is_joint(&self) -> bool {
        self.metrics.borrow().membership_config.membership().get_joint_config().len() > 1
    }

    /// Voters that stay.
    fn staying(&self) -> BTreeSet<NodeId> {
        let state = self.state();
        let stays = |node: &NodeId| state.instance(*node).is_some_and(|instance| instance.is_active());
        self.voters().into_iter().map(NodeId).filter(stays).collect()
    }

    /// Members without a vote that stay so.
    fn learners_that_stay(&self) -> BTreeSet<NodeId> {
        let (state, voters) = (self.state(), self.voters());
        let nodes = state.instances().filter(|node| node.is_active() && node.role != Role::Voter);
        nodes.map(|node| node.id).filter(|node| self.is_member(*node) && !voters.contains(&node.0)).collect()
    }

    /// A voter that stays and could lead at once in this node's place.
    async fn heir(&self) -> Option<NodeId> {
        for voter in self.staying() {
            if voter != self.node && self.has_caught_up(voter) && self.is_alive(voter).await {
                return Some(voter);
            }
        }
        None
    }

    /// Removes a node that has been silent for as long as the policy says, if there is one.
    async fn bury_the_dead(&self, vigil: &mut Vigil) -> Result<(), MembershipError> {
        let Tuning { dead_voter_after, dead_learner_after, fewest_voters, .. } = self.tuning;
        if dead_voter_after.is_none() && dead_learner_after.is_none() {
            return Ok(());
        }
        let (voters, learners) = (self.staying(), self.learners_that_stay());
        let calls =
            voters.union(&learners).map(|node| async { (!self.is_alive(*node).await).then_some(*node) });
        let silent = futures::future::join_all(calls).await.into_iter().flatten().collect();
        let now = Instant::now();
        vigil.fall_silent(now, &silent);
        let voter = dead_voter_after.filter(|_| voters.len() > fewest_voters);
        let dead = voter
            .and_then(|least| vigil.dead(now, least, &voters))
            .or_else(|| dead_learner_after.and_then(|least| vigil.dead(now, least, &learners)));
        let Some(node) = dead else { return Ok(()) };
        tracing::warn!(%node, "a node is silent for too long; the realm removes it");
        done(self.change_here(Change::Remove { node, actor: Actor::Realm }).await)
    }
}

/// Whoever leads next does what a node that does not lead any more has left.
fn done(changed: Changed) -> Result<(), MembershipError> {
    match changed {
        Changed::Done(_) | Changed::NotLeader => Ok(()),
        Changed::Failed(error) => Err(error),
    }
}
