//! Realm labels: raw bytes under a name, with conditions and repeatable requests. The API's busiest path, so it makes
//! no JSON value and copies a body once.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{
    Body, PathPart, ReadConsistency, commit_as, if_absent, if_match, request_id, unexpected,
};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};
use passquorum_domain::blob::Blob;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::outcome::Effect;

/// `GET`: the value as it was put.
pub(super) async fn get(
    State(ports): State<Shared>,
    PathPart(key): PathPart<LabelKey>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Response, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    let label = state
        .label(&key)
        .ok_or_else(|| ApiProblem::new(ErrorCode::NotFound, "there is no label with this key"))?;
    let mut response = Bytes::copy_from_slice(label.value.as_bytes()).into_response();
    describe(response.headers_mut(), label.revision, "application/octet-stream");
    Ok(response)
}

/// `PUT`: writes the value, when the condition holds.
pub(super) async fn put(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(key): PathPart<LabelKey>,
    headers: HeaderMap,
    Body(value): Body,
) -> Result<Response, ApiProblem> {
    let condition = match (if_match(&headers)?, if_absent(&headers)?) {
        (None, false) => LabelCondition::Always,
        (Some(revision), false) => LabelCondition::Revision(revision),
        (None, true) => LabelCondition::Absent,
        (Some(_), true) => {
            return Err(ApiProblem::bad_input("If-None-Match", "a label cannot be both there and absent"));
        }
    };
    let request = request_id(&ports, &caller, "PUT", key.as_str(), &headers)?;
    let action = Action::PutLabel { key, value: Blob::from(value.as_ref()), condition };
    written(commit_as(&ports, request, caller.actor, action).await?)
}

/// `DELETE`: removes the label, when the condition holds.
pub(super) async fn remove(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(key): PathPart<LabelKey>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    if if_absent(&headers)? {
        return Err(ApiProblem::bad_input("If-None-Match", "what is absent cannot be removed"));
    }
    let condition = if_match(&headers)?.map_or(LabelCondition::Always, LabelCondition::Revision);
    let request = request_id(&ports, &caller, "DELETE", key.as_str(), &headers)?;
    written(commit_as(&ports, request, caller.actor, Action::RemoveLabel { key, condition }).await?)
}

fn written(effect: Effect) -> Result<Response, ApiProblem> {
    let Effect::Label(revision) = effect else { return Err(unexpected(&effect)) };
    let mut response = format!("{{\"revision\":{revision}}}").into_response();
    describe(response.headers_mut(), revision, "application/json");
    Ok(response)
}

fn describe(headers: &mut HeaderMap, revision: u64, content_type: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        headers.insert(ETAG, tag);
    }
}
