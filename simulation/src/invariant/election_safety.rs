//! At most one node leads in a term (Raft, section 5.2: election safety), as any node sees it.

use super::Broken;
use passquorum_domain::ids::NodeId;
use passquorum_raft::Leadership;
use std::collections::BTreeMap;

/// Who was seen to lead each term, and by whom.
#[derive(Default)]
pub struct Leaders(BTreeMap<u64, (NodeId, NodeId)>);

impl Leaders {
    /// Takes what one node believes.
    pub fn observe(&mut self, witness: NodeId, belief: Leadership) -> Result<(), Broken> {
        let Some(leader) = belief.leader else { return Ok(()) };
        let (first, first_witness) = *self.0.entry(belief.term).or_insert((leader, witness));
        if first == leader {
            return Ok(());
        }
        let term = belief.term;
        let what = format!(
            "term {term} is led by node {first}, says node {first_witness}, and by node {leader}, says node {witness}"
        );
        Err(Broken::new("election-safety", what))
    }
}
