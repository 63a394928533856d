//! The cluster as this node sees it: what `passquorum status --json` prints.

use super::Shared;
use axum::Json;
use axum::extract::State;
use passquorum_domain::ports::ClusterStatus;

/// `GET /api/v1/status`.
pub(super) async fn show(State(ports): State<Shared>) -> Json<ClusterStatus> {
    Json(ports.consensus.status())
}
