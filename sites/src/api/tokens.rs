//! Makes and revokes tokens. A new token's text is in this one answer and nowhere else.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Body, PathPart, commit};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{ApiTokenId, NodeId};
use passquorum_domain::instance::Role;
use passquorum_domain::time::Span;
use passquorum_domain::token::ApiScope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const DAY: u64 = 24 * 60 * 60;
/// A join token lives a minute to a week.
const JOIN_LIFE: RangeInclusive<u64> = 60..=7 * DAY;
/// An API token lives a minute to ten years, or has no end.
const API_LIFE: RangeInclusive<u64> = 60..=3650 * DAY;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewJoinToken {
    #[serde(default)]
    role: Option<Role>,
    /// The node whose place the new one takes, with its role.
    #[serde(default)]
    replaces: Option<NodeId>,
    life_seconds: u64,
}

#[derive(Serialize)]
struct Created {
    token: String,
}

/// `POST /api/v1/join-tokens`, for a role or in a node's place.
pub(super) async fn create_join_token(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let new: NewJoinToken = body.json()?;
    let life = life(new.life_seconds, &JOIN_LIFE)?;
    let token = match (new.role, new.replaces) {
        (Some(role), None) => ports.admission.create_join_token(caller.actor, role, life).await?,
        (None, Some(node)) => ports.admission.create_replacement_token(caller.actor, node, life).await?,
        _ => return Err(ApiProblem::bad_input("role", "give either role or replaces")),
    };
    Ok(created(token))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApiToken {
    name: String,
    scopes: BTreeSet<ApiScope>,
    #[serde(default)]
    life_seconds: Option<u64>,
}

/// `POST /api/v1/api-tokens`. Nobody gives a scope that they do not hold.
pub(super) async fn create_api_token(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let new: NewApiToken = body.json()?;
    if new.scopes.is_empty() {
        return Err(ApiProblem::bad_input("scopes", "give at least one scope"));
    }
    if !new.scopes.is_subset(&caller.scopes) {
        return Err(ApiProblem::new(
            ErrorCode::Forbidden,
            "a token cannot give a scope that it does not hold",
        ));
    }
    let name = new.name.trim();
    if name.is_empty() || name.chars().nth(100).is_some() || name.chars().any(char::is_control) {
        return Err(ApiProblem::bad_input(
            "name",
            "use 1 to 100 characters, none of them control characters",
        ));
    }
    let life = new.life_seconds.map(|seconds| life(seconds, &API_LIFE)).transpose()?;
    let token = ports.admission.create_api_token(caller.actor, name, new.scopes, life).await?;
    Ok(created(token))
}

/// `DELETE /api/v1/api-tokens/{id}`.
pub(super) async fn revoke_api_token(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(id): PathPart<ApiTokenId>,
) -> Result<StatusCode, ApiProblem> {
    commit(&ports, caller.actor, Action::RevokeApiToken(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn life(seconds: u64, allowed: &RangeInclusive<u64>) -> Result<Span, ApiProblem> {
    if allowed.contains(&seconds) {
        Ok(Span::seconds(seconds))
    } else {
        let message = format!("use {} to {} seconds", allowed.start(), allowed.end());
        Err(ApiProblem::bad_input("life_seconds", message))
    }
}

fn created(token: String) -> Response {
    let mut response = (StatusCode::CREATED, Json(Created { token })).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
