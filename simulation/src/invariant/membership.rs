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
