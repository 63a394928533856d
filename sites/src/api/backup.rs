//! A backup of the whole realm as one stream, and the configuration for another realm. What is in them is sealed to the recipient that the caller names, before it
//! comes here.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::Body;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use futures::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBackup {
    /// Who can open it.
    recipient: String,
}

/// `POST /api/v1/backups`. A backup that breaks off ends the connection before the body's end.
pub(super) async fn make(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let NewBackup { recipient } = body.json()?;
    let file = ports.backups.begin(caller.actor, &recipient).await?;
    let pieces = stream::unfold(file, |mut file| async move { file.next().await.map(|piece| (piece, file)) });
    Ok(sealed(axum::body::Body::from_stream(pieces)))
}

/// `POST /api/v1/config/portable`.
pub(super) async fn configuration(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let NewBackup { recipient } = body.json()?;
    let file = ports.backups.configuration(caller.actor, &recipient).await?;
    Ok(sealed(axum::body::Body::from(file)))
}

fn sealed(body: axum::body::Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
