//! Backups of the whole realm, made while it serves.

use super::{ProposeError, ReadError, VaultError};
use crate::error_code::ErrorCode;
use async_trait::async_trait;

/// A backup could not be made, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The recipient is not one that a backup can be sealed to.
    #[error("{0}")]
    BadRecipient(String),
    /// Another backup is being made on this node, or the realm key is just being changed.
    #[error("{0}")]
    NotNow(&'static str),
    /// The realm key is not here.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The audit record was not committed.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The state cannot be known to be current.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something failed that should not.
    #[error("the backup broke off: {0}")]
    Broken(String),
}

impl BackupError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadRecipient(_) => ErrorCode::BadInput,
            Self::NotNow(_) => ErrorCode::Busy,
            Self::Vault(_) | Self::Broken(_) => ErrorCode::Internal,
            Self::Propose(error) => error.code(),
            Self::Read(error) => error.code(),
        }
    }
}

/// Makes backups. What leaves the process is sealed to its recipient.
#[async_trait]
pub trait Backups: Send + Sync {
    /// Commits an audit record in the actor's name, then begins a backup of the realm as it stands at one log index,
    /// which no write that was acknowledged before is missing from. One is made at a time.
    async fn begin(
        &self,
        actor: crate::audit::Actor,
        recipient: &str,
    ) -> Result<Box<dyn BackupFile>, BackupError>;

    /// The configuration with its access accounts' passwords, for another realm. Audited too.
    async fn configuration(
        &self,
        actor: crate::audit::Actor,
        recipient: &str,
    ) -> Result<Vec<u8>, BackupError>;
}

/// A backup that is being made, piece by piece.
#[async_trait]
pub trait BackupFile: Send {
    /// The next piece; `None` after the last. A file without its last piece is refused by whoever reads it.
    async fn next(&mut self) -> Option<Result<Vec<u8>, BackupError>>;
}
