//! What the realm keeps in the directory for legacy clients: shown, and tidied up by hand.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Body, commit_noted};
use crate::legacy::{self, LegacyError, Listing, MirrorReport, Removal};
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::Action;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ports::Consistency;
use serde::Deserialize;

/// `GET /api/v1/directory/points`.
pub(super) async fn points(State(ports): State<Shared>) -> Result<Json<Listing>, ApiProblem> {
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    Ok(Json(legacy::points(&ports, &state).await))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    dn: DistinguishedName,
}

/// `POST /api/v1/directory/points/remove`, with `{"dn": "CN=…"}`.
pub(super) async fn remove_point(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<StatusCode, ApiProblem> {
    let Which { dn } = body.json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let removal = Removal::find(&ports, &state, &dn).await?;
    let detail = ports.seal_detail(&removal.note())?;
    let action = Action::Record { event: AuditEvent::PointRemoved, subject: None };
    commit_noted(&ports, caller.actor, action, Some(detail)).await?;
    removal.carry_out().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/directory/mirror`.
pub(super) async fn mirror(State(ports): State<Shared>) -> Result<Json<MirrorReport>, ApiProblem> {
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    Ok(Json(legacy::mirror(&ports, &state).await))
}

/// `POST /api/v1/directory/mirror/rebuild`.
pub(super) async fn rebuild(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, ApiProblem> {
    let container = legacy::container(&ports).await?;
    let action = Action::Record { event: AuditEvent::MirrorRebuilt, subject: None };
    commit_noted(&ports, caller.actor, action, None).await?;
    container.remove().await.map_err(LegacyError::from)?;
    Ok(StatusCode::NO_CONTENT)
}
