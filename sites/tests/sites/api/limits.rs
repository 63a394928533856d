//! What is refused when too much is asked: of the realm as a whole, and by one network source.

use super::{Answer, Api, PROXY};
use crate::fakes::Quorum;
use axum::body::{Body, Bytes};
use http::Request;
use passquorum_domain::time::Span;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

/// Nothing here takes longer on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Through the proxy that names its clients.
fn from(client: &str, request: http::request::Builder, body: impl Into<Body>) -> Request<Body> {
    let mut request = request.header("x-forwarded-for", client).body(body.into()).unwrap();
    request.extensions_mut().insert(PROXY);
    request
}

fn with_token(secret: &str) -> http::request::Builder {
    let token = format!("Bearer pqa1.{}.{secret}", Uuid::from_u128(1));
    Request::get("/api/v1/status").header("authorization", token)
}

async fn join(api: &Api, client: &str, token: &str) -> Answer {
    let node = json!({
        "name": "two", "cluster_address": "two:1", "site_url": "https://two", "wrap_key": vec![0; 32],
    });
    let body = json!({ "token": token, "node": node, "csr": "csr" }).to_string();
    api.send(from(client, Request::post("/api/v1/join"), body)).await
}

#[tokio::test]
async fn a_flooded_realm_says_that_it_is_busy_and_when_to_come_back() {
    let api = Api::new();
    api.fail(Quorum::Flooded);
    for (method, body) in [("PUT", "x"), ("GET", "")] {
        let answer = api.call(method, "/api/v1/labels/k", &[], body).await;
        answer.problem(503, "PQ-BUSY");
        assert_eq!(answer.retry_after.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn who_sends_wrong_tokens_over_and_over_is_heard_only_with_a_right_one() {
    let api = Api::new();
    for _ in 0..30 {
        let wrong = api.send(from("203.0.113.9", with_token("wrong"), "")).await;
        wrong.problem(401, "PQ-UNAUTHENTICATED");
    }
    let refused = api.send(from("203.0.113.9", with_token("wrong"), "")).await;
    refused.problem(429, "PQ-TOO-MANY-REQUESTS");
    assert_eq!(refused.retry_after.as_deref(), Some("60"));
    assert_eq!(api.send(from("203.0.113.9", with_token("all"), "")).await.status.as_u16(), 200);
    let another = api.send(from("203.0.113.10", with_token("wrong"), "")).await;
    another.problem(401, "PQ-UNAUTHENTICATED");
    api.world.clock.forward(Span::minutes(1));
    let later = api.send(from("203.0.113.9", with_token("wrong"), "")).await;
    later.problem(401, "PQ-UNAUTHENTICATED");
}

#[tokio::test]
async fn join_tokens_are_guessed_no_faster_than_api_tokens() {
    let api = Api::new();
    for _ in 0..30 {
        join(&api, "203.0.113.9", "bad").await.problem(403, "PQ-TOKEN-INVALID");
    }
    join(&api, "203.0.113.9", "bad").await.problem(429, "PQ-TOO-MANY-REQUESTS");
    assert_eq!(join(&api, "203.0.113.10", "good").await.status.as_u16(), 200);
    api.world.clock.forward(Span::minutes(1));
    assert_eq!(join(&api, "203.0.113.9", "good").await.status.as_u16(), 200);
}

/// A body that never ends.
fn endless() -> Body {
    Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>())
}

#[tokio::test]
async fn a_source_that_holds_all_its_places_is_refused_and_the_others_behind_its_proxy_are_not() {
    for path in ["/api/v1/labels/k", "/self-service/start/register"] {
        let mut api = Api::new();
        if path.starts_with("/self-service") {
            api.router = api.world.node_for("n1", 1);
        }
        let slow = |client| {
            let token = format!("Bearer pqa1.{}.all", Uuid::from_u128(1));
            let method = if path.starts_with("/api") { "PUT" } else { "POST" };
            let request = Request::builder().method(method).uri(path).header("authorization", token);
            from(client, request, endless())
        };
        let mut held = Box::pin(api.router.clone().oneshot(slow("203.0.113.9")));
        // Without time, so that it comes as far as it can.
        assert!(tokio::time::timeout(Duration::ZERO, &mut held).await.is_err());
        let refused = tokio::time::timeout(LIMIT, api.send(slow("203.0.113.9"))).await.unwrap();
        assert_eq!(refused.status.as_u16(), 429, "{path}");
        assert!(String::from_utf8_lossy(&refused.body).contains("PQ-TOO-MANY-REQUESTS"));
        let mut other = Box::pin(api.router.clone().oneshot(slow("203.0.113.10")));
        assert!(tokio::time::timeout(Duration::ZERO, &mut other).await.is_err(), "{path}");
        drop(held);
        let mut again = Box::pin(api.router.clone().oneshot(slow("203.0.113.9")));
        assert!(tokio::time::timeout(Duration::ZERO, &mut again).await.is_err(), "{path}");
    }
}
