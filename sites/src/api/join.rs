//! Lets a node in. The join token in the body is the credential, so the route is open.

use super::Shared;
use super::problem::ApiProblem;
use super::request::Body;
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ports::{JoinGrant, JoinRequest, SUPPORTED_LEVEL};

/// `POST /api/v1/join`.
pub(super) async fn join(
    State(ports): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<JoinGrant>, ApiProblem> {
    let request: JoinRequest = body.secret_json()?;
    Ok(Json(ports.admission.admit(request, supported(&headers)?).await?))
}

/// A program that knows of no levels says nothing of them.
fn supported(headers: &HeaderMap) -> Result<FeatureLevel, ApiProblem> {
    let Some(value) = headers.get(SUPPORTED_LEVEL) else { return Ok(FeatureLevel::FIRST) };
    let level = value.to_str().ok().and_then(|text| text.parse().ok());
    level.ok_or_else(|| ApiProblem::bad_input(SUPPORTED_LEVEL, "use one number"))
}
