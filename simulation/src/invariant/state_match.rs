//! Nodes that have applied the same index of the log have the same state (Raft, section 5.4: state machine safety), and
//! the same entry stands at an index on every node (log matching): compared whenever two nodes pass the same index.

use super::Broken;
use passquorum_domain::ids::NodeId;
use passquorum_domain::state::State;
use passquorum_raft::{Applied, Progress};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every so manieth index, states are compared in full and not by their digest alone.
const IN_FULL: u64 = 64;

struct Passed {
    leader: (u64, NodeId),
    digest: u64,
    state: Option<Arc<State>>,
    by: NodeId,
}

/// What was seen at each index.
#[derive(Default)]
pub struct States(BTreeMap<u64, Passed>);

impl States {
    /// Takes what one node has applied; returns index and digest.
    pub fn observe(&mut self, node: NodeId, progress: &Progress) -> Result<Option<(u64, u64)>, Broken> {
        let Some(Applied { term, leader, index }) = progress.applied else { return Ok(None) };
        let digest = digest(progress);
        let in_full = index.is_multiple_of(IN_FULL);
        let first = self.0.entry(index).or_insert_with(|| Passed {
            leader: (term, leader),
            digest,
            state: in_full.then(|| Arc::clone(&progress.state)),
            by: node,
        });
        let broken = |what: &str| {
            let what = format!("at index {index}, nodes {} and {node} have different {what}", first.by);
            Broken::new("state-match", what)
        };
        if first.leader != (term, leader) {
            return Err(broken("entries"));
        }
        if first.digest != digest || first.state.as_ref().is_some_and(|state| *state != progress.state) {
            return Err(broken("states"));
        }
        Ok(Some((index, digest)))
    }
}

/// A digest of what every change leaves its mark in: the totals, the chain of the audit among them, and the membership.
/// FNV-1a: the same in every run.
fn digest(progress: &Progress) -> u64 {
    let totals = progress.state.totals();
    let numbers = [
        totals.last_node,
        totals.label_revision,
        totals.audit_seq,
        totals.latest.0,
        totals.forgotten_before.0,
    ];
    let head = totals.audit_head.iter().copied();
    let members = progress.voters.iter().chain(&progress.members).map(|node| node.0);
    let bytes = numbers.into_iter().chain(members).flat_map(u64::to_le_bytes).chain(head);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
