//! Attempt counters. They are counted in the log **before** the answer is checked, so a crash costs the guesser a try.

use crate::ids::{AttemptId, KeyedHash};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// When guesses lock, for how long, and when old failures are forgotten (the guide's *Lock Q&A profile* activity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockoutSettings {
    /// Failures that lock. At least 1.
    pub threshold: u32,
    /// How long the lock lasts.
    pub duration: Span,
    /// Failures older than this no longer count.
    pub reset_after: Span,
}

impl LockoutSettings {
    /// Five failures within 15 minutes lock for 15 minutes.
    pub const DEFAULT: Self =
        Self { threshold: 5, duration: Span::minutes(15), reset_after: Span::minutes(15) };
}

/// What attempts are counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AttemptTarget {
    /// A user's profile, by keyed hash of its `objectGUID`.
    User(KeyedHash),
    /// Where requests come from, by keyed hash of the network address.
    Source(KeyedHash),
}

/// The state of one counter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counter {
    /// Attempts that count, those still undecided included.
    pub failures: u32,
    /// The last attempt.
    pub last_attempt: Timestamp,
    /// Set when the threshold is reached.
    pub locked_until: Option<Timestamp>,
    /// Attempts whose check has not been reported yet.
    pub undecided: BTreeSet<AttemptId>,
    /// When this counter can be forgotten.
    pub forget_at: Timestamp,
}

/// The verdict on one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptVerdict {
    /// The attempt is counted; the check may go on. Says how many are left after this one.
    Counted {
        /// Attempts left before the lock.
        remaining: u32,
    },
    /// Locked: the check must not take place.
    Locked {
        /// When the lock ends.
        until: Timestamp,
    },
}

impl Counter {
    /// Whether a lock holds at `at`, and until when.
    #[must_use]
    pub fn locked_at(&self, at: Timestamp) -> Option<Timestamp> {
        self.locked_until.filter(|until| *until > at)
    }

    /// Counts an attempt. The one that reaches the threshold is still checked; only its success lifts the lock.
    pub fn count(&mut self, attempt: AttemptId, at: Timestamp, settings: &LockoutSettings) -> AttemptVerdict {
        if let Some(until) = self.locked_at(at) {
            return AttemptVerdict::Locked { until };
        }
        let lock_is_over = self.locked_until.is_some();
        if lock_is_over || at.since(self.last_attempt) >= settings.reset_after {
            *self = Self::default();
        }
        self.failures = self.failures.saturating_add(1);
        self.last_attempt = self.last_attempt.max(at);
        self.undecided.insert(attempt);
        if self.failures >= settings.threshold {
            self.locked_until = Some(at.plus(settings.duration));
        }
        self.forget_at = at.plus(settings.reset_after.max(settings.duration));
        AttemptVerdict::Counted { remaining: settings.threshold.saturating_sub(self.failures) }
    }

    /// Reports that an attempt was right: all failures are forgiven. False when the attempt is not one of ours.
    pub fn succeed(&mut self, attempt: AttemptId) -> bool {
        let known = self.undecided.remove(&attempt);
        if known {
            *self = Self::default();
        }
        known
    }

    /// Reports that an attempt was right and forgives nothing else: it alone counts no more. False when it is not one of ours.
    pub fn take_back(&mut self, attempt: AttemptId) -> bool {
        let known = self.undecided.remove(&attempt);
        if known {
            self.failures = self.failures.saturating_sub(1);
            // Without this attempt the threshold was not reached: past it none is counted.
            self.locked_until = None;
        }
        known
    }

    /// Reports that an attempt was wrong: it stays counted.
    pub fn fail(&mut self, attempt: AttemptId) -> bool {
        self.undecided.remove(&attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const SETTINGS: LockoutSettings =
        LockoutSettings { threshold: 3, duration: Span::minutes(10), reset_after: Span::minutes(5) };

    fn id(n: u128) -> AttemptId {
        AttemptId(Uuid::from_u128(n))
    }

    #[test]
    fn the_attempt_that_reaches_the_threshold_is_checked_and_the_next_is_refused() {
        let mut counter = Counter::default();
        let at = Timestamp(1_000_000);
        for n in 0..3 {
            assert_eq!(
                counter.count(id(n), at, &SETTINGS),
                AttemptVerdict::Counted { remaining: 2 - u32::try_from(n).unwrap() }
            );
        }
        let until = at.plus(SETTINGS.duration);
        assert_eq!(counter.count(id(9), at, &SETTINGS), AttemptVerdict::Locked { until });
        assert_eq!(counter.count(id(10), until, &SETTINGS), AttemptVerdict::Counted { remaining: 2 });
    }

    #[test]
    fn success_of_a_counted_attempt_lifts_the_lock_it_caused() {
        let mut counter = Counter::default();
        for n in 0..3 {
            counter.count(id(n), Timestamp(1), &SETTINGS);
        }
        assert!(!counter.succeed(id(77)), "an attempt that was never counted changes nothing");
        assert!(counter.locked_at(Timestamp(2)).is_some());
        assert!(counter.succeed(id(2)));
        assert_eq!(counter.locked_at(Timestamp(2)), None);
    }

    #[test]
    fn an_attempt_that_is_taken_back_forgives_no_other() {
        let mut counter = Counter::default();
        for n in 0..3 {
            counter.count(id(n), Timestamp(1), &SETTINGS);
        }
        assert!(counter.fail(id(0)) && counter.fail(id(1)));
        assert!(!counter.take_back(id(1)), "it was decided");
        assert!(counter.take_back(id(2)));
        assert_eq!((counter.failures, counter.locked_at(Timestamp(2))), (2, None));
        assert_eq!(counter.count(id(3), Timestamp(2), &SETTINGS), AttemptVerdict::Counted { remaining: 0 });
    }

    #[test]
    fn failures_are_forgotten_after_the_reset_span() {
        let mut counter = Counter::default();
        counter.count(id(1), Timestamp(0), &SETTINGS);
        counter.count(id(2), Timestamp(1), &SETTINGS);
        let later = Timestamp(1).plus(SETTINGS.reset_after);
        assert_eq!(counter.count(id(3), later, &SETTINGS), AttemptVerdict::Counted { remaining: 2 });
    }

    proptest! {
        #[test]
        fn no_more_checks_than_the_threshold_happen_within_one_lock(times in prop::collection::vec(0u64..120_000, 1..60)) {
            let mut counter = Counter::default();
            let mut sorted = times;
            sorted.sort_unstable();
            let checked = sorted
                .iter()
                .zip(0u128..)
                .filter(|(at, n)| {
                    matches!(counter.count(id(*n), Timestamp(**at), &SETTINGS), AttemptVerdict::Counted { .. })
                })
                .count();
            prop_assert!(checked <= 3, "two minutes lie within one lock of ten");
        }
    }
}
