//! Whether the realm still works without a voter. The others are asked, not assumed to be up; the rule itself knows
//! neither network nor clock.

use crate::member::Member;
use crate::transport::request::Request;
use bytes::Bytes;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{MembershipError, Removal};
use std::collections::BTreeSet;
use std::time::Duration;

/// A voter that does not answer within this counts as down.
const ALIVE: Duration = Duration::from_secs(1);

/// What is left when a voter goes.
struct Rest<'a> {
    /// The voter that goes.
    without: NodeId,
    /// Whether it answers.
    lives: bool,
    /// Everybody else who votes.
    remaining: &'a BTreeSet<NodeId>,
    /// Those of them who are to go as well.
    leaving: &'a BTreeSet<NodeId>,
    /// Those of them who answer.
    alive: &'a BTreeSet<NodeId>,
}

impl Rest<'_> {
    /// Refuses what would stop the realm, and, unless forced, what would leave it one failure away from that while a
    /// voter is down already.
    fn weigh(&self, removal: Removal) -> Result<(), MembershipError> {
        let (node, remaining) = (self.without, self.remaining);
        let staying: BTreeSet<NodeId> = remaining.difference(self.leaving).copied().collect();
        if staying.is_empty() {
            return Err(MembershipError::QuorumAtRisk(format!(
                "node {node} is the only voter that stays; let another node join and become a voter first"
            )));
        }
        let silent: Vec<String> = remaining.difference(self.alive).map(ToString::to_string).collect();
        let silent = match silent.as_slice() {
            [one] => format!("node {one} does not answer"),
            many => format!("nodes {} do not answer", many.join(", ")),
        };
        let counts = [remaining, &staying].map(|group| (group.intersection(self.alive).count(), group.len()));
        for (alive, of) in counts {
            if alive <= of / 2 {
                return Err(MembershipError::QuorumAtRisk(format!(
                    "without node {node}, {alive} of {of} voters would be up, which is no majority: {silent}; start \
                     what is down, or remove that first"
                )));
            }
        }
        for (alive, of) in counts {
            let spare = alive.saturating_sub(of / 2) > 1;
            if removal == Removal::Careful && self.lives && alive < of && !spare {
                return Err(MembershipError::NoSpare(format!(
                    "without node {node}, {alive} of {of} voters would be up, and the realm would stop with the next \
                     one that fails: {silent}; start what is down, or remove that first; --force removes node {node} \
                     all the same"
                )));
            }
        }
        Ok(())
    }
}

impl Member {
    /// After a removal a majority of the remaining voters has to be up.
    pub(super) async fn refuse_to_lose_majority(
        &self,
        without: NodeId,
        removal: Removal,
    ) -> Result<(), MembershipError> {
        let state = self.state();
        let voters: BTreeSet<NodeId> = self.voters().into_iter().map(NodeId).collect();
        let probes = voters.iter().map(|voter| async { self.is_alive(*voter).await.then_some(*voter) });
        let mut alive: BTreeSet<NodeId> =
            futures::future::join_all(probes).await.into_iter().flatten().collect();
        let lives = alive.remove(&without);
        let mut remaining = voters;
        remaining.remove(&without);
        let leaves = |node: &NodeId| state.instance(*node).is_some_and(|instance| !instance.is_active());
        let leaving = remaining.iter().copied().filter(leaves).collect();
        Rest { without, lives, remaining: &remaining, leaving: &leaving, alive: &alive }.weigh(removal)
    }

    pub(crate) async fn is_alive(&self, node: NodeId) -> bool {
        if node == self.node {
            return true;
        }
        let Some(address) = self.address_of(node) else { return false };
        // Every role may be asked this, and nothing else.
        self.peers.call(node, &address, Request::Ping, Bytes::new(), ALIVE).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(ids: &[u64]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    /// The verdict on removing node 9 from among these, some of which leave or are down; node 9 itself lives.
    fn weigh(
        remaining: &[u64],
        leaving: &[u64],
        alive: &[u64],
        removal: Removal,
    ) -> Result<(), MembershipError> {
        let rest = Rest {
            without: NodeId(9),
            lives: true,
            remaining: &nodes(remaining),
            leaving: &nodes(leaving),
            alive: &nodes(alive),
        };
        rest.weigh(removal)
    }

    #[test]
    fn what_would_stop_the_realm_is_refused_whatever_is_said() {
        for removal in [Removal::Careful, Removal::Forced] {
            let fatal: [(&[u64], &[u64], &[u64]); 5] = [
                (&[], &[], &[]),
                (&[1], &[1], &[1]),
                (&[1, 2], &[], &[1]),
                (&[1, 2, 3, 4], &[], &[1, 2]),
                // Among those who stay there is no majority, though there is one for now.
                (&[1, 2, 3, 4, 5], &[4, 5], &[1, 4, 5]),
            ];
            for (remaining, leaving, alive) in fatal {
                let verdict = weigh(remaining, leaving, alive, removal);
                assert!(
                    matches!(verdict, Err(MembershipError::QuorumAtRisk(_))),
                    "{remaining:?} {leaving:?} {alive:?}: {verdict:?}"
                );
            }
            assert_eq!(weigh(&[1, 2], &[], &[1, 2], removal), Ok(()));
            assert_eq!(weigh(&[1, 2, 3, 4, 5], &[], &[1, 2, 3, 4], removal), Ok(()));
        }
    }

    #[test]
    fn the_refusal_names_who_does_not_answer_and_what_to_do() {
        let refused = weigh(&[1, 2, 3], &[], &[1], Removal::Forced).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("1 of 3") && text.contains("nodes 2, 3 do not answer"), "{text}");
        assert!(text.contains("start what is down"), "{text}");
    }

    #[test]
    fn a_voter_that_lives_is_not_given_up_for_the_last_spare_unless_forced() {
        let careful = weigh(&[1, 2, 3], &[], &[1, 2], Removal::Careful).unwrap_err();
        assert!(
            matches!(&careful, MembershipError::NoSpare(text) if text.contains("node 3 does not answer"))
        );
        assert_eq!(weigh(&[1, 2, 3], &[], &[1, 2], Removal::Forced), Ok(()));
        // A voter that is down is nobody's spare.
        let (remaining, none, alive) = (nodes(&[1, 2, 3]), nodes(&[]), nodes(&[1, 2]));
        let rest =
            Rest { without: NodeId(9), lives: false, remaining: &remaining, leaving: &none, alive: &alive };
        assert_eq!(rest.weigh(Removal::Careful), Ok(()));
    }
}
