//! Past revisions of the configuration, kept so that they can be read, compared and brought back.
//!
//! Invariants: the revision in force is always kept; so many of the others as [`MOST_REVISIONS`] and [`MOST_BYTES`]
//! allow, the oldest dropped first. Secrets in them are sealed, as in the configuration itself.

use super::RealmConfig;
use crate::audit::Actor;
use crate::blob::Sealed;
use crate::ids::Revision;
use crate::time::Timestamp;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many revisions are kept, the one in force among them.
pub const MOST_REVISIONS: usize = 100;

/// How many bytes all kept revisions may have together, as JSON.
pub const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A revision of the configuration with where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRevision {
    /// Its contents.
    pub config: Arc<RealmConfig>,
    /// Bytes of its contents as JSON.
    pub size: u64,
    /// How it came to be; `None` when that was before revisions were kept.
    pub origin: Option<Origin>,
}

/// How a revision came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// More, for key holders: names, what was changed, a comment.
    pub detail: Option<Sealed>,
}

impl KeptRevision {
    pub(crate) fn new(config: Arc<RealmConfig>, origin: Option<Origin>) -> Self {
        // A configuration has string keys only, so that it always has a JSON form.
        let size = serde_json::to_vec(&config).map_or(MOST_BYTES, |json| json.len() as u64);
        Self { config, size, origin }
    }
}

/// The oldest revisions that are over the bounds; never the newest.
pub(crate) fn surplus(kept: &OrdMap<Revision, KeptRevision>) -> Vec<Revision> {
    let mut bytes = 0_u64;
    let mut surplus = Vec::new();
    for (place, (revision, one)) in kept.iter().rev().enumerate() {
        bytes = bytes.saturating_add(one.size);
        if place > 0 && (place >= MOST_REVISIONS || bytes > MOST_BYTES) {
            surplus.push(*revision);
        }
    }
    surplus
}
