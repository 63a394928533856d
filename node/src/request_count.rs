//! Counts answered requests by site and class of status and how long they took, and those that a limit refused.
//! Each but a probe is a span of a trace. Paths are not kept: they may name people.

use crate::metrics::Metrics;
use crate::otlp;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::Method;
use passquorum_domain::limit::{Limit, Refusals};
use passquorum_raft::refuse;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// What is asked every few seconds tells nothing in a trace.
const PROBES: [&str; 3] = ["live", "ready", "metrics"];

/// Puts the counter around a router.
pub(crate) fn wrap(router: Router, metrics: Arc<Metrics>, refusals: Arc<Refusals>) -> Router {
    router.layer(from_fn_with_state((metrics, refusals), count))
}

async fn count(
    State((metrics, refusals)): State<(Arc<Metrics>, Arc<Refusals>)>,
    request: Request,
    next: Next,
) -> Response {
    let site = site_of(request.uri().path());
    let span = span_of(request.method(), site);
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("error", response.status().as_str());
    }
    metrics.count_request(site, response.status(), began.elapsed());
    if let Some(limit) = response.extensions().get::<Limit>() {
        refuse(&refusals, *limit);
    }
    response
}

/// The trace of a request: a method that is no usual one is not told, since a stranger may choose it.
fn span_of(method: &Method, site: &'static str) -> Span {
    let usual = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let method = usual.iter().find(|usual| *usual == method).map_or("_OTHER", Method::as_str);
    if PROBES.contains(&site) {
        return Span::none();
    }
    tracing::info_span!(
        target: otlp::TRACE,
        "request",
        kind = "server",
        site,
        http.request.method = method,
        http.response.status_code = Empty,
        error = Empty,
    )
}

fn site_of(path: &str) -> &'static str {
    let first = path.split('/').nth(1).unwrap_or_default();
    [
        "self-service",
        "logon",
        "logon-old",
        "admin",
        "helpdesk",
        "api",
        "static",
        "live",
        "ready",
        "status",
        "metrics",
    ]
    .into_iter()
    .find(|site| *site == first)
    .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::data_dir::DataDir;
    use crate::env::{SystemClock, SystemEntropy};
    use crate::health::{self, Health, Scraped};
    use crate::keyring::Keyring;
    use crate::metrics::gauges::Surroundings;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use passquorum_ad_sync::mirror::MirrorStatus;
    use passquorum_domain::instance::Role;
    use passquorum_domain::time::Timestamp;
    use std::path::Path;
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
        let tls = crate::site_tls::tests::any();
        let (alone, role) = (Arc::new(Alone::default()), Role::Voter);
        let health = Arc::new(Health::new(
            alone,
            keyring,
            role,
            [mirrored.clone(), mirrored],
            Arc::clone(&refusals),
            tls,
        ));
        let metrics = Arc::new(Metrics::default());
        let around = Surroundings { data: DataDir::at(Path::new("/")), started: Timestamp(1_000) };
        let scraped = Scraped { health, metrics: Arc::clone(&metrics), around };
        let refusing = get(|| async {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Limit::WrongTokens);
            response
        });
        let router = Router::new().route("/refusing", refusing).merge(health::monitoring(scraped));
        let router = wrap(router, metrics, refusals);
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let body = router.clone().oneshot(request).await.unwrap().into_body();
            String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
        };
        for _ in 0..2 {
            ask("/refusing").await;
        }
        let metrics = ask("/metrics").await;
        for line in [
            "pq_refused_total{limit=\"wrong-tokens\"} 2",
            "pq_refused_total{limit=\"proposals\"} 0",
            "pq_http_request_duration_seconds_count{site=\"other\"} 2",
            "pq_certificate_expiry_timestamp_seconds{certificate=\"site\"} ",
            "# HELP pq_raft_term The Raft term.",
        ] {
            assert!(metrics.contains(line), "{line} is not in {metrics}");
        }
    }
}
