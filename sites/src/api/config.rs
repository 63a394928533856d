//! The realm configuration as JSON: read whole, replaced whole, or changed in one part; each write is a compare-and-set
//! on the revision that the editor saw. Secrets in it stay sealed, and a sealed value must be one of this realm's. What
//! a write changes goes into the audit, by place and without values.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Abandon, Body, ReadConsistency, base_revision, commit_noted, unexpected};
use crate::ports::Ports;
use crate::{config_history, former_profiles, sealed_passwords};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderValue};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{ConnectionId, Revision};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::Consistency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `GET /api/v1/config`.
pub(super) async fn show(
    State(ports): State<Shared>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Response, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    let config = state.config().ok_or_else(no_realm)?;
    Ok(tagged(config.revision, Json(Arc::clone(config))))
}

/// `PUT /api/v1/config`: the whole configuration, an import. Its own `revision` is not looked at.
pub(super) async fn replace(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Abandon(abandon): Abandon,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let config: RealmConfig = body.json()?;
    let change = ConfigChange::Replace(Box::new(config));
    change_config(
        &ports,
        caller.actor,
        Edit { base, change, comment: None, entered: BTreeSet::new(), abandon },
    )
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRequest {
    base: Revision,
    change: ConfigChange,
    /// Why, for the history and the audit.
    #[serde(default)]
    comment: Option<Comment>,
}

/// `POST /api/v1/config/changes`: one change on top of a revision.
pub(super) async fn change(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Abandon(abandon): Abandon,
    body: Body,
) -> Result<Response, ApiProblem> {
    let ChangeRequest { base, change, comment } = body.json()?;
    change_config(&ports, caller.actor, Edit { base, change, comment, entered: BTreeSet::new(), abandon })
        .await
}

/// Why somebody changes something, in one line; at most [`Comment::MAX`] characters.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Comment(String);

impl Comment {
    const MAX: usize = 500;
}

impl TryFrom<String> for Comment {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().count() > Self::MAX || text.chars().any(char::is_control) {
            return Err(format!("use one line of at most {} characters as the comment", Self::MAX));
        }
        Ok(Self(text))
    }
}

/// A change with what it is based on, and why it is made.
pub(super) struct Edit {
    pub(super) base: Revision,
    pub(super) change: ConfigChange,
    pub(super) comment: Option<Comment>,
    /// The connections whose passwords were entered with it.
    pub(super) entered: BTreeSet<ConnectionId>,
    /// Whether profiles that are still in a former attribute are given up.
    pub(super) abandon: bool,
}

#[derive(Serialize)]
struct Changed {
    revision: Revision,
}

/// Proposes a change, after a look at the sealed values in it.
pub(super) async fn change_config(ports: &Ports, actor: Actor, edit: Edit) -> Result<Response, ApiProblem> {
    let problems = sealed_passwords::foreign(ports, &edit.change);
    if !problems.is_empty() {
        return Err(ApiProblem::invalid_config(problems));
    }
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let present = state.config().ok_or_else(no_realm)?;
    let doubled = present.doubled_by(state.level(), &edit.change);
    if !doubled.is_empty() {
        return Err(ApiProblem::invalid_config(doubled));
    }
    let misdirected = sealed_passwords::misdirected(&state, &edit.change, &edit.entered);
    if !misdirected.is_empty() {
        return Err(ApiProblem::invalid_config(misdirected));
    }
    leaves_nobody_behind(ports, present, &edit).await?;
    let effect = config_history::effect(present, &edit.change);
    commit_edit(ports, actor, edit, &effect).await
}

pub(super) async fn leaves_nobody_behind(
    ports: &Ports,
    present: &RealmConfig,
    edit: &Edit,
) -> Result<(), ApiProblem> {
    if edit.abandon {
        return Ok(());
    }
    match former_profiles::left_behind(ports, present, &edit.change).await {
        problems if problems.is_empty() => Ok(()),
        problems => Err(ApiProblem::invalid_config(problems)),
    }
}

/// Proposes a change that was looked at, with a note of what it does.
pub(super) async fn commit_edit(
    ports: &Ports,
    actor: Actor,
    edit: Edit,
    effect: &str,
) -> Result<Response, ApiProblem> {
    let Edit { base, change, comment, .. } = edit;
    let note = match comment {
        Some(Comment(text)) if !text.trim().is_empty() => format!("{}; {effect}", text.trim()),
        _ => effect.to_owned(),
    };
    let detail = Some(ports.seal_detail(&note)?);
    match commit_noted(ports, actor, Action::change_config(base, change), detail).await? {
        Effect::Config(revision) => Ok(tagged(revision, Json(Changed { revision }))),
        effect => Err(unexpected(&effect)),
    }
}

pub(super) fn no_realm() -> ApiProblem {
    ApiProblem::new(ErrorCode::NotFound, "there is no realm yet")
}

pub(super) fn tagged(revision: Revision, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        headers.insert(ETAG, tag);
    }
    response
}
