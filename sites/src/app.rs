//! What every handler shares, cheap to clone.

use crate::crowd::Crowd;
use crate::hashing::Hasher;
use crate::ports::{Ports, SiteSettings};
use std::sync::Arc;

/// The shared parts of all sites of one node.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) ports: Ports,
    pub(crate) settings: Arc<SiteSettings>,
    pub(crate) crowd: Crowd,
    pub(crate) hasher: Hasher,
}

impl App {
    pub(crate) fn new(ports: Ports, crowd: Crowd) -> Self {
        let settings = Arc::clone(crowd.settings());
        let hasher = Hasher::new(settings.hashing);
        Self { ports, settings, crowd, hasher }
    }
}
