//! What every handler shares, cheap to clone.

use crate::hashing::Hasher;
use crate::ports::{Ports, SiteSettings};
use std::sync::Arc;

/// The shared parts of all sites of one node.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) ports: Ports,
    pub(crate) settings: Arc<SiteSettings>,
    pub(crate) hasher: Hasher,
}

impl App {
    pub(crate) fn new(ports: Ports, settings: SiteSettings) -> Self {
        let hasher = Hasher::new(settings.hashing);
        Self { ports, settings: Arc::new(settings), hasher }
    }
}
