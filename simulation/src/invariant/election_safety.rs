//! Leaders take turns (Raft, section 5.2): along the log, the leader under which an entry was written never goes back.
//! openraft names a leader by term and node id, and lets a higher id take a term over; so it is the pair that grows.
//!
//! And a node's term never goes back, not by a crash either, since it was stored before it was told to anybody (Raft,
//! figure 2: persistent state).

use super::Broken;
use passquorum_domain::ids::NodeId;
use std::collections::BTreeMap;

/// What was seen of leaders and terms.
#[derive(Default)]
pub struct Leaders {
    /// The leader, as term and node, of each index of the log.
    entries: BTreeMap<u64, (u64, NodeId)>,
    terms: BTreeMap<NodeId, u64>,
}

impl Leaders {
    /// Takes the term that a node is in.
    pub fn observe_term(&mut self, node: NodeId, term: u64) -> Result<(), Broken> {
        let highest = self.terms.entry(node).or_default();
        // A process that starts knows of no term until it has read its vote.
        if term != 0 && term < *highest {
            let what = format!("node {node} is in term {term} and was in term {highest} before");
            return Err(Broken::new("election-safety", what));
        }
        *highest = term.max(*highest);
        Ok(())
    }

    /// Takes the leader of an entry that a node has applied.
    pub fn observe_entry(&mut self, node: NodeId, index: u64, leader: (u64, NodeId)) -> Result<(), Broken> {
        let before = self.entries.range(..=index).next_back();
        let after = self.entries.range(index..).next();
        let goes_back = before.is_some_and(|(_, before)| *before > leader);
        if goes_back || after.is_some_and(|(_, after)| *after < leader) {
            let what = format!(
                "node {node} has entry {index} of leader {leader:?}, between those of {before:?} and {after:?}"
            );
            return Err(Broken::new("election-safety", what));
        }
        self.entries.insert(index, leader);
        Ok(())
    }
}
