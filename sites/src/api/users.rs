//! `POST /api/v1/users/explain`: which policy serves a user, and why that one.

use super::Shared;
use super::problem::ApiProblem;
use super::request::Body;
use crate::explained::{Explained, explain};
use axum::Json;
use axum::extract::State;
use passquorum_domain::directory::LoginName;
use serde::Deserialize;

/// Whom. The name stands in the body, so that it gets into no log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
}

pub(super) async fn why(State(ports): State<Shared>, body: Body) -> Result<Json<Explained>, ApiProblem> {
    let Asked { name } = body.json()?;
    let name =
        LoginName::parse(name.trim()).map_err(|error| ApiProblem::bad_input("name", error.to_string()))?;
    Ok(Json(explain(&ports, &name).await?))
}
