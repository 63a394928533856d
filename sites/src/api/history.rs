//! Past revisions of the configuration: who made which and what it changed, their contents, and the way back to one. A
//! list needs the scope of who may configure, since notes hold people's names.

use super::Shared;
use super::auth::Caller;
use super::config::{Comment, Edit, commit_edit, leaves_nobody_behind, no_realm, tagged};
use super::problem::ApiProblem;
use super::request::{Abandon, Body, PathPart};
use crate::config_history::{self, Entry, Irrecoverable};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use passquorum_domain::config::history::MOST_REVISIONS;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::Revision;
use passquorum_domain::ports::Consistency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Which revisions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    #[serde(default)]
    after: Option<Revision>,
}

/// The kept revisions.
#[derive(Serialize)]
pub(super) struct Page {
    revisions: Vec<Entry>,
    /// The revision in force.
    current: Revision,
}

/// `GET /api/v1/config/revisions?after=N`: the latest first.
pub(super) async fn list(
    State(ports): State<Shared>,
    window: Result<Query<Window>, QueryRejection>,
) -> Result<Json<Page>, ApiProblem> {
    let Query(Window { after }) =
        window.map_err(|_| ApiProblem::bad_input("query", "use after=REVISION or nothing"))?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let current = state.config().ok_or_else(no_realm)?.revision;
    let revisions = config_history::entries(&ports, &state, after, MOST_REVISIONS);
    Ok(Json(Page { revisions, current }))
}

/// `GET /api/v1/config/revisions/{id}`: the configuration as it was.
pub(super) async fn show(
    State(ports): State<Shared>,
    PathPart(revision): PathPart<u64>,
) -> Result<Response, ApiProblem> {
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let revision = Revision(revision);
    match state.config() {
        Some(config) if config.revision == revision => Ok(tagged(revision, Json(Arc::clone(config)))),
        _ => Ok(tagged(revision, Json(Arc::clone(&config_history::kept(&state, revision)?.config)))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollbackRequest {
    base: Revision,
    revision: Revision,
    #[serde(default)]
    comment: Option<Comment>,
}

/// `POST /api/v1/config/rollback`: makes a new revision with the contents of an old one.
pub(super) async fn roll_back(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Abandon(abandon): Abandon,
    body: Body,
) -> Result<Response, ApiProblem> {
    let RollbackRequest { base, revision, comment } = body.json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let present = state.config().ok_or_else(no_realm)?;
    let change = config_history::way_back(&ports, &state, revision)?;
    let effect = format!("rolled back to revision {revision}; {}", config_history::effect(present, &change));
    let edit = Edit { base, change, comment, entered: BTreeSet::new(), abandon };
    leaves_nobody_behind(&ports, present, &edit).await?;
    commit_edit(&ports, caller.actor, edit, &effect).await
}

impl From<Irrecoverable> for ApiProblem {
    fn from(error: Irrecoverable) -> Self {
        let detail = error.to_string();
        match error {
            Irrecoverable::NotKept { .. } => Self::new(ErrorCode::NotFound, detail),
            Irrecoverable::Unreadable { problems, .. } => Self { detail, ..Self::invalid_config(problems) },
        }
    }
}
