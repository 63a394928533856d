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
    use super::*;
    use crate::alone::Alone;
    use crate::env::{SystemClock, SystemEntropy};
    use crate::health;
    use crate::keyring::Keyring;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use passquorum_ad_sync::mirror::MirrorStatus;
    use passquorum_domain::instance::Role;
    use passquorum_domain::limit::Refusals;
    use tokio::sync::watch;
    use tower::ServiceExt as _;

    #[test]
    fn a_path_is_counted_by_its_first_part_only() {
        assert_eq!(site_of("/self-service/identify"), "self-service");
        assert_eq!(site_of("/PMUser/x"), "other");
        assert_eq!(site_of("*"), "other");
    }

    #[tokio::test]
    async fn what_a_limit_refused_is_in_the_metrics_by_the_limits_name() {
        let (_mirror, mirrored) = watch::channel(MirrorStatus::Waiting);
        let refusals = Refusals::new(Arc::new(SystemClock));
        let keyring = Arc::new(Keyring::empty(Arc::new(SystemEntropy)));
        let consensus = Arc::new(Alone::default());
        let tls = crate::site_tls::tests::any();
        let health = Arc::new(Health::new(consensus, keyring, Role::Voter, mirrored, refusals, tls));
        let refusing = get(|| async {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Limit::WrongTokens);
            response
        });
        let router = Router::new().route("/refusing", refusing).merge(health::router(Arc::clone(&health)));
        let router = wrap(router, health);
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let body = router.clone().oneshot(request).await.unwrap().into_body();
            String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
        };
        for _ in 0..2 {
            ask("/refusing").await;
        }
        let metrics = ask("/metrics").await;
        assert!(metrics.contains("pq_refused_total{limit=\"wrong-tokens\"} 2"), "{metrics}");
        assert!(metrics.contains("pq_refused_total{limit=\"proposals\"} 0"), "{metrics}");
    }
}
