//! How many connections the HTTPS port holds: in all, and of one source. A trusted proxy stands for many clients, so that
//! only the bound in all holds for it; what each client behind it may do, the sites bound.

use crate::config::SiteConnections;
use passquorum_domain::limit::{Limit, Place, Places, Refusals, Source};
use passquorum_raft::refuse;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What stands before the connections.
pub struct SiteDoor {
    room: Arc<Semaphore>,
    places: Arc<Places>,
    trusted: BTreeSet<IpAddr>,
    refusals: Arc<Refusals>,
}

/// A connection that is let in, as long as this is held.
pub(crate) struct Admitted {
    _room: OwnedSemaphorePermit,
    _place: Option<Place>,
}

impl SiteDoor {
    /// Lets in so many.
    #[must_use]
    pub fn new(most: SiteConnections, trusted: BTreeSet<IpAddr>, refusals: Arc<Refusals>) -> Self {
        let room = Arc::new(Semaphore::new(most.in_all));
        Self { room, places: Places::of_each_source(most.per_source), trusted, refusals }
    }

    /// Waits until one more connection has room. None when the door is closed for good, which never happens.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        if self.room.available_permits() == 0 {
            refuse(&self.refusals, Limit::Connections);
        }
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Lets a connection from an address in, unless that has its share already.
    pub(crate) fn admit(&self, room: OwnedSemaphorePermit, address: IpAddr) -> Option<Admitted> {
        if self.trusted.contains(&address.to_canonical()) {
            return Some(Admitted { _room: room, _place: None });
        }
        let place = self.places.take(Source::from(address));
        if place.is_none() {
            refuse(&self.refusals, Limit::SourceConnections);
        }
        Some(Admitted { _room: room, _place: Some(place?) })
    }

    /// What it counts its refusals with.
    #[cfg(test)]
    pub(crate) fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.refusals)
    }
}
