//! Backups as the API hands them out, another access account, and a configuration from another realm.

use super::Api;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::DirectoryEndpoint;
use passquorum_domain::ports::{Purpose, Vault};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

const BACKUPS: &str = "/api/v1/backups";

fn to(recipient: &str) -> String {
    json!({ "recipient": recipient }).to_string()
}

#[tokio::test]
async fn a_backup_comes_as_one_stream_and_what_hinders_one_is_said() {
    let api = Api::new();
    let made = api.call("POST", BACKUPS, &[], to("good")).await;
    assert_eq!((made.status.as_u16(), made.body.as_slice()), (200, b"begun".as_slice()));
    assert_eq!(made.content_type, "application/octet-stream");
    api.call("POST", BACKUPS, &[], to("nobody")).await.problem(400, "PQ-BAD-INPUT");
    api.call("POST", BACKUPS, &[], "{}").await.problem(400, "PQ-BAD-INPUT");
    api.call("POST", BACKUPS, &[], to("busy")).await.problem(503, "PQ-BUSY");
}

#[tokio::test]
async fn a_backup_that_breaks_off_is_no_whole_answer() {
    let api = Api::new();
    let request = Request::post(BACKUPS)
        .header("authorization", format!("Bearer pqa1.{}.all", Uuid::from_u128(1)))
        .body(Body::from(to("breaks")))
        .unwrap();
    let body = api.router.clone().oneshot(request).await.unwrap().into_body();
    assert!(body.collect().await.unwrap_err().to_string().contains("planted"));
}

impl Api {
    fn ldaps(&self) -> passquorum_domain::config::LdapsSettings {
        let state = self.consensus.state();
        let ldaps = match &state.config().unwrap().connections[0].endpoint {
            DirectoryEndpoint::Ldaps(ldaps) => Some(ldaps.clone()),
            DirectoryEndpoint::Embedded => None,
        };
        ldaps.unwrap()
    }

    fn connection(&self) -> passquorum_domain::ids::ConnectionId {
        self.consensus.state().config().unwrap().connections[0].id
    }

    fn opened(&self, sealed: &Sealed) -> Vec<u8> {
        let context = self.connection();
        let opened = self.world.vault.open(Purpose::ServiceAccount, context.0.as_bytes(), sealed);
        opened.unwrap().to_vec()
    }
}

fn sealed_for(api: &Api, clear: &str) -> Sealed {
    let context = api.connection();
    api.world.vault.seal(Purpose::ServiceAccount, context.0.as_bytes(), clear.as_bytes()).unwrap()
}

#[tokio::test]
async fn another_access_account_is_kept_only_when_a_domain_controller_takes_it() {
    let api = Api::new();
    let id = api.connection();
    let path = format!("/api/v1/connections/{id}/account");
    let account = |name: &str| json!({ "bind_name": name, "bind_password": "planted-Secret-1" }).to_string();
    let put =
        async |revision: &str, body: String| api.call("PUT", &path, &[("if-match", revision)], body).await;
    put("\"0\"", account("svc-new")).await.problem(400, "PQ-BAD-INPUT");

    api.connect(sealed_for(&api, "before"));
    let refused = put("\"1\"", account("wrong")).await;
    assert!(!refused.problem(502, "PQ-DIRECTORY-UNREACHABLE").to_string().contains("planted"));
    assert_eq!(api.ldaps().bind_name, "svc");
    put("\"1\"", account("")).await.problem(422, "PQ-INVALID-CONFIG");
    put("\"0\"", account("svc-new")).await.problem(412, "PQ-STALE-REVISION");
    let other = format!("/api/v1/connections/{}/account", Uuid::from_u128(7));
    let absent = api.call("PUT", &other, &[("if-match", "\"1\"")], account("svc-new")).await;
    absent.problem(404, "PQ-NOT-FOUND");

    assert_eq!(put("\"1\"", account("svc-new")).await.status.as_u16(), 200);
    let kept = api.ldaps();
    assert_eq!(kept.bind_name, "svc-new");
    assert_eq!(api.opened(&kept.bind_password), b"planted-Secret-1");
    assert_eq!(kept.servers, ["ldaps://dc1.example.com"]);
}

#[tokio::test]
async fn a_configuration_of_another_realm_gets_its_passwords_sealed_for_this_one() {
    let api = Api::new();
    api.connect(sealed_for(&api, "before"));
    let portable = api.call("POST", "/api/v1/config/portable", &[], to("good")).await;
    assert_eq!(portable.body, b"sealed");
    api.call("POST", "/api/v1/config/portable", &[], to("nobody")).await.problem(400, "PQ-BAD-INPUT");

    let mut config = api.call("GET", "/api/v1/config", &[], "").await.json();
    config["general"]["organisation"] = json!("Elsewhere");
    config["connections"][0]["endpoint"]["Ldaps"]["bind_password"] =
        serde_json::to_value(Sealed(Blob::from(&b"of another realm"[..]))).unwrap();
    let put = async |body: Value| {
        api.call("PUT", "/api/v1/config/portable", &[("if-match", "\"1\"")], body.to_string()).await
    };
    let without = put(json!({ "config": config, "passwords": {} })).await;
    without.problem(422, "PQ-INVALID-CONFIG");
    let passwords = json!({ api.connection().to_string(): "planted-Secret-2" });
    assert_eq!(put(json!({ "config": config, "passwords": passwords })).await.status.as_u16(), 200);
    assert_eq!(api.opened(&api.ldaps().bind_password), b"planted-Secret-2");
    let state = api.consensus.state();
    assert_eq!(state.config().unwrap().general.organisation, "Elsewhere");
}

#[tokio::test]
async fn rights_are_looked_at_where_a_directory_has_any() {
    let api = Api::new();
    let path = format!("/api/v1/connections/{}/rights", api.connection());
    let ask = async |path: &str, body: &str| api.call("POST", path, &[], body.to_owned()).await;
    ask(&path, "{}").await.problem(400, "PQ-BAD-INPUT");
    ask(&path, "{\"below\": [\"People\"]}").await.problem(400, "PQ-BAD-INPUT");
    ask(&path, "{\"users\": [\"\"]}").await.problem(400, "PQ-BAD-INPUT");
    let other = format!("/api/v1/connections/{}/rights", Uuid::from_u128(7));
    ask(&other, "{}").await.problem(404, "PQ-NOT-FOUND");
}
