//! Refusals as `application/problem+json` (RFC 9457), and the one table from a stable code to an HTTP status.

use crate::legacy::LegacyError;
use crate::page_error::Failure;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use passquorum_domain::config::Problem as FieldProblem;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::{
    AdmissionError, BackupError, DirectoryError, KeyCareError, MembershipError, ProposeError, ReadError,
    VaultError,
};
use serde::Serialize;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiProblem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: ErrorCode,
    /// What was wrong this time. Never a secret, never text that the client sent as one.
    pub detail: String,
    /// What is wrong with single fields.
    pub fields: Vec<FieldProblem>,
    /// The present revision of what a condition was about.
    pub current: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    remedy: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    problems: &'a [FieldProblem],
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<u64>,
}

impl ApiProblem {
    /// A refusal with the status that belongs to its code.
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { status: status_of(code), code, detail: detail.into(), fields: Vec::new(), current: None }
    }

    /// One part of the request that cannot be understood.
    pub(super) fn bad_input(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("{field}: {message}");
        let fields = vec![FieldProblem { field: field.to_owned(), message }];
        Self { fields, ..Self::new(ErrorCode::BadInput, detail) }
    }

    /// Fields that would make the configuration invalid.
    pub(super) fn invalid_config(fields: Vec<FieldProblem>) -> Self {
        let detail = format!("{} fields are not valid", fields.len());
        Self { fields, ..Self::new(ErrorCode::InvalidConfig, detail) }
    }

    /// Another status than the usual one of the code.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadInput | ErrorCode::WrongCredentials | ErrorCode::NoProfile => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthenticated | ErrorCode::SessionExpired => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::NotThisNode | ErrorCode::Csrf | ErrorCode::TokenInvalid => {
            StatusCode::FORBIDDEN
        }
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::TicketUsed
        | ErrorCode::LastVoter
        | ErrorCode::Membership
        | ErrorCode::ForeignValue
        | ErrorCode::ProfileRewritten
        | ErrorCode::KeysChanged
        | ErrorCode::KeyInUse
        | ErrorCode::UpgradeNotReady
        | ErrorCode::UpgradeUnfinished
        | ErrorCode::ProgramTooOld => StatusCode::CONFLICT,
        ErrorCode::StaleRevision | ErrorCode::ConditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::InvalidConfig
        | ErrorCode::PasswordPolicy
        | ErrorCode::FileDamaged
        | ErrorCode::FileKey
        | ErrorCode::FileVersion => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Locked | ErrorCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Internal
        | ErrorCode::Corrupt
        | ErrorCode::Diverged
        | ErrorCode::OldDisk
        | ErrorCode::DiskFailed
        | ErrorCode::KeyExposed => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::DirectoryUnreachable | ErrorCode::DirectoryRefused => StatusCode::BAD_GATEWAY,
        ErrorCode::NoQuorum
        | ErrorCode::NoVoter
        | ErrorCode::NoNode
        | ErrorCode::Busy
        | ErrorCode::OutboxFull
        | ErrorCode::ClockSkew => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::UnknownOutcome => StatusCode::GATEWAY_TIMEOUT,
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: format!("urn:passquorum:problem:{}", self.code),
            title: self.code.meaning(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            remedy: self.code.remedy(),
            problems: &self.fields,
            current: self.current,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"passquorum\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self.code);
        response
    }
}

impl From<Failure> for ApiProblem {
    fn from(failure: Failure) -> Self {
        let detail = failure.cause.clone().unwrap_or_else(|| failure.what().to_string());
        Self::new(failure.code, detail)
    }
}

impl From<ProposeError> for ApiProblem {
    fn from(error: ProposeError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ReadError> for ApiProblem {
    fn from(error: ReadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<VaultError> for ApiProblem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::NoKey => Self::new(ErrorCode::Forbidden, format!("{error}; ask a node that does")),
            VaultError::DoesNotOpen => Self::new(ErrorCode::Internal, error.to_string()),
        }
    }
}

impl From<MembershipError> for ApiProblem {
    fn from(error: MembershipError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<KeyCareError> for ApiProblem {
    fn from(error: KeyCareError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<AdmissionError> for ApiProblem {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::BadRequest { field, message } => Self::bad_input(field, message),
            AdmissionError::Vault(error) => error.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<DirectoryError> for ApiProblem {
    fn from(error: DirectoryError) -> Self {
        Self::new(error.reason.code(), format!("{error}; nothing was changed"))
    }
}

impl From<LegacyError> for ApiProblem {
    fn from(error: LegacyError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<BackupError> for ApiProblem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::BadRecipient(message) => Self::bad_input("recipient", message),
            BackupError::Vault(error) => error.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<Rejection> for ApiProblem {
    fn from(rejection: Rejection) -> Self {
        let problem = Self::new(rejection.code(), rejection.to_string());
        match rejection {
            Rejection::InvalidConfig(fields) => Self { fields, ..problem },
            Rejection::StaleRevision { current } => Self { current: Some(current.0), ..problem },
            Rejection::ConditionFailed { current } => Self { current, ..problem },
            _ => problem,
        }
    }
}

/// Answers what no route answers.
pub(super) async fn no_such_route() -> ApiProblem {
    ApiProblem::new(ErrorCode::NotFound, "the API has no such path")
}

/// Answers a method that its path does not take.
pub(super) async fn no_such_method() -> ApiProblem {
    ApiProblem::new(ErrorCode::BadInput, "the path does not take this method")
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_that_says_it_failed() {
        for code in ErrorCode::ALL {
            let status = status_of(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code}: {status}");
        }
    }

    #[test]
    fn what_was_not_done_and_what_is_unknown_have_different_statuses() {
        assert_eq!(ApiProblem::from(ProposeError::NoQuorum).status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ApiProblem::from(ProposeError::Unknown).status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(ApiProblem::from(Rejection::TooOld).status, StatusCode::GATEWAY_TIMEOUT);
    }
}
