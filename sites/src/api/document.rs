//! The OpenAPI document of this API: the same on every node, and open, since it tells nothing of the realm.

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// `GET /api/v1/openapi.yaml`.
pub(super) async fn show() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/yaml"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, include_str!("openapi.yaml"))
}
