//! What each source did wrong within a window of time. Once that is too much it is refused until its window is over.

use super::Source;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sources that are remembered at most. While so many are within their windows, others are not counted.
const SOURCES: usize = 4096;

/// Counts by source, each within a window that begins with the source's first.
#[derive(Debug)]
pub struct Window<S: Ord = Source> {
    most: u32,
    length: Span,
    counts: Mutex<BTreeMap<S, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Timestamp,
    times: u32,
}

impl<S: Ord + Copy> Window<S> {
    /// Lets each source do it so often within this time.
    #[must_use]
    pub const fn new(most: u32, length: Span) -> Self {
        Self { most, length, counts: Mutex::new(BTreeMap::new()) }
    }

    /// Counts one against a source.
    pub fn count(&self, source: S, now: Timestamp) {
        let mut counts = self.counts();
        if counts.len() >= SOURCES && !counts.contains_key(&source) {
            counts.retain(|_, count| !self.is_over(*count, now));
            if counts.len() >= SOURCES {
                return;
            }
        }
        let count = counts.entry(source).or_insert(Count { since: now, times: 0 });
        if self.is_over(*count, now) {
            *count = Count { since: now, times: 0 };
        }
        count.times = count.times.saturating_add(1);
    }

    /// How long a source is refused from now on, if it is.
    #[must_use]
    pub fn refuses(&self, source: S, now: Timestamp) -> Option<Span> {
        self.refuses_over(self.most, source, now)
    }

    /// The same where what a source may is not always the same.
    #[must_use]
    pub fn refuses_over(&self, most: u32, source: S, now: Timestamp) -> Option<Span> {
        let counts = self.counts();
        let count = counts.get(&source).filter(|count| count.times >= most)?;
        (!self.is_over(*count, now)).then(|| count.since.plus(self.length).since(now))
    }

    /// A clock that was set back ends a window too, so that nobody is refused for long.
    fn is_over(&self, count: Count, now: Timestamp) -> bool {
        now < count.since || now >= count.since.plus(self.length)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<S, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn source(number: u32) -> Source {
        IpAddr::V4(Ipv4Addr::from_bits(number)).into()
    }

    fn second(second: u64) -> Timestamp {
        Timestamp(1_000_000).plus(Span::seconds(second))
    }

    #[test]
    fn a_source_is_refused_from_one_too_many_until_its_window_is_over() {
        let window = Window::new(2, Span::seconds(60));
        window.count(source(1), second(0));
        assert_eq!(window.refuses(source(1), second(1)), None);
        window.count(source(1), second(10));
        assert_eq!(window.refuses(source(1), second(20)), Some(Span::seconds(40)));
        assert_eq!(window.refuses(source(2), second(20)), None, "another source is not");
        assert_eq!(window.refuses(source(1), second(60)), None);
        window.count(source(1), second(60));
        assert_eq!(window.refuses(source(1), second(61)), None, "a new window begins empty");
    }

    #[test]
    fn a_clock_that_was_set_back_refuses_nobody() {
        let window = Window::new(1, Span::seconds(60));
        window.count(source(1), second(100));
        assert_eq!(window.refuses(source(1), second(99)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_old_makes_room() {
        let window = Window::new(1, Span::seconds(60));
        let many = u32::try_from(SOURCES).unwrap();
        (0..=many).for_each(|number| window.count(source(number), second(0)));
        assert_eq!(window.counts().len(), SOURCES);
        assert_eq!(window.refuses(source(many), second(1)), None);
        window.count(source(many), second(60));
        assert_eq!(window.counts().len(), 1);
        assert!(window.refuses(source(many), second(61)).is_some());
    }
}
