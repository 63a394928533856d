//! What requests have in common: entity tags, idempotency keys, JSON bodies, and the command they become.

use super::auth::Caller;
use super::problem::ApiProblem;
use crate::ports::Ports;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Sealed;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{RequestId, Revision};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consistency, Purpose, Removal, fresh_uuid};
use serde::de::DeserializeOwned;
use std::str::FromStr;

const ABANDON: HeaderName = HeaderName::from_static("passquorum-abandon-former-profiles");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The raw body, within the limit of its route.
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiProblem::new(ErrorCode::TooLarge, "the body is larger than this path takes")
            } else {
                ApiProblem::new(ErrorCode::BadInput, "the body broke off")
            }
        })
    }
}

impl Body {
    /// The body as JSON. The problem says where it is wrong, and names what is unknown.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiProblem> {
        self.is_an_object()?;
        serde_json::from_slice(&self.0).map_err(|error| ApiProblem::bad_input("body", error.to_string()))
    }

    /// The same for a body that holds a secret: the problem says only where it is wrong.
    pub(super) fn secret_json<T: DeserializeOwned>(&self) -> Result<T, ApiProblem> {
        self.is_an_object()?;
        serde_json::from_slice(&self.0).map_err(|error| {
            let message = format!(
                "not the JSON that is wanted here: a field is missing, unknown or of another type, or the syntax is \
                 wrong, at line {} column {}",
                error.line(),
                error.column()
            );
            ApiProblem::bad_input("body", message)
        })
    }

    /// Serde reads a struct from a list too, by the order of its fields, and nothing of a list may be taken for an order.
    fn is_an_object(&self) -> Result<(), ApiProblem> {
        match self.0.trim_ascii_start() {
            [b'{', ..] => Ok(()),
            _ => Err(ApiProblem::bad_input("body", "send one JSON object, which begins with {")),
        }
    }
}

/// `passquorum-abandon-former-profiles: yes`: profiles that are still in a former attribute are given up.
pub(super) struct Abandon(pub(super) bool);

impl<S: Send + Sync> FromRequestParts<S> for Abandon {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        match parts.headers.get(&ABANDON).map(HeaderValue::as_bytes) {
            None => Ok(Self(false)),
            Some(b"yes") => Ok(Self(true)),
            Some(_) => Err(ApiProblem::bad_input(ABANDON.as_str(), "say yes, or leave it out")),
        }
    }
}

/// The one varying part of a path, parsed.
pub(super) struct PathPart<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathPart<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let refused = || ApiProblem::bad_input("path", "the path holds an id or number that cannot be read");
        let Path(text): Path<String> =
            Path::from_request_parts(parts, state).await.map_err(|_: PathRejection| refused())?;
        text.parse().map(Self).map_err(|_| refused())
    }
}

/// `?consistency=local` or `?consistency=linearizable`, which is the default.
pub(super) struct ReadConsistency(pub(super) Consistency);

impl<S: Send + Sync> FromRequestParts<S> for ReadConsistency {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        match parts.uri.query() {
            None | Some("" | "consistency=linearizable") => Ok(Self(Consistency::Linearizable)),
            Some("consistency=local") => Ok(Self(Consistency::Local)),
            Some(_) => {
                Err(ApiProblem::bad_input("query", "use consistency=local, consistency=linearizable or none"))
            }
        }
    }
}

/// `?force=true`, or nothing.
pub(super) struct Force(pub(super) Removal);

impl<S: Send + Sync> FromRequestParts<S> for Force {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        match parts.uri.query() {
            None | Some("" | "force=false") => Ok(Self(Removal::Careful)),
            Some("force=true") => Ok(Self(Removal::Forced)),
            Some(_) => Err(ApiProblem::bad_input("query", "use force=true, force=false or none")),
        }
    }
}

/// The revision in `If-Match: "7"`, when the header is there.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiProblem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let digits = value.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    match digits.map(str::parse) {
        Some(Ok(revision)) => Ok(Some(revision)),
        _ => Err(ApiProblem::bad_input("If-Match", "use one revision in double quotes, as an ETag gives it")),
    }
}

/// Whether `If-None-Match: *` is there.
pub(super) fn if_absent(headers: &HeaderMap) -> Result<bool, ApiProblem> {
    match headers.get(IF_NONE_MATCH).map(|value| value.as_bytes()) {
        None => Ok(false),
        Some(b"*") => Ok(true),
        Some(_) => Err(ApiProblem::bad_input("If-None-Match", "use * or leave the header out")),
    }
}

/// The revision that an edit is based on; required.
pub(super) fn base_revision(headers: &HeaderMap) -> Result<Revision, ApiProblem> {
    if_match(headers)?.map(Revision).ok_or_else(|| {
        ApiProblem::bad_input("If-Match", "say which revision the edit is based on, as the ETag gave it")
            .with_status(StatusCode::PRECONDITION_REQUIRED)
    })
}

/// The request id that an `Idempotency-Key` gives, bound to who sends it, how and for what; or a fresh one.
pub(super) fn request_id(
    ports: &Ports,
    caller: &Caller,
    method: &str,
    target: &str,
    headers: &HeaderMap,
) -> Result<RequestId, ApiProblem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(fresh_request(ports)) };
    let key = key.as_bytes();
    if !(1..=200).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        return Err(ApiProblem::bad_input("Idempotency-Key", "use 1 to 200 visible ASCII characters"));
    }
    let holder = match &caller.actor {
        Actor::ApiToken(id) => id.0,
        _ => uuid::Uuid::nil(),
    };
    // Method and target hold no NUL, so that no two requests give the same bytes.
    let named =
        [holder.as_bytes().as_slice(), method.as_bytes(), b"\0", target.as_bytes(), b"\0", key].concat();
    let hash = ports.vault.keyed_hash(Purpose::Idempotency, &named)?.0;
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, from)| *byte = from);
    Ok(RequestId::Client(uuid::Builder::from_random_bytes(bytes).into_uuid()))
}

fn fresh_request(ports: &Ports) -> RequestId {
    RequestId::internal(ports.now(), fresh_uuid(ports.entropy.as_ref()))
}

/// Commits an action; a refusal becomes a problem.
pub(super) async fn commit(ports: &Ports, actor: Actor, action: Action) -> Result<Effect, ApiProblem> {
    commit_as(ports, fresh_request(ports), actor, action).await
}

/// Commits an action with a sealed note for the audit.
pub(super) async fn commit_noted(
    ports: &Ports,
    actor: Actor,
    action: Action,
    detail: Option<Sealed>,
) -> Result<Effect, ApiProblem> {
    propose(ports, fresh_request(ports), actor, action, detail).await
}

/// Commits an action under a request id of its own.
pub(super) async fn commit_as(
    ports: &Ports,
    request: RequestId,
    actor: Actor,
    action: Action,
) -> Result<Effect, ApiProblem> {
    propose(ports, request, actor, action, None).await
}

async fn propose(
    ports: &Ports,
    request: RequestId,
    actor: Actor,
    action: Action,
    detail: Option<Sealed>,
) -> Result<Effect, ApiProblem> {
    let command = Command { request, at: ports.clock.now(), actor, detail, action };
    Ok(ports.consensus.propose(command).await??)
}

/// An outcome that does not belong to the command: a defect, or a node of another version.
pub(super) fn unexpected(effect: &Effect) -> ApiProblem {
    tracing::error!(?effect, "a command was answered with the effect of another one");
    ApiProblem::new(ErrorCode::Internal, "the cluster gave an answer that does not belong to the request")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_condition_is_one_quoted_revision_or_a_star() {
        assert_eq!(if_match(&HeaderMap::new()), Ok(None));
        assert_eq!(if_match(&with(IF_MATCH, "\"12\"")), Ok(Some(12)));
        for broken in ["12", "*", "\"x\"", "W/\"12\"", "\"1\", \"2\"", "\"\""] {
            assert!(if_match(&with(IF_MATCH, broken)).is_err(), "{broken}");
        }
        assert_eq!(if_absent(&with(IF_NONE_MATCH, "*")), Ok(true));
        assert!(if_absent(&with(IF_NONE_MATCH, "\"1\"")).is_err());
    }

    #[test]
    fn an_edit_without_a_base_is_told_to_name_one() {
        let problem = base_revision(&HeaderMap::new()).unwrap_err();
        assert_eq!(problem.status, StatusCode::PRECONDITION_REQUIRED);
    }

    #[test]
    fn a_list_is_not_taken_for_the_object_whose_fields_it_could_be() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Form {
            #[serde(default)]
            to: Option<u64>,
        }
        for list in ["[]", "[1]", "", "null", "\"to\""] {
            let body = Body(Bytes::from_static(list.as_bytes()));
            assert!(body.json::<Form>().is_err(), "{list}");
            assert!(body.secret_json::<Form>().is_err(), "{list}");
        }
        assert_eq!(Body(Bytes::from_static(b" \r\n{}")).json(), Ok(Form { to: None }));
    }

    #[test]
    fn a_body_that_holds_a_secret_is_never_quoted() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            #[expect(dead_code, reason = "only its parsing is tested")]
            bind_password: bool,
        }
        let body = Body(Bytes::from_static(b"{\"bind_password\": \"planted\"}"));
        assert!(!body.secret_json::<Form>().unwrap_err().detail.contains("planted"));
        let unknown = Body(Bytes::from_static(b"{\"planted\": 1}"));
        assert!(!unknown.secret_json::<Form>().unwrap_err().detail.contains("planted"));
        assert!(
            unknown.json::<Form>().unwrap_err().detail.contains("planted"),
            "elsewhere the field is named"
        );
    }
}
