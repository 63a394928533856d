//! How long each member has kept up, or kept silent, as one leader has seen it in one term. Nothing here acts, or looks
//! at a clock: the duties bring what was seen and when.
//!
//! A new leader begins anew, and so does one that was held up itself: who saw nothing for a while must not take its own
//! absence for another's.

use passquorum_domain::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// A leader that has not looked for so long saw nothing in between.
const HELD_UP: Duration = Duration::from_secs(10);

/// Since when something has been true of members, seen again and again.
#[derive(Debug, Default)]
struct Since {
    looked: Option<Instant>,
    members: BTreeMap<NodeId, Instant>,
}

impl Since {
    fn look(&mut self, now: Instant, seen: &BTreeSet<NodeId>) {
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) > HELD_UP) {
            self.members.clear();
        }
        self.looked = Some(now);
        self.members.retain(|member, _| seen.contains(member));
        for member in seen {
            self.members.entry(*member).or_insert(now);
        }
    }

    fn span(&self, member: NodeId, now: Instant) -> Option<Duration> {
        self.members.get(&member).map(|since| now.saturating_duration_since(*since))
    }
}

/// What a leader has seen.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    term: u64,
    kept_up: Since,
    silent: Since,
}

impl Vigil {
    /// Begins anew with another term.
    pub(crate) fn lead(&mut self, term: u64) {
        if self.term != term {
            *self = Self { term, ..Self::default() };
        }
    }

    /// Takes note of the members that are close to the leader's log now.
    pub(crate) fn keep_up(&mut self, now: Instant, seen: &BTreeSet<NodeId>) {
        self.kept_up.look(now, seen);
    }

    /// Takes note of the members that do not answer now.
    pub(crate) fn fall_silent(&mut self, now: Instant, seen: &BTreeSet<NodeId>) {
        self.silent.look(now, seen);
    }

    /// Whether a member has been close to the log all the time for so long.
    pub(crate) fn is_stable(&self, member: NodeId, now: Instant, least: Duration) -> bool {
        self.kept_up.span(member, now).is_some_and(|span| span >= least)
    }

    /// Of some, the one that has been silent longest, and for so long at least.
    pub(crate) fn dead(&self, now: Instant, least: Duration, of: &BTreeSet<NodeId>) -> Option<NodeId> {
        let silent = of.iter().filter_map(|node| Some((self.silent.span(*node, now)?, *node)));
        silent.max().filter(|(span, _)| *span >= least).map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(5);

    fn nodes(ids: &[u64]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn only_who_keeps_up_all_the_time_is_stable() {
        let begun = Instant::now();
        let mut vigil = Vigil::default();
        for (at, seen) in [(0, &[4, 5][..]), (2, &[4]), (4, &[4, 5]), (5, &[4, 5])] {
            vigil.keep_up(begun + seconds(at), &nodes(seen));
        }
        let stable = |node, at| vigil.is_stable(NodeId(node), begun + seconds(at), LEAST);
        assert!(stable(4, 5) && !stable(4, 4), "from the first look on");
        assert!(!stable(5, 5) && stable(5, 9), "it fell behind in between");
        assert!(!stable(6, 9), "it was never seen to keep up");
    }

    #[test]
    fn a_new_term_and_a_leader_that_was_held_up_begin_anew() {
        let begun = Instant::now();
        let mut vigil = Vigil::default();
        vigil.lead(1);
        vigil.keep_up(begun, &nodes(&[4]));
        vigil.lead(1);
        assert!(vigil.is_stable(NodeId(4), begun + LEAST, LEAST));
        vigil.lead(2);
        assert!(!vigil.is_stable(NodeId(4), begun + LEAST, LEAST));
        vigil.fall_silent(begun, &nodes(&[4]));
        let late = begun + HELD_UP + seconds(1);
        vigil.fall_silent(late, &nodes(&[4]));
        assert_eq!(vigil.dead(late, LEAST, &nodes(&[3, 4])), None, "nobody looked in between");
        assert_eq!(vigil.dead(late + LEAST, LEAST, &nodes(&[3, 4])), Some(NodeId(4)));
    }

    #[test]
    fn the_one_that_is_silent_longest_is_dead_after_its_time() {
        let begun = Instant::now();
        let mut vigil = Vigil::default();
        vigil.fall_silent(begun, &nodes(&[4]));
        vigil.fall_silent(begun + seconds(1), &nodes(&[2, 4]));
        let dead = |at, of: &[u64]| vigil.dead(begun + seconds(at), LEAST, &nodes(of));
        assert_eq!(dead(4, &[1, 2, 3, 4]), None);
        assert_eq!(dead(9, &[1, 2, 3, 4]), Some(NodeId(4)));
        assert_eq!(dead(9, &[1, 2, 3, 5]), Some(NodeId(2)));
        assert_eq!(dead(9, &[1, 3, 5, 6]), None);
    }
}
