//! What the world saw of people, sites and the directory, in one order: the evidence that the invariants judge. It is
//! written where things really happen (at the directory, at a node's consensus port, in a person's browser) and knows
//! nothing of how the sites decide.

use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ids::{AttemptId, KeyedHash, NodeId, TicketId};
use passquorum_domain::state::State;
use passquorum_domain::ticket::TicketKind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Every secret that is typed in a run holds this, so that one search finds any of them.
pub const MARK: &str = "zqmarkqz";

/// A change of one user in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new password, set without the old one.
    Reset(String),
    /// A new password, set with the old one.
    Replaced(String),
    /// The lockout was cleared.
    Unlocked,
    /// The account was enabled.
    Enabled,
    /// The password must be changed at the next logon.
    MustChange,
    /// The profile attribute was written.
    Profile,
}

/// What a person asked for with a form that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// This new password.
    Password(String),
    /// An unlock.
    Unlock,
    /// These answers as the profile.
    Profile,
}

/// What a person was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is done.
    Done,
    /// It may have happened or not.
    Unknown,
    /// It was not done, for this reason.
    Failed(String),
    /// Nothing that says how it ended: no answer, or another page.
    Nothing,
}

/// A run of a workflow in one browser, from the first page to the last.
pub type Run = u32;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The cluster told a node that an attempt is counted.
    Counted(NodeId, AttemptId, KeyedHash),
    /// A node reported that it has checked an attempt.
    Checked(NodeId, AttemptId, KeyedHash, bool),
    /// A node asked to lift a lock.
    Lifted(KeyedHash),
    /// The cluster told a node that a ticket is open.
    Opened(NodeId, TicketId, KeyedHash, TicketKind),
    /// The directory was sent a change by a node. Its place names the change.
    Sent(NodeId, ObjectGuid),
    /// The directory made a change: the place of its [`Fact::Sent`].
    Made(usize, ObjectGuid, Change),
    /// A person typed secrets that are this user's own.
    Proved(Run, ObjectGuid),
    /// A person submitted a form that changes something.
    Asked(Run, Wish),
    /// A person was told how it ended.
    Answered(Run, Wish, Told),
}

/// The record of a run.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Fact>>);

impl Ledger {
    /// Notes a fact; its place.
    pub fn note(&self, fact: Fact) -> usize {
        let mut facts = self.lock();
        facts.push(fact);
        facts.len() - 1
    }

    /// Everything so far.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fact>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is judged at the end of a run.
pub struct Evidence {
    /// What was seen.
    pub facts: Vec<Fact>,
    /// What each user's counters and tickets are kept under.
    pub subjects: BTreeMap<ObjectGuid, KeyedHash>,
    /// What the nodes agreed on.
    pub state: Arc<State>,
    /// Wrong attempts that lock.
    pub threshold: u32,
}

impl Evidence {
    /// Whether a run had shown the secrets of a user before a place.
    #[must_use]
    pub fn had_proved(&self, run: Run, guid: ObjectGuid, before: usize) -> bool {
        self.facts.iter().take(before).any(|fact| *fact == Fact::Proved(run, guid))
    }

    /// Every change that was made: its place, where it was sent, whom it changed and how.
    pub fn changes(&self) -> impl Iterator<Item = (usize, usize, ObjectGuid, &Change)> {
        self.facts.iter().enumerate().filter_map(|(place, fact)| match fact {
            Fact::Made(sent, guid, change) => Some((place, *sent, *guid, change)),
            _ => None,
        })
    }
}

impl Change {
    /// Whether it is what was wished for.
    #[must_use]
    pub fn fulfils(&self, wish: &Wish) -> bool {
        match (self, wish) {
            (Self::Reset(new) | Self::Replaced(new), Wish::Password(wished)) => new == wished,
            (Self::Unlocked, Wish::Unlock) | (Self::Profile, Wish::Profile) => true,
            _ => false,
        }
    }
}
