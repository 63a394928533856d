//! What a leader does on its own: sweeps when something is due, promotes voters that have caught up, and finishes
//! changes of the membership that a crash broke off. An idle cluster gets no entries from it.

use crate::member::Member;
use crate::planted::{self, Plant};
use crate::types::NodeInfo;
use crate::wire::{Change, Changed};
use openraft::ChangeMembers;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::MembershipError;
use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::sleep;

/// How often the membership is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// Rounds between two looks at what is due for a sweep.
const SWEEP_ROUNDS: u32 = 10;

/// Does the duties whenever this node leads, as long as the member lives.
pub(crate) async fn run(member: Weak<Member>) {
    let mut round: u32 = 0;
    loop {
        sleep(ROUND).await;
        round = round.wrapping_add(1);
        let Some(member) = member.upgrade() else { return };
        if !member.leads() || !member.has_quorum() {
            continue;
        }
        if let Err(error) = member.tend_membership().await {
            tracing::warn!(%error, "the membership does not match the registry yet");
        }
        let due = round.is_multiple_of(SWEEP_ROUNDS) && member.state().sweep_is_due(member.clock.now());
        if due && let Err(error) = member.commit(Actor::Realm, Action::Sweep).await {
            tracing::warn!(%error, "a sweep was not committed");
        }
    }
}

impl Member {
    /// Brings Raft's membership closer to the registry by one step.
    async fn tend_membership(&self) -> Result<(), MembershipError> {
        let membership = self.metrics.borrow().membership_config.membership().clone();
        if membership.get_joint_config().len() > 1 {
            let _one_at_a_time = self.changing.lock().await;
            let target: BTreeSet<u64> = membership.get_joint_config().last().cloned().unwrap_or_default();
            return self.write_membership(ChangeMembers::ReplaceAllVoters(target)).await;
        }
        let state = self.state();
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let members: Vec<(u64, NodeInfo)> =
            membership.nodes().map(|(id, info)| (*id, info.clone())).collect();
        for instance in state.instances() {
            let id = instance.id;
            let is_member = members.iter().any(|(member, _)| *member == id.0);
            let change = match (instance.is_active(), is_member) {
                (true, false) => {
                    Change::AddLearner { node: id, cluster_address: instance.cluster_address.clone() }
                }
                (false, true) if id != self.node => Change::Remove { node: id, actor: Actor::Realm },
                (true, true) if self.is_ready_to_vote(id, instance.role, &voters) => {
                    Change::Promote { node: id, actor: Actor::Realm }
                }
                _ => continue,
            };
            tracing::info!(node = %id, ?change, "the leader changes the membership");
            if let Changed::Failed(error) = self.change_here(change).await {
                return Err(error);
            }
            return Ok(());
        }
        Ok(())
    }

    fn is_ready_to_vote(&self, node: NodeId, role: Role, voters: &BTreeSet<u64>) -> bool {
        let may_vote = role == Role::Voter || planted::on(Plant::PromoteLearner);
        may_vote && !voters.contains(&node.0) && self.has_caught_up(node)
    }
}
