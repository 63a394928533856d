//! Whether this member's clock is near enough to the others' for it to lead.
//!
//! The leader's clock decides which commands are taken, so a leader whose clock is wrong refuses everybody's. Each round
//! tells how far every other voter's clock is off; a member that a majority of those heard is too far from is the one that is
//! wrong. Of two that differ nobody is: neither is a majority.

use passquorum_domain::time::{Span, Timestamp};
use std::time::Duration;

/// A member whose clock is further from the majority's does not lead. Half of what a command's time may be off, so that
/// a leader within it takes the commands of every member that is.
pub(crate) const BOUND: Span = Span::seconds(30);

/// What the last round said of this member's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockStanding {
    /// How far it is ahead of the other voters' in the middle, in milliseconds; `None` when nobody was heard.
    pub(crate) offset_ms: Option<i64>,
    /// False when a majority of those heard is too far off.
    pub(crate) fit: bool,
    /// Whether it was held against another clock yet, or there is none. Until then nobody may lead by it.
    pub(crate) compared: bool,
}

impl Default for ClockStanding {
    fn default() -> Self {
        Self { offset_ms: None, fit: true, compared: false }
    }
}

impl ClockStanding {
    /// Whether this member may lead.
    pub(crate) fn lets_lead(self) -> bool {
        self.fit && self.compared
    }

    /// Of the only voter, whose clock is the realm's.
    pub(crate) fn of_the_only_voter() -> Self {
        Self { compared: true, ..Self::default() }
    }

    /// From how far this clock is ahead of each other voter that was heard. When they are too few to say which clock is
    /// wrong, it stays as it was.
    pub(crate) fn after(self, mut ahead: Vec<i64>) -> Self {
        ahead.sort_unstable();
        let offset_ms = ahead.get(ahead.len() / 2).copied();
        let clocks = ahead.len() + 1;
        let far = ahead.iter().filter(|ahead| ahead.unsigned_abs() > BOUND.0).count();
        let fit = match far {
            far if far * 2 > clocks => false,
            far if far * 2 < clocks && !ahead.is_empty() => true,
            _ => self.fit,
        };
        Self { offset_ms, fit, compared: self.compared || !ahead.is_empty() }
    }
}

/// How far this clock is ahead of another's: the answer was given in the middle of the round trip that ends now.
pub(crate) fn ahead(now: Timestamp, round_trip: Duration, theirs: Timestamp) -> i64 {
    let half = Span(u64::try_from(round_trip.as_millis() / 2).unwrap_or(u64::MAX));
    let middle = now.minus(half);
    let distance = |later: Timestamp, earlier| i64::try_from(later.since(earlier).0).unwrap_or(i64::MAX);
    if middle >= theirs { distance(middle, theirs) } else { distance(theirs, middle).saturating_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_taken_into_account_and_both_directions_are_known() {
        let (now, trip) = (Timestamp(100_000), Duration::from_millis(2000));
        assert_eq!(ahead(now, trip, Timestamp(99_000)), 0);
        assert_eq!(ahead(now, trip, Timestamp(90_000)), 9_000);
        assert_eq!(ahead(now, trip, Timestamp(105_000)), -6_000);
        assert_eq!(ahead(Timestamp(0), trip, Timestamp(u64::MAX)), -i64::MAX);
    }

    #[test]
    fn what_was_wrong_stays_wrong_until_enough_clocks_say_otherwise() {
        let wrong = ClockStanding { fit: false, ..ClockStanding::default() };
        assert!(!wrong.after(vec![]).fit && !wrong.after(vec![90_000]).fit);
        assert!(wrong.after(vec![10]).fit && wrong.after(vec![10, 90_000]).fit);
    }

    #[test]
    fn nobody_leads_by_a_clock_that_was_never_compared() {
        let new = ClockStanding::default();
        assert!(!new.lets_lead() && !new.after(vec![]).lets_lead());
        assert!(new.after(vec![10]).lets_lead() && new.after(vec![10]).after(vec![]).lets_lead());
        assert!(!new.after(vec![90_000, 90_000]).lets_lead());
        assert!(ClockStanding::of_the_only_voter().lets_lead());
    }

    #[test]
    fn only_who_is_far_from_a_majority_may_not_lead() {
        let fit = |ahead: &[i64]| ClockStanding::default().after(ahead.to_vec()).fit;
        assert!(fit(&[]) && fit(&[0, 5]) && fit(&[30_000, -30_000]));
        assert!(!fit(&[90_000, 90_010]), "this clock is wrong");
        assert!(fit(&[0, -90_000]), "another's is");
        assert!(fit(&[90_000]), "of two nobody is");
        assert!(!fit(&[-40_000, -40_000, -40_000, 0]) && fit(&[-40_000, -40_000, 0, 0]));
        assert_eq!(ClockStanding::default().after(vec![7, 90_000, 8]).offset_ms, Some(8));
    }
}
