//! Who belongs to the cluster (DESIGN 6): learners neither vote nor lead; a node that the registry calls removed does not
//! vote, and its id is not given out again; and no snapshot or restart forgets the membership.

use super::Broken;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_raft::{Leadership, Progress};

/// Checks what one node believes and has applied.
pub fn check(node: NodeId, belief: Leadership, progress: &Progress) -> Result<(), Broken> {
    let broken = |what: String| Err(Broken::new("membership", format!("on node {node}, {what}")));
    let Some(applied) = progress.applied else { return Ok(()) };
    let index = applied.index;
    if progress.voters.is_empty() {
        return broken(format!("nobody votes as of entry {index}"));
    }
    for voter in &progress.voters {
        if let Some(instance) = progress.state.instance(*voter) {
            if instance.role != Role::Voter {
                return broken(format!("node {voter} votes and is a {}, as of entry {index}", instance.role));
            }
            if !instance.is_active() {
                return broken(format!("node {voter} votes and was removed, as of entry {index}"));
            }
        }
    }
    let leads = belief.leader == Some(node);
    let role = progress.state.instance(node).map(|instance| instance.role);
    if leads && role.is_some_and(|role| role != Role::Voter) {
        return broken(format!("a {} leads term {}", role.map_or("", Role::as_str), belief.term));
    }
    Ok(())
}
