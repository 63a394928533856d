//! The end of an upgrade: what each node supports, and the rise of the realm's feature level.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use axum::extract::State;
use axum::{Extension, Json};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ports::UpgradeStatus;
use serde::Serialize;

/// `GET /api/v1/upgrade`: asks every node.
pub(super) async fn show(State(ports): State<Shared>) -> Result<Json<UpgradeStatus>, ApiProblem> {
    Ok(Json(ports.upgrades.upgrade_status().await?))
}

#[derive(Serialize)]
pub(super) struct Finalised {
    level: FeatureLevel,
}

/// `POST /api/v1/upgrade/finalise`.
pub(super) async fn finalise(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Finalised>, ApiProblem> {
    tracing::info!(actor = ?caller.actor, "finish the upgrade");
    let level = ports.upgrades.finalise_upgrade(caller.actor).await?;
    Ok(Json(Finalised { level }))
}
