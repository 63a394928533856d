//! Who is wrong when digests differ. Pure, so that every case can be told in a test.
//!
//! Only voters are heard. At an index where they differ, the digest that a majority of all voters has is right. Without a
//! majority the leader's is taken for right: at once when every voter was heard (two of two that differ), else only after
//! patience, since a voter that is away for a moment could still decide.

use crate::integrity::checkpoints::Checkpoint;
use passquorum_domain::ids::NodeId;
use passquorum_storage::CellsDigest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a member says about its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digests {
    /// How they were made; others are not compared.
    pub(crate) scheme: [u16; 3],
    /// The state now.
    pub(crate) tip: Checkpoint,
    /// The state at indexes that every member passes.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl Digests {
    fn at(&self, index: u64) -> Option<CellsDigest> {
        let mut all = self.checkpoints.iter().chain([&self.tip]);
        all.find(|checkpoint| checkpoint.index == index).map(|checkpoint| checkpoint.digest)
    }

    fn indexes(&self) -> BTreeSet<u64> {
        self.checkpoints.iter().chain([&self.tip]).map(|checkpoint| checkpoint.index).collect()
    }
}

/// A difference between this member and those that are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) index: u64,
    pub(crate) ours: CellsDigest,
    pub(crate) theirs: CellsDigest,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The highest index at which this member has what a majority of voters has.
    pub(crate) agreed: Option<u64>,
    /// Voters that have something else than this member, which is right.
    pub(crate) others_wrong: BTreeSet<NodeId>,
    /// A difference that nobody could decide yet.
    pub(crate) undecided: Option<u64>,
    /// This member is wrong.
    pub(crate) wrong: Option<Finding>,
}

/// The members as one of them knows them.
pub(crate) struct Court<'a> {
    pub(crate) own: NodeId,
    pub(crate) digests: &'a Digests,
    pub(crate) voters: &'a BTreeSet<NodeId>,
    pub(crate) leader: Option<NodeId>,
    /// What other members said.
    pub(crate) heard: &'a BTreeMap<NodeId, Digests>,
    /// Voters that were not heard are waited for no longer.
    pub(crate) patience_is_over: bool,
}

impl Court<'_> {
    /// Compares at every index that this member shares with a voter, oldest first.
    pub(crate) fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for index in self.digests.indexes() {
            let Some(ours) = self.digests.at(index) else { continue };
            let mut ballots: BTreeMap<NodeId, CellsDigest> = BTreeMap::new();
            for (node, digests) in self.heard {
                if self.voters.contains(node) && digests.scheme == self.digests.scheme {
                    ballots.extend(digests.at(index).map(|digest| (*node, digest)));
                }
            }
            if self.voters.contains(&self.own) {
                ballots.insert(self.own, ours);
            }
            self.judge_at(index, ours, &ballots, &mut verdict);
            if verdict.wrong.is_some() {
                break;
            }
        }
        verdict
    }

    fn judge_at(
        &self,
        index: u64,
        ours: CellsDigest,
        ballots: &BTreeMap<NodeId, CellsDigest>,
        verdict: &mut Verdict,
    ) {
        let votes = |digest: CellsDigest| ballots.values().filter(|ballot| **ballot == digest).count();
        let is_majority = |digest: &CellsDigest| votes(*digest) * 2 > self.voters.len();
        let others = || ballots.iter().filter(|(_, ballot)| **ballot != ours).map(|(node, _)| *node);
        if is_majority(&ours) {
            verdict.agreed = Some(index);
            verdict.others_wrong.extend(others());
            return;
        }
        if let Some(theirs) = ballots.values().copied().find(is_majority) {
            verdict.wrong = Some(Finding { index, ours, theirs });
            return;
        }
        if others().next().is_none() {
            return;
        }
        let everybody = ballots.len() == self.voters.len();
        let leaders = self.leader.and_then(|leader| ballots.get(&leader)).copied();
        match leaders {
            Some(theirs) if everybody || self.patience_is_over => {
                if theirs == ours {
                    verdict.others_wrong.extend(others());
                } else {
                    verdict.wrong = Some(Finding { index, ours, theirs });
                }
            }
            _ => verdict.undecided = verdict.undecided.or(Some(index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> CellsDigest {
        let mut digest = CellsDigest::default();
        digest.add(b"number", &[number]);
        digest
    }

    fn says(points: &[(u64, u8)]) -> Digests {
        let mut checkpoints: Vec<_> =
            points.iter().map(|(index, n)| Checkpoint { index: *index, digest: digest(*n) }).collect();
        let tip = checkpoints.pop().unwrap();
        Digests { scheme: [1; 3], tip, checkpoints }
    }

    /// The verdict of each member that is heard, among voters 1 to `voters` with leader 1.
    fn verdicts(voters: u64, patience_is_over: bool, members: &[(u64, &[(u64, u8)])]) -> Vec<Verdict> {
        let voters: BTreeSet<_> = (1..=voters).map(NodeId).collect();
        let all: BTreeMap<_, _> =
            members.iter().map(|(node, points)| (NodeId(*node), says(points))).collect();
        let judge = |own: &NodeId| {
            let mut heard = all.clone();
            let digests = heard.remove(own).unwrap();
            let leader = Some(NodeId(1));
            let court = Court {
                own: *own,
                digests: &digests,
                voters: &voters,
                leader,
                heard: &heard,
                patience_is_over,
            };
            court.judge()
        };
        all.keys().map(judge).collect()
    }

    fn wrong(verdicts: &[Verdict]) -> Vec<Option<u64>> {
        verdicts.iter().map(|verdict| verdict.wrong.map(|finding| finding.index)).collect()
    }

    #[test]
    fn equal_members_agree_at_the_highest_index_that_a_majority_shares() {
        let found = verdicts(
            3,
            true,
            &[(1, &[(256, 1), (512, 2), (600, 3)]), (2, &[(256, 1), (512, 2), (590, 7)]), (3, &[(100, 9)])],
        );
        assert_eq!(wrong(&found), [None; 3]);
        assert_eq!(found.iter().map(|v| v.agreed).collect::<Vec<_>>(), [Some(512), Some(512), None]);
        assert!(found.iter().all(|v| v.undecided.is_none() && v.others_wrong.is_empty()));
    }

    #[test]
    fn the_minority_leaves_also_when_it_leads() {
        let good: &[(u64, u8)] = &[(256, 1), (512, 2)];
        let bad: &[(u64, u8)] = &[(256, 1), (512, 9)];
        let found = verdicts(3, false, &[(1, good), (2, bad), (3, good)]);
        assert_eq!(wrong(&found), [None, Some(512), None]);
        assert_eq!(found[0].others_wrong, BTreeSet::from([NodeId(2)]));
        assert_eq!(wrong(&verdicts(3, false, &[(1, bad), (2, good), (3, good)])), [Some(512), None, None]);
    }

    #[test]
    fn a_difference_that_later_changes_hid_is_found() {
        let found = verdicts(
            3,
            false,
            &[(1, &[(256, 1), (512, 2)]), (2, &[(256, 9), (512, 2)]), (3, &[(256, 1), (512, 2)])],
        );
        assert_eq!(wrong(&found), [None, Some(256), None]);
    }

    #[test]
    fn of_two_that_differ_the_one_that_does_not_lead_leaves() {
        assert_eq!(wrong(&verdicts(2, false, &[(1, &[(256, 1)]), (2, &[(256, 2)])])), [None, Some(256)]);
    }

    #[test]
    fn a_voter_that_was_not_heard_is_waited_for_but_not_for_ever() {
        let members: &[(u64, &[(u64, u8)])] = &[(1, &[(256, 1)]), (2, &[(256, 2)])];
        let found = verdicts(3, false, members);
        assert_eq!(wrong(&found), [None; 2]);
        assert!(found.iter().all(|verdict| verdict.undecided == Some(256)));
        assert_eq!(wrong(&verdicts(3, true, members)), [None, Some(256)]);
    }

    #[test]
    fn a_learner_is_judged_by_voters_and_judges_nobody() {
        let good: &[(u64, u8)] = &[(256, 1)];
        let bad: &[(u64, u8)] = &[(256, 9)];
        let found = verdicts(2, true, &[(1, good), (2, good), (3, bad), (4, bad), (5, bad)]);
        assert_eq!(wrong(&found), [None, None, Some(256), Some(256), Some(256)]);
        assert!(found[0].others_wrong.is_empty(), "{:?}", found[0]);
    }

    #[test]
    fn digests_that_were_made_in_another_way_are_not_compared() {
        let voters: BTreeSet<_> = [NodeId(1), NodeId(2)].into();
        let newer = Digests { scheme: [2; 3], ..says(&[(256, 2)]) };
        let heard = BTreeMap::from([(NodeId(1), newer)]);
        let court = Court {
            own: NodeId(2),
            digests: &says(&[(256, 1)]),
            voters: &voters,
            leader: Some(NodeId(1)),
            heard: &heard,
            patience_is_over: true,
        };
        assert_eq!(court.judge(), Verdict::default());
    }
}
