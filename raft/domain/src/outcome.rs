//! What the cluster answers. A refusal is an outcome of a committed command, not an error: nothing was changed.

use crate::config::Problem;
use crate::error_code::ErrorCode;
use crate::ids::{NodeId, Revision};
use crate::lockout::AttemptVerdict;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a committed command ended.
pub type Outcome = Result<Effect, Rejection>;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// What was asked; nothing more to tell.
    Done,
    /// A node was admitted under this id.
    Admitted(NodeId),
    /// The configuration has this revision now.
    Config(Revision),
    /// An attempt was counted, or refused for a lock.
    Attempt(AttemptVerdict),
    /// A label has this revision now (for a removal: the revision it had).
    Label(u64),
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// There is no realm yet.
    #[error("there is no realm yet")]
    NoRealm,
    /// There is a realm already.
    #[error("there is a realm already")]
    RealmExists,
    /// The editor saw an older revision.
    #[error("the configuration is at revision {current} now")]
    StaleRevision {
        /// The present revision.
        current: Revision,
    },
    /// The change would not be valid.
    #[error("the configuration would not be valid ({} problems)", .0.len())]
    InvalidConfig(Vec<Problem>),
    /// The token is unknown, expired or used.
    #[error("the token is unknown, expired or used")]
    TokenInvalid,
    /// The subject is locked.
    #[error("locked after too many attempts")]
    Locked {
        /// When the lock ends.
        until: Timestamp,
    },
    /// The ticket was used, or another one of the same user is under way.
    #[error("the step was taken already, or another one is under way")]
    TicketUsed,
    /// The label's condition does not hold.
    #[error("the label's condition does not hold")]
    ConditionFailed {
        /// The label's revision, when it is there.
        current: Option<u64>,
    },
    /// There is nothing with this name.
    #[error("there is nothing with this name")]
    NotFound,
    /// The value is too large.
    #[error("the value is too large")]
    TooLarge,
    /// The command's own time is too far in the past to tell whether it was applied before.
    #[error("the request is too old to be told from a repetition")]
    TooOld,
    /// The realm's keys or their holders are not what the command was made for.
    #[error("the realm's keys or the nodes that hold them changed meanwhile")]
    KeysChanged,
    /// The key is not to be retired yet.
    #[error(
        "{values} values in the realm's state are still sealed under this key, or it was in use until lately"
    )]
    KeyInUse {
        /// How many values.
        values: u64,
    },
    /// As many mails wait as may.
    #[error("as many mails wait to be sent as may; look whether the mail servers can be reached")]
    OutboxFull,
}

impl Rejection {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoRealm | Self::RealmExists => ErrorCode::Membership,
            Self::StaleRevision { .. } => ErrorCode::StaleRevision,
            Self::InvalidConfig(_) => ErrorCode::InvalidConfig,
            Self::TokenInvalid => ErrorCode::TokenInvalid,
            Self::Locked { .. } => ErrorCode::Locked,
            Self::TicketUsed => ErrorCode::TicketUsed,
            Self::ConditionFailed { .. } => ErrorCode::ConditionFailed,
            Self::NotFound => ErrorCode::NotFound,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::TooOld => ErrorCode::UnknownOutcome,
            Self::KeysChanged => ErrorCode::KeysChanged,
            Self::KeyInUse { .. } => ErrorCode::KeyInUse,
            Self::OutboxFull => ErrorCode::OutboxFull,
        }
    }
}
