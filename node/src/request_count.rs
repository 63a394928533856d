//! Counts answered requests by site and class of status, and those that a limit refused. Paths are not kept: they may name people.

use crate::health::Health;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use passquorum_domain::limit::Limit;
use std::sync::Arc;

/// Puts the counter around a router.
pub(crate) fn wrap(router: Router, health: Arc<Health>) -> Router {
    router.layer(from_fn_with_state(health, count))
}

async fn count(State(health): State<Arc<Health>>, request: Request, next: Next) -> Response {
    let site = site_of(request.uri().path());
    let response = next.run(request).await;
    health.count_request(site, response.status());
    if let Some(limit) = response.extensions().get::<Limit>() {
        health.count_refusal(*limit);
    }
    response
}

fn site_of(path: &str) -> &'static str {
    let first = path.split('/').nth(1).unwrap_or_default();
    ["self-service", "admin", "helpdesk", "api", "static", "live", "ready", "status", "metrics"]
        .into_iter()
        .find(|site| *site == first)
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_counted_by_its_first_part_only() {
        assert_eq!(super::site_of("/self-service/identify"), "self-service");
        assert_eq!(super::site_of("/PMUser/x"), "other");
        assert_eq!(super::site_of("*"), "other");
    }
}
