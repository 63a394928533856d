//! Who belongs to the realm, as of one entry of the log: what those who welcome a member tell it, so that it need not wait
//! for voters that were removed while it was away.

use crate::types::NodeInfo;
use openraft::{EffectiveMembership, LogId};
use passquorum_domain::ids::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The members as of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Roster {
    as_of: Option<LogId<u64>>,
    /// Cluster addresses.
    addresses: BTreeMap<NodeId, String>,
    voters: BTreeSet<NodeId>,
}

impl Roster {
    pub(crate) fn of(membership: &EffectiveMembership<u64, NodeInfo>) -> Self {
        let addresses = membership.nodes().map(|(id, info)| (NodeId(*id), info.cluster_address.clone()));
        Self {
            as_of: *membership.log_id(),
            addresses: addresses.collect(),
            voters: membership.voter_ids().map(NodeId).collect(),
        }
    }

    /// Takes what another one says, if that is of a later entry.
    pub(crate) fn learn(&mut self, told: Self) {
        if told.as_of > self.as_of {
            *self = told;
        }
    }

    pub(crate) fn address(&self, node: NodeId) -> String {
        self.addresses.get(&node).cloned().unwrap_or_default()
    }

    /// The voters that are not among these.
    pub(crate) fn voters_without(&self, some: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        self.voters.difference(some).copied().collect()
    }

    /// Whether a majority of the voters is among these. Where nobody votes nobody has to be asked.
    pub(crate) fn is_majority(&self, some: &BTreeSet<NodeId>) -> bool {
        self.voters.is_empty() || self.voters.intersection(some).count() * 2 > self.voters.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openraft::CommittedLeaderId;

    fn roster(index: u64, voters: impl IntoIterator<Item = u64>) -> Roster {
        Roster {
            as_of: Some(LogId::new(CommittedLeaderId::new(1, 1), index)),
            addresses: BTreeMap::new(),
            voters: voters.into_iter().map(NodeId).collect(),
        }
    }

    #[test]
    fn a_later_roster_replaces_an_earlier_one_and_not_the_other_way() {
        let mut known = roster(5, [1, 2]);
        known.learn(roster(4, [9]));
        assert_eq!(known, roster(5, [1, 2]));
        known.learn(roster(6, [2, 3]));
        assert_eq!(known, roster(6, [2, 3]));
    }

    #[test]
    fn a_majority_is_of_the_voters_there_are() {
        let welcomed = BTreeSet::from([NodeId(2), NodeId(3), NodeId(9)]);
        assert!(!roster(1, [1, 2]).is_majority(&welcomed));
        assert!(roster(1, [2]).is_majority(&welcomed));
        assert!(roster(1, [1, 2, 3]).is_majority(&welcomed));
        assert!(!roster(1, [1, 2, 3, 4]).is_majority(&welcomed));
        assert!(roster(1, []).is_majority(&BTreeSet::new()));
        assert_eq!(roster(1, [1, 2, 3]).voters_without(&welcomed), BTreeSet::from([NodeId(1)]));
    }
}
