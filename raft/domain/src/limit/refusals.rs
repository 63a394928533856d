//! How often each limit refused something: for the metrics, and for a log that a flood must not fill.

use crate::ports::Clock;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The log is told of one limit this often at most.
const TELL: Span = Span::seconds(60);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Commands that wait for the next entry of the log.
    Proposals,
    /// Readers that wait for the next round.
    Reads,
    /// Calls that wait for the stream to another node.
    PeerCalls,
    /// Unknown peers of one source in their handshake, and handshakes of a source that failed.
    PeerHandshakes,
    /// Connections to the sites, of all sources.
    Connections,
    /// Connections to the sites, of one source.
    SourceConnections,
    /// Requests of one source that are being answered.
    SourceRequests,
    /// Wrong tokens of one source.
    WrongTokens,
    /// What visitors of one node in the perimeter ask.
    Gateway,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 9] = [
        Self::Proposals,
        Self::Reads,
        Self::PeerCalls,
        Self::PeerHandshakes,
        Self::Connections,
        Self::SourceConnections,
        Self::SourceRequests,
        Self::WrongTokens,
        Self::Gateway,
    ];

    /// Its name in metrics and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposals => "proposals",
            Self::Reads => "reads",
            Self::PeerCalls => "peer-calls",
            Self::PeerHandshakes => "peer-handshakes",
            Self::Connections => "connections",
            Self::SourceConnections => "source-connections",
            Self::SourceRequests => "source-requests",
            Self::WrongTokens => "wrong-tokens",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counts refusals of one node.
pub struct Refusals {
    clock: Arc<dyn Clock>,
    tallies: Mutex<BTreeMap<Limit, Tally>>,
}

#[derive(Default)]
struct Tally {
    count: u64,
    told: u64,
    told_at: Option<Timestamp>,
}

impl Refusals {
    /// None so far.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, tallies: Mutex::default() })
    }

    /// Counts one. When it is time to tell the log, answers how many there were since it was told last.
    #[must_use]
    pub fn note(&self, limit: Limit) -> Option<u64> {
        let now = self.clock.now();
        let mut tallies = self.tallies();
        let tally = tallies.entry(limit).or_default();
        tally.count += 1;
        if tally.told_at.is_some_and(|told_at| now >= told_at && now < told_at.plus(TELL)) {
            return None;
        }
        tally.told_at = Some(now);
        Some(tally.count - std::mem::replace(&mut tally.told, tally.count))
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self, limit: Limit) -> u64 {
        self.tallies().get(&limit).map_or(0, |tally| tally.count)
    }

    fn tallies(&self) -> MutexGuard<'_, BTreeMap<Limit, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Limit::ALL.map(|limit| (limit, self.count(limit)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn the_log_is_told_of_the_first_and_then_once_a_minute_how_many_there_were() {
        let clock = Arc::new(Hand::default());
        let refusals = Refusals::new(Arc::clone(&clock) as _);
        assert_eq!(refusals.note(Limit::Reads), Some(1));
        assert_eq!(refusals.note(Limit::Reads), None);
        assert_eq!(refusals.note(Limit::Proposals), Some(1), "each limit is told of by itself");
        clock.0.store(TELL.0, Ordering::Relaxed);
        assert_eq!(refusals.note(Limit::Reads), Some(2));
        clock.0.store(0, Ordering::Relaxed);
        assert_eq!(refusals.note(Limit::Reads), Some(1), "a clock that was set back silences nothing");
        assert_eq!((refusals.count(Limit::Reads), refusals.count(Limit::WrongTokens)), (4, 0));
    }

    #[test]
    fn every_limit_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
        assert_eq!(names.len(), Limit::ALL.len());
    }
}
