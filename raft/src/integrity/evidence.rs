//! What is kept of a member that was found to differ, for whoever looks for the cause.

use crate::integrity::verdict::{Digests, Finding};
use crate::state_machine::Replica;
use passquorum_domain::ids::NodeId;
use passquorum_storage::machine::Machine;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that is known about a divergence.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The facts, to be read by people.
    pub report: EvidenceReport,
    /// The last entries of this member's log, each in its envelope.
    pub log: Vec<Vec<u8>>,
    replica: Replica,
}

/// The facts of a divergence. Digests are in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceReport {
    /// The member that differs.
    pub node: NodeId,
    /// The first log index at which a difference was found.
    pub index: u64,
    /// Its digest there.
    pub ours: String,
    /// The digest of those that are right.
    pub theirs: String,
    /// The last index at which it agreed with a majority, when there was one.
    pub agreed: Option<u64>,
    /// What each member said, this one included: digest by log index.
    pub digests: BTreeMap<u64, BTreeMap<u64, String>>,
}

impl Evidence {
    pub(crate) fn new(
        node: NodeId,
        finding: &Finding,
        agreed: Option<u64>,
        said: &BTreeMap<NodeId, Digests>,
        log: Vec<Vec<u8>>,
        replica: Replica,
    ) -> Self {
        let points = |digests: &Digests| {
            let all = digests.checkpoints.iter().chain([&digests.tip]);
            all.map(|checkpoint| (checkpoint.index, checkpoint.digest.to_string())).collect()
        };
        let report = EvidenceReport {
            node,
            index: finding.index,
            ours: finding.ours.to_string(),
            theirs: finding.theirs.to_string(),
            agreed,
            digests: said.iter().map(|(node, digests)| (node.0, points(digests))).collect(),
        };
        Self { report, log, replica }
    }

    /// Every cell of the member's state, key and value as they are stored, in key order.
    pub fn cells(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
        self.replica.cells()
    }
}
