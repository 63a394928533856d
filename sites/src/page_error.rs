//! Failures: their code, their HTTP status, what a visitor is told and what the log is told, in one place.
//!
//! A [`Failure`] that a handler answers becomes an empty response with the failure in its extensions; the wrapper in
//! `headers` then renders the page, since it knows the request id and the site. What a visitor reads never names a
//! domain controller, a path or a secret.

use crate::locale::{Message, Texts};
use crate::text;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::{DirectoryError, DirectoryReason, ProposeError, ReadError, VaultError};
use passquorum_domain::qa::HashError;
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a request did not do what was asked. What a page is told of it can be sent to another node, but not its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: ErrorCode,
    /// The HTTP status, when it is not the code's usual one.
    #[serde(with = "status")]
    pub status: Option<StatusCode>,
    /// What happened, for the visitor; else the text for the code.
    pub message: Option<Message>,
    /// When a lock ends.
    pub until: Option<Timestamp>,
    /// Where *try again* leads, when trying again makes sense.
    #[serde(skip)]
    pub again: Option<&'static str>,
    /// For the log only.
    #[serde(skip)]
    pub cause: Option<String>,
}

/// A status travels as its number.
mod status {
    use http::StatusCode;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        status: &Option<StatusCode>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        status.map(|status| status.as_u16()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<StatusCode>, D::Error> {
        let number = Option::<u16>::deserialize(deserializer)?;
        Ok(number.and_then(|number| StatusCode::from_u16(number).ok()))
    }
}

impl Failure {
    /// A failure by its code alone.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self { code, status: None, message: None, until: None, again: None, cause: None }
    }

    /// Tells the visitor this instead of the code's usual text.
    #[must_use]
    pub fn saying(mut self, message: impl Into<Message>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Answers with this status instead of the code's usual one.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Offers *try again* at this path.
    #[must_use]
    pub fn again(mut self, path: &'static str) -> Self {
        self.again = Some(path);
        self
    }

    /// Notes the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Something that should not fail did.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::Internal).because(cause)
    }

    /// A request that cannot be understood.
    #[must_use]
    pub fn bad_input(message: impl Into<Message>) -> Self {
        Self::new(ErrorCode::BadInput).saying(message)
    }

    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> StatusCode {
        self.status.unwrap_or(match self.code {
            ErrorCode::NoQuorum
            | ErrorCode::NoVoter
            | ErrorCode::NoNode
            | ErrorCode::Busy
            | ErrorCode::OutboxFull
            | ErrorCode::ClockSkew
            | ErrorCode::DirectoryUnreachable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::UnknownOutcome => StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::StaleRevision
            | ErrorCode::TicketUsed
            | ErrorCode::ForeignValue
            | ErrorCode::ProfileRewritten
            | ErrorCode::Membership
            | ErrorCode::LastVoter
            | ErrorCode::KeysChanged
            | ErrorCode::KeyInUse => StatusCode::CONFLICT,
            ErrorCode::InvalidConfig | ErrorCode::PasswordPolicy | ErrorCode::WrongCredentials => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ErrorCode::Locked | ErrorCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::ConditionFailed => StatusCode::PRECONDITION_FAILED,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::BadInput => StatusCode::BAD_REQUEST,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Unauthenticated | ErrorCode::TokenInvalid => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden | ErrorCode::NotThisNode | ErrorCode::Csrf | ErrorCode::NoProfile => {
                StatusCode::FORBIDDEN
            }
            ErrorCode::SessionExpired => StatusCode::GONE,
            ErrorCode::DirectoryRefused => StatusCode::BAD_GATEWAY,
            ErrorCode::Corrupt
            | ErrorCode::Diverged
            | ErrorCode::OldDisk
            | ErrorCode::DiskFailed
            | ErrorCode::FileDamaged
            | ErrorCode::FileKey
            | ErrorCode::FileVersion
            | ErrorCode::KeyExposed
            | ErrorCode::UpgradeNotReady
            | ErrorCode::UpgradeUnfinished
            | ErrorCode::ProgramTooOld
            | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        })
    }

    /// What happened, for the visitor.
    #[must_use]
    pub fn what(&self) -> Message {
        self.message.clone().unwrap_or_else(|| text::what_happened(self.code))
    }

    /// The same failure, with what it tells the visitor in words of a language.
    pub(crate) fn said_in(mut self, texts: &Texts) -> Self {
        self.message = self.message.map(|message| message.said_in(texts));
        self
    }

    /// What the visitor can do.
    #[must_use]
    pub fn remedy(&self) -> Message {
        text::what_to_do(self.code)
    }

    /// Tells the log, with the request id, once per failed request.
    pub fn log(&self, request: uuid::Uuid) {
        let cause = self.cause.as_deref().unwrap_or("");
        if self.http_status().is_server_error() {
            tracing::warn!(%request, code = %self.code, cause, "request failed");
        } else {
            tracing::debug!(%request, code = %self.code, cause, "request refused");
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.what())
    }
}

impl std::error::Error for Failure {}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.http_status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        let failure = Self::new(error.code()).because(&error);
        match error {
            ProposeError::Forbidden { voters } => {
                failure.saying(text::NOT_THIS_NODE.with("nodes", voters.join(", ")))
            }
            _ => failure,
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(error.code()).because(error)
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let failure = Self::new(ErrorCode::Internal).because(error);
        match error {
            VaultError::NoKey => {
                failure.status(StatusCode::SERVICE_UNAVAILABLE).saying(text::NODE_HOLDS_NO_KEY)
            }
            VaultError::DoesNotOpen => failure,
        }
    }
}

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        Self::internal(error)
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        let code = error.ad_code.map(|code| format!(" (code {code:#x})")).unwrap_or_default();
        let shown = match error.reason {
            // A user, not a page.
            DirectoryReason::NotFound => ErrorCode::DirectoryRefused,
            reason => reason.code(),
        };
        Self::new(shown).because(format!("{error}{code}"))
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let mut failure = Self::new(rejection.code()).because(&rejection);
        if let Rejection::Locked { until } = rejection {
            failure.until = Some(until);
        }
        if rejection == Rejection::NoRealm {
            failure = failure.status(StatusCode::SERVICE_UNAVAILABLE);
        }
        failure
    }
}
