//! How many places each source holds at a time. Remembers only sources that hold one.

use super::Source;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places of which each source may hold so many.
#[derive(Debug)]
pub struct Places<S: Ord = Source> {
    most: usize,
    held: Mutex<BTreeMap<S, usize>>,
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub struct Place<S: Ord = Source> {
    places: Arc<Places<S>>,
    source: S,
}

impl<S: Ord + Copy> Places<S> {
    /// So many places for each source.
    #[must_use]
    pub fn of_each_source(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::new(BTreeMap::new()) })
    }

    /// Takes a place; none when the source holds all of its own.
    #[must_use]
    pub fn take(self: &Arc<Self>, source: S) -> Option<Place<S>> {
        let mut held = self.held();
        let count = held.get(&source).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        held.insert(source, count + 1);
        drop(held);
        Some(Place { places: Arc::clone(self), source })
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<S, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Ord> Drop for Place<S> {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn source(last: u8) -> Source {
        IpAddr::from([192, 0, 2, last]).into()
    }

    #[test]
    fn a_source_gets_as_many_as_there_are_and_one_more_once_it_gave_one_back() {
        let places = Places::of_each_source(2);
        let first = places.take(source(1)).unwrap();
        let _second = places.take(source(1)).unwrap();
        assert!(places.take(source(1)).is_none());
        assert!(places.take(source(2)).is_some(), "another source has its own");
        drop(first);
        assert!(places.take(source(1)).is_some());
    }

    #[test]
    fn a_source_that_holds_nothing_is_forgotten() {
        let places = Places::of_each_source(1);
        drop(places.take(source(1)));
        assert!(places.held().is_empty());
    }
}
