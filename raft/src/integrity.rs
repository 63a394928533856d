//! Whether this member still holds what it must: the state that the others have, and everything that it confirmed to them.
//!
//! A member that starts tells the others who it is ([`lives`]) and how far its disk is; they remember what it confirmed
//! ([`witness`]) and let it take part when that is all there ([`entry`]).
//!
//! Every member remembers the digest of its state at certain log indexes ([`checkpoints`]), asks the voters for theirs now
//! and then ([`rounds`]), and decides by majority who is wrong ([`verdict`]). A member that finds itself wrong hands over,
//! notes that durably, keeps the evidence and leaves for good. Nothing here repairs a state, and no rule of the domain is
//! known here.

pub(crate) mod books;
pub(crate) mod checkpoints;
pub(crate) mod clock;
pub(crate) mod entry;
pub(crate) mod evidence;
pub(crate) mod lives;
pub(crate) mod roster;
pub(crate) mod rounds;
pub(crate) mod verdict;
pub(crate) mod witness;

use crate::integrity::books::{Books, Standing};
use crate::integrity::clock::ClockStanding;
use crate::integrity::entry::Gate;
use crate::integrity::evidence::Evidence;
use crate::integrity::witness::Witnesses;
use crate::transport::client::Peers;
use passquorum_domain::ids::NodeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// What a member knows about its own soundness.
pub(crate) struct Integrity {
    pub(crate) books: Books,
    peers: Arc<Peers>,
    /// Cleared as soon as something is found to be wrong: from then on nothing is proposed, read or led here.
    serves: AtomicBool,
    /// The highest log index at which the state was compared with a majority's and found equal.
    pub(crate) checked: watch::Sender<Option<u64>>,
    /// Whether each of those that were asked in the last round answered, this member included.
    pub(crate) answers: watch::Sender<BTreeMap<NodeId, bool>>,
    pub(crate) evidence: watch::Sender<Option<Arc<Evidence>>>,
    pub(crate) clock: watch::Sender<ClockStanding>,
    /// Set once everything is done that a member does before it leaves for good.
    pub(crate) condemned: watch::Sender<Option<Standing>>,
}

impl Integrity {
    pub(crate) fn new(books: Books, peers: Arc<Peers>) -> Self {
        Self {
            books,
            peers,
            serves: AtomicBool::new(true),
            checked: watch::Sender::new(None),
            answers: watch::Sender::new(BTreeMap::new()),
            evidence: watch::Sender::new(None),
            clock: watch::Sender::new(ClockStanding::default()),
            condemned: watch::Sender::new(None),
        }
    }

    /// With whom this member speaks; shared with whoever calls peers.
    pub(crate) fn gate(&self) -> &Gate {
        &self.peers.gate
    }

    /// What it remembers about the others.
    pub(crate) fn witnesses(&self) -> &Witnesses {
        &self.peers.witnesses
    }

    /// Whether this member may answer anybody.
    pub(crate) fn serves(&self) -> bool {
        self.serves.load(Ordering::SeqCst)
    }

    /// Whether this member's clock allows it to lead.
    pub(crate) fn clock_lets_lead(&self) -> bool {
        self.clock.borrow().lets_lead()
    }

    pub(crate) fn stop_serving(&self) {
        self.serves.store(false, Ordering::SeqCst);
    }
}
