//! Tickets: the committed intent to change something in the directory, opened before and closed after. Single use.

use crate::feature_level::FeatureLevel;
use crate::ids::{KeyedHash, NodeId, TicketId};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// What a ticket allows to be done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TicketKind {
    /// Set a new password without the old one.
    Reset,
    /// Change the password with the old one.
    Change,
    /// Unlock the account.
    Unlock,
    /// Write the Q&A profile.
    WriteProfile,
    /// Enable the account.
    Enable,
    /// Have the password changed at next logon.
    MustChange,
    /// Mark the Q&A profile as one that the person has to make anew.
    EnforceUpdate,
}

impl TicketKind {
    /// The feature level from which on it may be opened.
    #[must_use]
    pub fn needs(self) -> FeatureLevel {
        match self {
            Self::Reset | Self::Change | Self::Unlock | Self::WriteProfile => FeatureLevel::FIRST,
            Self::Enable | Self::MustChange | Self::EnforceUpdate => FeatureLevel::THIRD,
        }
    }
}

/// How the directory call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketResult {
    /// The domain controller said yes.
    Done,
    /// The domain controller said no, or was not asked. The code is one of [`crate::error_code`].
    Failed {
        /// Stable code of the reason.
        code: String,
    },
    /// The request was sent and no answer came: it may or may not have happened.
    Unknown,
}

/// Where a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketState {
    /// Opened; the directory call may be under way.
    Open,
    /// Closed at that time.
    Closed {
        /// How it ended.
        result: TicketResult,
        /// When.
        at: Timestamp,
    },
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id; minted when the user's session began, so a replayed session cannot open a second one.
    pub id: TicketId,
    /// Whose it is.
    pub subject: KeyedHash,
    /// What it allows.
    pub kind: TicketKind,
    /// The node that does the work.
    pub node: NodeId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Past this, an open ticket is closed as unknown by the leader's sweep.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: TicketState,
}

impl Ticket {
    /// Closed tickets are remembered this long. Longer than any session lives, so that no id can be used twice.
    pub const KEEP_CLOSED: Span = Span::hours(24);

    /// Whether it is open and not overdue.
    #[must_use]
    pub fn is_live(&self, at: Timestamp) -> bool {
        self.state == TicketState::Open && at < self.expires_at
    }
}
