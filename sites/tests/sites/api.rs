//! The operators' API: who gets in, what each answer says, and what a configuration and a token promise.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

mod backups;
mod directory;
mod document;
mod labels;
mod limits;
mod monitors;
mod profiles;
mod revisions;
mod upgrade;

use crate::fakes::{FakeConsensus, Quorum, World};
use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use passquorum_domain::command::Action;
use passquorum_domain::ids::{ApiTokenId, KeyedHash};
use passquorum_domain::ports::{Clock, Purpose, Vault};
use passquorum_domain::time::Span;
use passquorum_domain::token::{ApiScope, ApiToken};
use passquorum_sites::api::{self, Access, ROUTES};
use passquorum_sites::{Crowd, LocalOperator, PeerAddress, SiteSettings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tower::ServiceExt;
use uuid::Uuid;

/// A proxy that is trusted to name its clients.
const PROXY: PeerAddress = PeerAddress(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

struct Api {
    router: Router,
    consensus: Arc<FakeConsensus>,
    world: World,
}

struct Answer {
    status: StatusCode,
    etag: Option<String>,
    content_type: String,
    retry_after: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is a problem with a code and what to do about it.
    fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.content_type, "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:passquorum:problem:{code}"));
        for text in ["title", "detail", "remedy"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text} is empty");
        }
        problem
    }
}

impl Api {
    fn new() -> Self {
        let world = World::new();
        let mut settings = SiteSettings::new("n1");
        settings.trusted_proxies = BTreeSet::from([PROXY.0]);
        settings.requests_per_source = 1;
        let crowd = Crowd::new(Arc::new(settings));
        let router = api::router(world.ports(), crowd);
        let api = Self { router, consensus: world.consensus.clone(), world };
        api.token(1, "all", &ApiScope::ALL, None);
        api
    }

    fn token(&self, id: u128, secret: &str, scopes: &[ApiScope], life: Option<Span>) -> String {
        let id = ApiTokenId(Uuid::from_u128(id));
        let secret_hash: KeyedHash = self.world.vault.keyed_hash(Purpose::Token, secret.as_bytes()).unwrap();
        let token = ApiToken {
            id,
            secret: secret_hash,
            name: "test".into(),
            scopes: scopes.iter().copied().collect(),
            expires_at: life.map(|life| self.world.clock.now().plus(life)),
        };
        self.consensus.apply(Action::CreateApiToken(token)).unwrap();
        format!("Bearer pqa1.{id}.{secret}")
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (etag, content_type) = (header("etag"), header("content-type").unwrap_or_default());
        let retry_after = header("retry-after");
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer { status, etag, content_type, retry_after, body }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer pqa1.{}.all", Uuid::from_u128(1)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    fn fail(&self, quorum: Quorum) {
        self.consensus.set_quorum(quorum);
    }
}

fn concrete(path: &str) -> String {
    path.replace("{key}", "k").replace("{id}", "2")
}

/// What asks for no token: it carries a credential of its own, or tells nothing of the realm.
const OPEN: [&str; 2] = ["/api/v1/join", "/api/v1/openapi.yaml"];

#[tokio::test]
async fn no_route_answers_without_credentials_but_those_that_need_none() {
    for route in ROUTES {
        // One address may be wrong so often only, and there are more routes than that.
        let api = Api::new();
        let request =
            Request::builder().method(&route.method).uri(concrete(route.path)).body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        match route.access {
            Access::Open => assert!(OPEN.contains(&route.path), "{}", route.path),
            Access::Scope(_) | Access::Monitor => drop(answer.problem(401, "PQ-UNAUTHENTICATED")),
        }
    }
}

#[tokio::test]
async fn each_route_takes_its_own_scope_and_no_other() {
    let api = Api::new();
    for (number, scope) in (10..).zip(ApiScope::ALL) {
        let token = api.token(number, "s", &[scope], None);
        for route in ROUTES {
            let Access::Scope(needed) = route.access else { continue };
            let request = Request::builder()
                .method(&route.method)
                .uri(concrete(route.path))
                .header("authorization", &token)
                .body(Body::empty())
                .unwrap();
            let answer = api.send(request).await;
            if scope == needed {
                assert_ne!(
                    answer.status,
                    StatusCode::FORBIDDEN,
                    "{scope:?} on {} {}",
                    route.method,
                    route.path
                );
            } else {
                answer.problem(403, "PQ-FORBIDDEN");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_expired_or_revoked_token_is_refused() {
    let api = Api::new();
    let expired = api.token(2, "old", &ApiScope::ALL, Some(Span(0)));
    let revoked = api.token(3, "gone", &ApiScope::ALL, None);
    api.consensus.apply(Action::RevokeApiToken(ApiTokenId(Uuid::from_u128(3)))).unwrap();
    let wrong = format!("Bearer pqa1.{}.wrong", Uuid::from_u128(1));
    for token in [expired, revoked, wrong, "Bearer nonsense".into(), "Basic YTpi".into()] {
        let request = Request::builder()
            .uri("/api/v1/status")
            .header("authorization", token)
            .body(Body::empty())
            .unwrap();
        api.send(request).await.problem(401, "PQ-UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_token_that_was_just_made_elsewhere_is_looked_up_in_what_is_committed() {
    let api = Api::new();
    api.consensus.fall_behind();
    let fresh = api.token(2, "fresh", &ApiScope::ALL, None);
    let ask = || Request::get("/api/v1/status").header("authorization", &fresh).body(Body::empty()).unwrap();
    assert_eq!(api.send(ask()).await.status, StatusCode::OK);
    api.fail(Quorum::Lost);
    api.send(ask()).await.problem(503, "PQ-NO-QUORUM");
}

#[tokio::test]
async fn the_operator_at_the_local_socket_needs_no_token() {
    let api = Api::new();
    let mut request = Request::builder().uri("/api/v1/status").body(Body::empty()).unwrap();
    request.extensions_mut().insert(LocalOperator);
    let answer = api.send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["leader"], 1);
    assert_eq!(answer.json()["members"][0]["role"], "voter");
}

#[tokio::test]
async fn the_url_of_a_node_is_changed_and_only_to_a_url() {
    let api = Api::new();
    let put = async |node: u64, url: &str| {
        let body = json!({ "url": url }).to_string();
        api.call("PUT", &format!("/api/v1/nodes/{node}/site-url"), &[], body).await
    };
    put(1, "http://pw.example.com").await.problem(400, "PQ-BAD-INPUT");
    put(9, "https://pw.example.com").await.problem(404, "PQ-NOT-FOUND");
    assert_eq!(put(1, "https://pw.example.com").await.status, StatusCode::NO_CONTENT);
    let state = api.consensus.state();
    assert_eq!(state.instances().next().unwrap().site_url, "https://pw.example.com");
}

#[tokio::test]
async fn the_api_stands_beside_the_sites_on_one_router() {
    let mut api = Api::new();
    api.router = api.world.node("n1");
    let put = api.call("PUT", "/api/v1/labels/k", &[], "x").await;
    assert_eq!((put.status, put.json()), (StatusCode::OK, json!({"revision": 1})));
    for path in ["/api/v1/nothing", "/api/v1/", "/api/", "/api"] {
        api.call("GET", path, &[], "").await.problem(404, "PQ-NOT-FOUND");
    }
    api.call("PATCH", "/api/v1/status", &[], "").await.problem(405, "PQ-BAD-INPUT");
    let stranger = Request::get("/api/v1/config").body(Body::empty()).unwrap();
    api.send(stranger).await.problem(401, "PQ-UNAUTHENTICATED");
}

#[tokio::test]
async fn unknown_paths_and_methods_get_a_problem_too() {
    let api = Api::new();
    api.call("GET", "/api/v1/nothing", &[], "").await.problem(404, "PQ-NOT-FOUND");
    api.call("PATCH", "/api/v1/status", &[], "").await.problem(405, "PQ-BAD-INPUT");
}

#[tokio::test]
async fn the_configuration_is_replaced_only_on_top_of_the_revision_that_was_read() {
    let api = Api::new();
    let read = api.call("GET", "/api/v1/config", &[], "").await;
    assert_eq!(read.etag.as_deref(), Some("\"0\""));
    let mut config = read.json();
    config["general"]["organisation"] = json!("Example");
    let body = config.to_string();
    api.call("PUT", "/api/v1/config", &[], body.clone()).await.problem(428, "PQ-BAD-INPUT");
    let put = api.call("PUT", "/api/v1/config", &[("if-match", "\"0\"")], body.clone()).await;
    assert_eq!((put.status, put.etag.as_deref()), (StatusCode::OK, Some("\"1\"")));
    let stale = api.call("PUT", "/api/v1/config", &[("if-match", "\"0\"")], body).await;
    assert_eq!(stale.problem(412, "PQ-STALE-REVISION")["current"], 1);
    assert_eq!(api.call("GET", "/api/v1/config", &[], "").await.json()["general"]["organisation"], "Example");
}

#[tokio::test]
async fn every_invalid_field_is_named_at_once_and_unknown_ones_are_refused_with_their_place() {
    let api = Api::new();
    let mut config = api.call("GET", "/api/v1/config", &[], "").await.json();
    config["general"]["organisation"] = json!("");
    config["general"]["source_limit"]["threshold"] = json!(0);
    let base = [("if-match", "\"0\"")];
    let refused = api.call("PUT", "/api/v1/config", &base, config.to_string()).await;
    let problems = refused.problem(422, "PQ-INVALID-CONFIG")["problems"].clone();
    let fields: Vec<_> =
        problems.as_array().unwrap().iter().map(|problem| problem["field"].clone()).collect();
    assert_eq!(fields, ["general.organisation", "general.source_limit.threshold"]);

    config["general"]["colour"] = json!("blue");
    let refused =
        api.call("PUT", "/api/v1/config", &base, config.to_string()).await.problem(400, "PQ-BAD-INPUT");
    assert!(refused["detail"].as_str().unwrap().contains("colour"), "{refused}");
    let refused = api.call("PUT", "/api/v1/config", &base, "{\n \"revision\": }").await;
    let detail = refused.problem(400, "PQ-BAD-INPUT")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("line 2"), "{detail}");
}

#[tokio::test]
async fn an_access_password_goes_in_in_clear_and_is_sealed_before_it_is_proposed() {
    let api = Api::new();
    let path = format!("/api/v1/connections/{}", Uuid::from_u128(5));
    let connection = |password: Option<&str>| {
        let mut ldaps = json!({
            "servers": ["ldaps://dc1.example.com"],
            "base": "DC=example,DC=com",
            "authorities": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            "bind_name": "svc@example.com",
        });
        if let Some(password) = password {
            ldaps["bind_password"] = json!(password);
        }
        json!({"alias": "CORP", "endpoint": {"ldaps": ldaps}}).to_string()
    };
    let at = |revision: &str| format!("\"{revision}\"");
    let base = at("0");
    let none = api.call("PUT", &path, &[("if-match", &base)], connection(None)).await;
    none.problem(422, "PQ-INVALID-CONFIG");
    let put = api.call("PUT", &path, &[("if-match", &base)], connection(Some("planted-secret"))).await;
    assert_eq!(put.status, StatusCode::OK, "{}", String::from_utf8_lossy(&put.body));
    let base = at("1");
    let kept = api.call("PUT", &path, &[("if-match", &base)], connection(None)).await;
    assert_eq!(kept.status, StatusCode::OK, "the present password stays");
    let read = api.call("GET", "/api/v1/config", &[], "").await;
    assert!(!String::from_utf8_lossy(&read.body).contains("planted-secret"));
    assert_eq!(read.json()["connections"][1]["alias"], "CORP");

    let mut copied = read.json()["connections"][1].clone();
    copied["id"] = json!(Uuid::from_u128(6));
    copied["alias"] = json!("OTHER");
    let change = json!({"base": 2, "change": {"PutConnection": copied}}).to_string();
    let refused = api.call("POST", "/api/v1/config/changes", &[], change).await;
    refused.problem(422, "PQ-INVALID-CONFIG");
    let broken = connection(Some("planted-secret")).replace("bind_name", "planted-name");
    let refused = api.call("PUT", &path, &[("if-match", "\"2\"")], broken).await;
    assert!(!refused.problem(400, "PQ-BAD-INPUT").to_string().contains("planted"));
}

#[tokio::test]
async fn one_change_is_made_on_top_of_its_base() {
    let api = Api::new();
    let change = json!({"base": 0, "change": {"SetHelpdesk": []}}).to_string();
    assert_eq!(api.call("POST", "/api/v1/config/changes", &[], change.clone()).await.json()["revision"], 1);
    let stale = api.call("POST", "/api/v1/config/changes", &[], change).await;
    assert_eq!(stale.problem(412, "PQ-STALE-REVISION")["current"], 1);
    let unknown = json!({"base": 1, "change": {"Nothing": 1}}).to_string();
    api.call("POST", "/api/v1/config/changes", &[], unknown).await.problem(400, "PQ-BAD-INPUT");
}

#[tokio::test]
async fn node_verbs_answer_as_the_membership_does() {
    let api = Api::new();
    let nodes = api.call("GET", "/api/v1/nodes", &[], "").await.json();
    assert_eq!(nodes[0]["role"], "voter");
    assert_eq!(nodes[0]["wrap_key"], Value::Null);
    assert_eq!(api.call("POST", "/api/v1/nodes/2/promote", &[], "").await.status, StatusCode::NO_CONTENT);
    api.call("POST", "/api/v1/nodes/9/promote", &[], "").await.problem(404, "PQ-NOT-FOUND");
    api.call("POST", "/api/v1/nodes/x/promote", &[], "").await.problem(400, "PQ-BAD-INPUT");
    let to = |address: &str| json!({ "cluster_address": address }).to_string();
    let moved = api.call("PUT", "/api/v1/nodes/2/address", &[], to("new.example.com:7400")).await;
    assert_eq!(moved.status, StatusCode::NO_CONTENT);
    api.call("PUT", "/api/v1/nodes/9/address", &[], to("[::1]:7400")).await.problem(404, "PQ-NOT-FOUND");
    api.call("PUT", "/api/v1/nodes/2/address", &[], to("new.example.com")).await.problem(400, "PQ-BAD-INPUT");
    for path in ["/api/v1/nodes/1", "/api/v1/nodes/1?force=true", "/api/v1/nodes/3"] {
        api.call("DELETE", path, &[], "").await.problem(409, "PQ-QUORUM-AT-RISK");
    }
    let forced = api.call("DELETE", "/api/v1/nodes/3?force=true", &[], "").await;
    assert_eq!(forced.status, StatusCode::NO_CONTENT);
    api.call("DELETE", "/api/v1/nodes/3?force=yes", &[], "").await.problem(400, "PQ-BAD-INPUT");
    assert_eq!(api.call("POST", "/api/v1/leader/transfer", &[], "").await.json()["leader"], 2);
    assert_eq!(api.call("POST", "/api/v1/leader/transfer", &[], "{\"to\":1}").await.json()["leader"], 1);
}

#[tokio::test]
async fn tokens_are_made_within_bounds_and_never_with_more_than_their_maker_has() {
    let api = Api::new();
    let join = json!({"role": "voter", "life_seconds": 600}).to_string();
    let made = api.call("POST", "/api/v1/join-tokens", &[], join).await;
    assert_eq!((made.status, made.json()), (StatusCode::CREATED, json!({"token": "pq1.x"})));
    let endless = json!({"role": "voter", "life_seconds": 99_999_999}).to_string();
    api.call("POST", "/api/v1/join-tokens", &[], endless).await.problem(400, "PQ-BAD-INPUT");

    let new = json!({"name": "bench", "scopes": ["labels"]}).to_string();
    assert_eq!(api.call("POST", "/api/v1/api-tokens", &[], new.clone()).await.status, StatusCode::CREATED);
    let nodes_only = api.token(2, "n", &[ApiScope::Nodes], None);
    let request =
        Request::post("/api/v1/api-tokens").header("authorization", nodes_only).body(new.into()).unwrap();
    api.send(request).await.problem(403, "PQ-FORBIDDEN");
    let nobody = json!({"name": "x", "scopes": []}).to_string();
    api.call("POST", "/api/v1/api-tokens", &[], nobody).await.problem(400, "PQ-BAD-INPUT");
    let path = format!("/api/v1/api-tokens/{}", Uuid::from_u128(1));
    assert_eq!(api.call("DELETE", &path, &[], "").await.status, StatusCode::NO_CONTENT);
    api.call("GET", "/api/v1/status", &[], "").await.problem(401, "PQ-UNAUTHENTICATED");
}

#[tokio::test]
async fn a_node_joins_by_its_token_alone() {
    let api = Api::new();
    let join = |token: &str| {
        let key = [0; 32];
        let node =
            json!({"name": "two", "cluster_address": "two:1", "site_url": "https://two", "wrap_key": key});
        let body = json!({"token": token, "node": node, "csr": "pem"}).to_string();
        Request::post("/api/v1/join").body(Body::from(body)).unwrap()
    };
    let granted = api.send(join("good")).await;
    assert_eq!((granted.status, granted.json()["node"].clone()), (StatusCode::OK, json!(2)));
    api.send(join("planted")).await.problem(403, "PQ-TOKEN-INVALID");
    let broken = Request::post("/api/v1/join").body(Body::from("{\"token\": \"planted\"")).unwrap();
    let refused = api.send(broken).await.problem(400, "PQ-BAD-INPUT");
    assert!(!refused.to_string().contains("planted"));
}

#[tokio::test]
async fn the_audit_is_read_in_runs() {
    let api = Api::new();
    api.call("PUT", "/api/v1/labels/k", &[], "x").await;
    let page = api.call("GET", "/api/v1/audit?after=1&limit=2", &[], "").await.json();
    let numbers: Vec<_> =
        page["records"].as_array().unwrap().iter().map(|record| record["seq"].clone()).collect();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(page["last"], 4);
    for query in ["limit=0", "limit=1001", "limit=x", "before=3"] {
        api.call("GET", &format!("/api/v1/audit?{query}"), &[], "").await.problem(400, "PQ-BAD-INPUT");
    }
}
