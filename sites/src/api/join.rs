//! Lets a node in. The join token in the body is the credential, so the route is open.

use super::Shared;
use super::problem::ApiProblem;
use super::request::Body;
use axum::Json;
use axum::extract::State;
use passquorum_domain::ports::{JoinGrant, JoinRequest};

/// `POST /api/v1/join`.
pub(super) async fn join(State(ports): State<Shared>, body: Body) -> Result<Json<JoinGrant>, ApiProblem> {
    let request: JoinRequest = body.secret_json()?;
    Ok(Json(ports.admission.admit(request).await?))
}
