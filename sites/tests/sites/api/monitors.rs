//! Who may ask a node for its status and metrics.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use super::Api;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use passquorum_domain::config::{ConfigChange, GeneralSettings};
use passquorum_domain::token::ApiScope;
use passquorum_sites::{LocalOperator, PeerAddress, SiteSettings, Sites};

fn from(peer: &str) -> Request<Body> {
    let mut request = Request::get("/metrics").body(Body::empty()).unwrap();
    request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
    request
}

fn watched() -> Api {
    let mut api = Api::new();
    let mut settings = SiteSettings::new("n1");
    settings.trusted_proxies = [[192, 0, 2, 1].into()].into();
    let monitoring = Router::new().route("/metrics", get(|| async { "told" }));
    api.router = Sites::new(api.world.ports(), settings).router_with(monitoring);
    api
}

#[tokio::test]
async fn the_nodes_own_host_its_operator_and_the_monitors_that_are_named_may_watch() {
    let api = watched();
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(api.send(from(peer)).await.status.as_u16(), 200, "{peer}");
    }
    let mut local = from("203.0.113.9");
    local.extensions_mut().insert(LocalOperator);
    assert_eq!(api.send(local).await.status.as_u16(), 200);
    api.send(from("203.0.113.9")).await.problem(401, "PQ-UNAUTHENTICATED");

    let general = api.consensus.state().config().unwrap().general.clone();
    let monitors = vec!["203.0.113.0/24".parse().unwrap()];
    api.consensus.configure(ConfigChange::SetGeneral(GeneralSettings { monitors, ..general }));
    assert_eq!(api.send(from("203.0.113.9")).await.status.as_u16(), 200);
    api.send(from("203.0.114.9")).await.problem(401, "PQ-UNAUTHENTICATED");
}

#[tokio::test]
async fn a_token_that_may_read_may_watch_and_another_may_not() {
    let api = watched();
    for (id, scope, status) in [(7, ApiScope::Read, 200), (8, ApiScope::Labels, 403)] {
        let token = api.token(id, "monitor", &[scope], None);
        let mut request = from("203.0.113.9");
        request.headers_mut().insert("authorization", token.parse().unwrap());
        assert_eq!(api.send(request).await.status.as_u16(), status, "{scope:?}");
    }
}

#[tokio::test]
async fn a_client_behind_a_proxy_on_this_host_is_not_this_host() {
    let api = watched();
    let mut forwarded = from("192.0.2.1");
    forwarded.headers_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
    api.send(forwarded).await.problem(401, "PQ-UNAUTHENTICATED");
    let mut claimed = from("203.0.113.9");
    claimed.headers_mut().insert("x-forwarded-for", "127.0.0.1".parse().unwrap());
    api.send(claimed).await.problem(401, "PQ-UNAUTHENTICATED");
}
