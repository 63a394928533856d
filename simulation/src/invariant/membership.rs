//! Who belongs to the cluster (DESIGN 6): learners neither vote nor lead; a node that the registry calls removed does not
//! vote, one that it calls leaving gets no vote that it did not have, and its id is not given out again; and no snapshot
//! or restart forgets the membership.

use super::Broken;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_raft::{Leadership, Progress};
use std::collections::BTreeMap;

/// Checks what one node believes and has applied.
pub fn check(node: NodeId, belief: Leadership, progress: &Progress) -> Result<(), Broken> {
    let broken = |what: String| Err(Broken::new("membership", format!("on node {node}, {what}")));
    let Some(applied) = progress.applied else { return Ok(()) };
    let index = applied.index;
    if progress.voters.is_empty() {
        return broken(format!("nobody votes as of entry {index}"));
    }
    for voter in &progress.voters {
        let role = progress.state.instance(*voter).map(|instance| instance.role);
        if let Some(role) = role.filter(|role| *role != Role::Voter) {
            return broken(format!("node {voter} votes and is a {role}, as of entry {index}"));
        }
    }
    let leads = belief.leader == Some(node);
    let role = progress.state.instance(node).map(|instance| instance.role);
    if leads && role.is_some_and(|role| role != Role::Voter) {
        return broken(format!("a {} leads term {}", role.map_or("", Role::as_str), belief.term));
    }
    Ok(())
}

/// What was seen of the nodes whose removal was decided, by entries of the log that all nodes share.
#[derive(Default)]
pub struct Leavers(BTreeMap<NodeId, Seen>);

#[derive(Default)]
struct Seen {
    /// The latest entry as of which it still voted.
    voted: Option<u64>,
    /// The earliest entry as of which it did not.
    lost: Option<u64>,
}

impl Leavers {
    /// Checks what one node has applied, in whatever order nodes come by.
    pub fn observe(&mut self, node: NodeId, progress: &Progress) -> Result<(), Broken> {
        let Some(index) = progress.applied.map(|applied| applied.index) else { return Ok(()) };
        let broken = |what: String| Err(Broken::new("membership", format!("on node {node}, {what}")));
        for leaver in progress.state.instances().filter(|instance| !instance.is_active()) {
            let id = leaver.id;
            let votes = progress.voters.contains(&id);
            if votes && leaver.is_removed() {
                return broken(format!("node {id} votes and was removed, as of entry {index}"));
            }
            let seen = self.0.entry(id).or_default();
            if votes {
                seen.voted = seen.voted.max(Some(index));
            } else {
                seen.lost = Some(seen.lost.map_or(index, |lost| lost.min(index)));
            }
            if let (Some(voted), Some(lost)) = (seen.voted, seen.lost)
                && voted > lost
            {
                return broken(format!(
                    "node {id} was leaving without a vote as of entry {lost} and votes as of entry {voted}"
                ));
            }
        }
        Ok(())
    }
}

/// Whether everybody who votes belongs to the realm and no removal is half done, as must be once the cluster has come to
/// rest.
#[must_use]
pub fn is_settled(progress: &Progress) -> bool {
    let belongs =
        |voter: &NodeId| progress.state.instance(*voter).is_some_and(|instance| instance.is_active());
    progress.voters.iter().all(belongs) && !progress.state.instances().any(|instance| instance.is_leaving())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain_run::workload::Workload;
    use passquorum_domain::command::{Action, Command};
    use passquorum_domain::state::State;
    use passquorum_raft::Applied;
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;
    use std::sync::Arc;

    const LEAVER: NodeId = NodeId(1);

    /// A realm whose first node is leaving, or removed.
    fn state(removed: bool) -> Arc<State> {
        let first = Workload::new(SmallRng::seed_from_u64(1)).first();
        let request = |number| passquorum_domain::ids::RequestId::Internal(uuid::Uuid::from_u128(number));
        let next = |number, action| Command { request: request(number), action, ..first.clone() };
        let mut state = State::default();
        state.apply(first.clone()).outcome.unwrap();
        state.apply(next(1, Action::BeginRemoval(LEAVER))).outcome.unwrap();
        if removed {
            state.apply(next(2, Action::RemoveNode(LEAVER))).outcome.unwrap();
        }
        Arc::new(state)
    }

    fn seen(state: &Arc<State>, index: u64, votes: bool) -> Progress {
        let voters = if votes { [LEAVER, NodeId(2)].into() } else { [NodeId(2)].into() };
        let applied = Some(Applied { term: 1, leader: NodeId(2), index });
        Progress { state: Arc::clone(state), applied, voters, members: [LEAVER, NodeId(2)].into() }
    }

    #[test]
    fn a_leaving_node_loses_its_vote_once_in_whatever_order_nodes_tell_of_it() {
        let state = state(false);
        let verdict = |order: &[(u64, bool)]| {
            let mut leavers = Leavers::default();
            order
                .iter()
                .try_for_each(|(index, votes)| leavers.observe(NodeId(2), &seen(&state, *index, *votes)))
        };
        assert_eq!(verdict(&[(5, true), (7, false), (6, true), (9, false)]), Ok(()));
        assert!(verdict(&[(5, true), (7, false), (9, true)]).is_err());
        assert!(verdict(&[(9, true), (7, false)]).is_err(), "told by a node that is behind");
    }

    #[test]
    fn a_removed_node_never_votes() {
        let state = state(true);
        let mut leavers = Leavers::default();
        assert_eq!(leavers.observe(NodeId(2), &seen(&state, 5, false)), Ok(()));
        assert!(Leavers::default().observe(NodeId(2), &seen(&state, 6, true)).is_err());
        assert!(leavers.observe(NodeId(2), &seen(&state, 4, true)).is_err());
    }
}
