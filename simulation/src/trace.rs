//! What happened in a run, in order: the same for the same seed, byte for byte, which its hash shows.
//!
//! Only what the code under test decides is recorded, with simulated times; never an address in memory, an ordering of
//! a hash map or a byte of a ciphertext.

use crate::time;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::Fence;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, in microseconds.
    pub at: u64,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A node's process started, for the so manieth time.
    Up(NodeId, u32),
    /// A node's process ended, or did not start.
    Down(NodeId, String),
    /// A node became leader of a term.
    Leads(NodeId, u64),
    /// A node is in a term.
    Term(NodeId, u64),
    /// A node that led does so no more.
    Follows(NodeId),
    /// A node's state is as of this index, with this digest.
    Applied(NodeId, u64, u64),
    /// A fault begins or ends; the number ties the two together.
    Fault(u32, String),
    /// A fault has ended.
    Mended(u32),
    /// What a node wrote into the directory's container took effect.
    Mirrored(NodeId, Fence),
    /// What a learner that was taken over demanded of a node, and what came of it.
    Demanded(NodeId, NodeId, String),
    /// A client's operation began or ended.
    Client(u32, String),
    /// The run enters another phase.
    Phase(&'static str),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(node, boot) => write!(f, "node {node} up {boot}"),
            Self::Down(node, why) => write!(f, "node {node} down: {why}"),
            Self::Leads(node, term) => write!(f, "node {node} leads {term}"),
            Self::Term(node, term) => write!(f, "node {node} in term {term}"),
            Self::Follows(node) => write!(f, "node {node} leads no more"),
            Self::Applied(node, index, digest) => write!(f, "node {node} at {index} {digest:x}"),
            Self::Fault(id, what) => write!(f, "fault {id} {what}"),
            Self::Mended(id) => write!(f, "fault {id} mended"),
            Self::Mirrored(node, fence) => write!(f, "node {node} mirrored {fence}"),
            Self::Demanded(node, of, what) => write!(f, "node {node} demands of {of}: {what}"),
            Self::Client(client, what) => write!(f, "client {client} {what}"),
            Self::Phase(phase) => write!(f, "phase {phase}"),
        }
    }
}

/// Records events.
#[derive(Default)]
pub struct Trace(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    events: Vec<Event>,
    hash: Sha256,
}

impl Trace {
    /// Records an event now.
    pub fn record(&self, what: What) {
        let at = time::stamp();
        let mut inner = self.inner();
        inner.hash.update(format!("{at} {what}\n"));
        inner.events.push(Event { at, what });
    }

    /// The hash so far.
    #[must_use]
    pub fn hash(&self) -> String {
        let hash = self.inner().hash.clone().finalize();
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Everything so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.inner().events.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
