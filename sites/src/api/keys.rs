//! The realm's data key and the certificate of the node that is asked.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{PathPart, ReadConsistency};
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::realm_keys::{RealmKeys, Uses};
use passquorum_domain::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The generations of the data key, and what each still seals in the realm's state.
#[derive(Serialize)]
pub(super) struct Keys {
    #[serde(flatten)]
    keys: RealmKeys,
    uses: BTreeMap<u32, Uses>,
}

/// `GET /api/v1/keys`.
pub(super) async fn show(
    State(ports): State<Shared>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Json<Keys>, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    let keys = state.keys().cloned().ok_or(Rejection::NoRealm)?;
    Ok(Json(Keys { keys, uses: state.uses_of_keys() }))
}

#[derive(Serialize)]
pub(super) struct Begun {
    generation: u32,
}

/// `POST /api/v1/keys/rotate`.
pub(super) async fn rotate(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<(StatusCode, Json<Begun>), ApiProblem> {
    tracing::info!(actor = ?caller.actor, "rotate the data key");
    let generation = ports.key_care.rotate(caller.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { generation })))
}

/// `DELETE /api/v1/keys/{generation}`.
pub(super) async fn retire(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(generation): PathPart<u32>,
) -> Result<StatusCode, ApiProblem> {
    tracing::info!(actor = ?caller.actor, generation, "retire a data key");
    ports.key_care.retire(generation, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
pub(super) struct Renewed {
    ends_at: Timestamp,
}

/// `POST /api/v1/certificate/renew`: of the node that is asked.
pub(super) async fn renew_certificate(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Renewed>, ApiProblem> {
    tracing::info!(actor = ?caller.actor, "renew the node's certificate");
    let ends_at = ports.key_care.renew_certificate(caller.actor).await?;
    Ok(Json(Renewed { ends_at }))
}
