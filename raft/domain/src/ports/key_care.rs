//! What operators do about certificates and keys.

use super::{MembershipError, ProposeError, VaultError};
use crate::audit::Actor;
use crate::error_code::ErrorCode;
use crate::outcome::Rejection;
use crate::time::Timestamp;
use async_trait::async_trait;

/// It was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyCareError {
    /// The realm's keys are not here.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No quorum, or unknown.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The realm gave no certificate.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The realm refused it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// What the realm gave cannot be used here.
    #[error("{0}")]
    Failed(String),
}

impl KeyCareError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Vault(VaultError::NoKey) => ErrorCode::Forbidden,
            Self::Vault(VaultError::DoesNotOpen) | Self::Failed(_) => ErrorCode::Internal,
            Self::Propose(error) => error.code(),
            Self::Membership(error) => error.code(),
            Self::Rejected(rejection) => rejection.code(),
        }
    }
}

/// The verbs on certificates and keys, each in the name of an actor for the audit.
#[async_trait]
pub trait KeyCare: Send + Sync {
    /// Renews the certificate of the node that is asked; answers when the new one ends.
    async fn renew_certificate(&self, actor: Actor) -> Result<Timestamp, KeyCareError>;

    /// Begins a rotation of the realm's data key; answers the new generation. The leader does the rest.
    async fn rotate(&self, actor: Actor) -> Result<u32, KeyCareError>;

    /// Gives up an older data key that nothing in the realm's state needs any more. Profiles in the directory that were
    /// last written under it can be read no more.
    async fn retire(&self, generation: u32, actor: Actor) -> Result<(), KeyCareError>;
}
