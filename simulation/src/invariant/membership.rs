//! Who belongs to the cluster (DESIGN 6): learners neither vote nor lead; a node that the registry calls removed does not
//! vote in the end, and its id is not given out again; and no snapshot or restart forgets the membership.
//!
//! A removal that a change of leaders broke off may be under way twice: the new leader, who knows nothing of it, gives the
//! node its vote back before the registry says that it was removed, and takes it away again then.

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

/// Whether everybody who votes belongs to the realm, as must be once the cluster has come to rest.
#[must_use]
pub fn is_settled(progress: &Progress) -> bool {
    let belongs =
        |voter: &NodeId| progress.state.instance(*voter).is_some_and(|instance| instance.is_active());
    progress.voters.iter().all(belongs)
}
