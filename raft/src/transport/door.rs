//! Who may begin a handshake. Anyone can dial the peers' port, and a handshake costs a signature and waits for a peer
//! that may never speak; so one address has a share of the places only, and one whose handshakes fail over and over is
//! turned away for the rest of the second. Members that are connected notice nothing of it.

use crate::refuse::refuse;
use passquorum_domain::limit::{Limit, Place, Places, Refusals, Source, Window};
use passquorum_domain::ports::Clock;
use passquorum_domain::time::Span;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams that are in their handshake at most; more have to wait.
const HANDSHAKES: usize = 64;
/// Of these, streams of one source. All members of a realm may run on one host, each with a stream for each class.
const OF_ONE_SOURCE: usize = 32;
/// Handshakes of one source that may fail within [`FAILURES_WITHIN`].
const FAILURES: u32 = 30;
const FAILURES_WITHIN: Span = Span::seconds(1);

/// What stands before the handshakes.
pub(crate) struct Door {
    handshakes: Arc<Semaphore>,
    places: Arc<Places>,
    failures: Window,
    refusals: Arc<Refusals>,
    clock: Arc<dyn Clock>,
}

/// A stream that may begin its handshake; it must be told how that ended.
pub(crate) struct Admitted {
    source: Source,
    _room: OwnedSemaphorePermit,
    _place: Place,
}

impl Door {
    pub(crate) fn new(refusals: Arc<Refusals>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            places: Places::of_each_source(OF_ONE_SOURCE),
            failures: Window::new(FAILURES, FAILURES_WITHIN),
            refusals,
            clock,
        })
    }

    /// Waits until one more handshake has room. None when the door is closed for good, which never happens.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        if self.handshakes.available_permits() == 0 {
            refuse(&self.refusals, Limit::PeerHandshakes);
        }
        Arc::clone(&self.handshakes).acquire_owned().await.ok()
    }

    /// Lets a stream from an address begin its handshake, or turns it away.
    pub(crate) fn admit(&self, room: OwnedSemaphorePermit, address: IpAddr) -> Option<Admitted> {
        let source = Source::from(address);
        let place = match self.failures.refuses(source, self.clock.now()) {
            Some(_) => None,
            None => self.places.take(source),
        };
        if place.is_none() {
            refuse(&self.refusals, Limit::PeerHandshakes);
        }
        Some(Admitted { source, _room: room, _place: place? })
    }

    /// A handshake failed.
    pub(crate) fn failed(&self, admitted: &Admitted) {
        self.failures.count(admitted.source, self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refuse::tests::Hand;
    use std::sync::atomic::Ordering;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    async fn admit(door: &Door, last: u8) -> Option<Admitted> {
        door.admit(door.room().await.unwrap(), address(last))
    }

    #[tokio::test]
    async fn one_address_leaves_places_for_the_others_and_gets_one_more_when_it_gave_one_back() {
        let refusals = Refusals::new(Arc::new(Hand::default()));
        let door = Door::new(Arc::clone(&refusals), Arc::new(Hand::default()));
        let mut held = Vec::new();
        for _ in 0..OF_ONE_SOURCE {
            held.push(admit(&door, 1).await.unwrap());
        }
        assert!(admit(&door, 1).await.is_none());
        assert_eq!(refusals.count(Limit::PeerHandshakes), 1);
        assert!(admit(&door, 2).await.is_some());
        held.pop();
        assert!(admit(&door, 1).await.is_some());
    }

    #[tokio::test]
    async fn an_address_whose_handshakes_fail_is_turned_away_until_the_second_is_over() {
        let clock = Arc::new(Hand::default());
        let door = Door::new(Refusals::new(Arc::clone(&clock) as _), Arc::clone(&clock) as _);
        for _ in 0..FAILURES {
            let admitted = admit(&door, 1).await.unwrap();
            door.failed(&admitted);
        }
        assert!(admit(&door, 1).await.is_none());
        assert!(admit(&door, 2).await.is_some());
        clock.0.store(FAILURES_WITHIN.0, Ordering::Relaxed);
        assert!(admit(&door, 1).await.is_some());
    }
}
