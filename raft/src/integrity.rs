//! Whether this member still holds what the others hold: equal log, equal state.
//!
//! Every member remembers the digest of its state at certain log indexes ([`checkpoints`]), asks the others for theirs now
//! and then ([`rounds`]), and decides by majority who is wrong ([`verdict`]). A member that finds itself wrong hands over,
//! notes that durably, keeps the evidence and leaves for good. Nothing here repairs a state, and no rule of the domain is
//! known here.

pub(crate) mod books;
pub(crate) mod checkpoints;
pub(crate) mod evidence;
pub(crate) mod rounds;
pub(crate) mod verdict;

use crate::integrity::books::{Books, Standing};
use crate::integrity::evidence::Evidence;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// What a member knows about its own soundness.
pub(crate) struct Integrity {
    pub(crate) books: Books,
    /// Cleared as soon as something is found to be wrong: from then on nothing is proposed, read or led here.
    serves: AtomicBool,
    /// The highest log index at which the state was compared with a majority's and found equal.
    pub(crate) checked: watch::Sender<Option<u64>>,
    pub(crate) evidence: watch::Sender<Option<Arc<Evidence>>>,
    /// Set once everything is done that a member does before it leaves for good.
    pub(crate) condemned: watch::Sender<Option<Standing>>,
}

impl Integrity {
    pub(crate) fn new(books: Books) -> Self {
        Self {
            books,
            serves: AtomicBool::new(true),
            checked: watch::Sender::new(None),
            evidence: watch::Sender::new(None),
            condemned: watch::Sender::new(None),
        }
    }

    /// Whether this member may answer anybody.
    pub(crate) fn serves(&self) -> bool {
        self.serves.load(Ordering::SeqCst)
    }

    pub(crate) fn stop_serving(&self) {
        self.serves.store(false, Ordering::SeqCst);
    }
}
