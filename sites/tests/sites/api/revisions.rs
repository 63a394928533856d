//! Past revisions of the configuration: who made which, their contents, and the way back.

use super::Api;
use http::StatusCode;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, LdapsSettings};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ports::{Purpose, Vault};
use passquorum_domain::token::ApiScope;
use serde_json::{Value, json};

const REVISIONS: &str = "/api/v1/config/revisions";

impl Api {
    /// Renames the organisation on top of a revision.
    async fn rename(&self, base: u64, name: &str, comment: Option<&str>) -> StatusCode {
        let mut general = self.call("GET", "/api/v1/config", &[], "").await.json()["general"].clone();
        general["organisation"] = json!(name);
        let change = json!({ "base": base, "change": { "SetGeneral": general }, "comment": comment });
        self.call("POST", "/api/v1/config/changes", &[], change.to_string()).await.status
    }

    async fn organisation(&self) -> Value {
        self.call("GET", "/api/v1/config", &[], "").await.json()["general"]["organisation"].clone()
    }

    async fn roll_back(&self, base: u64, revision: u64) -> super::Answer {
        let request = json!({ "base": base, "revision": revision, "comment": "as it was" }).to_string();
        self.call("POST", "/api/v1/config/rollback", &[], request).await
    }

    /// Puts the one connection behind LDAPS, with this sealed password; around the API, as an older release might have.
    pub(super) fn connect(&self, bind_password: Sealed) {
        let mut connection = self.consensus.state().config().unwrap().connections[0].clone();
        connection.endpoint = DirectoryEndpoint::Ldaps(LdapsSettings {
            servers: vec!["ldaps://dc1.example.com".into()],
            base: DistinguishedName::parse("DC=example,DC=com").unwrap(),
            authorities: "-----BEGIN CERTIFICATE-----".into(),
            bind_name: "svc".into(),
            bind_password,
            push_sites: Vec::new(),
        });
        self.consensus.configure(ConfigChange::PutConnection(Box::new(connection)));
    }
}

#[tokio::test]
async fn each_revision_is_listed_with_who_made_it_when_why_and_what_it_changed() {
    let api = Api::new();
    assert_eq!(api.rename(0, "One", Some(" for the audit ")).await, StatusCode::OK);
    assert_eq!(api.rename(1, "Two", None).await, StatusCode::OK);
    let list = api.call("GET", REVISIONS, &[], "").await.json();
    assert_eq!((&list["current"], list["revisions"].as_array().unwrap().len()), (&json!(2), 3));
    let (two, one, zero) = (&list["revisions"][0], &list["revisions"][1], &list["revisions"][2]);
    assert_eq!(two["note"], "changes general.organisation");
    assert_eq!(one["note"], "for the audit; changes general.organisation");
    assert!(one["who"].as_str().unwrap().starts_with("API token "), "{one}");
    assert_eq!(one["at"], 1_790_000_000_000_u64);
    let change = json!([{ "object": "general", "change": "changed", "fields": [
        { "field": "organisation", "before": "One", "after": "Two" }
    ]}]);
    assert_eq!(two["changes"], change);
    assert_eq!((&zero["revision"], &zero["changes"]), (&json!(0), &Value::Null));

    let later = api.call("GET", &format!("{REVISIONS}?after=1"), &[], "").await.json();
    assert_eq!(later["revisions"].as_array().unwrap().len(), 1);
    api.call("GET", &format!("{REVISIONS}?before=1"), &[], "").await.problem(400, "PQ-BAD-INPUT");
    let old = api.call("GET", &format!("{REVISIONS}/1"), &[], "").await.json();
    assert_eq!(old["general"]["organisation"], "One");
    let none = api.call("GET", &format!("{REVISIONS}/9"), &[], "").await.problem(404, "PQ-NOT-FOUND");
    assert_eq!(none["detail"], "revision 9 is not kept; the kept ones are 0 to 2");
}

#[tokio::test]
async fn who_may_only_read_sees_contents_and_no_notes() {
    let api = Api::new();
    let reader = api.token(7, "r", &[ApiScope::Read], None);
    for (path, status) in [(REVISIONS.to_owned(), 403), (format!("{REVISIONS}/0"), 200)] {
        let request = http::Request::get(&path)
            .header("authorization", &reader)
            .body(axum::body::Body::empty())
            .unwrap();
        assert_eq!(api.send(request).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_comment_is_one_line_and_bounded() {
    let api = Api::new();
    for comment in ["two\nlines".to_owned(), "x".repeat(501)] {
        assert_eq!(api.rename(0, "One", Some(&comment)).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(api.rename(0, "One", Some(&"é".repeat(500))).await, StatusCode::OK);
}

#[tokio::test]
async fn going_back_makes_a_new_revision_on_top_of_the_one_that_was_seen() {
    let api = Api::new();
    let first = api.organisation().await;
    api.rename(0, "One", None).await;
    api.roll_back(0, 0).await.problem(412, "PQ-STALE-REVISION");
    let back = api.roll_back(1, 0).await;
    assert_eq!((back.status, back.json()), (StatusCode::OK, json!({ "revision": 2 })));
    assert_eq!(api.organisation().await, first);
    let list = api.call("GET", REVISIONS, &[], "").await.json();
    assert_eq!(
        list["revisions"][0]["note"],
        "as it was; rolled back to revision 0; changes general.organisation"
    );
    api.roll_back(2, 9).await.problem(404, "PQ-NOT-FOUND");
    assert_eq!(api.organisation().await, first);
}

#[tokio::test]
async fn a_revision_whose_passwords_are_gone_does_not_come_back_and_each_is_named() {
    let api = Api::new();
    let id = api.consensus.state().config().unwrap().connections[0].id;
    let seal = |text: &[u8]| api.world.vault.seal(Purpose::ServiceAccount, id.0.as_bytes(), text).unwrap();
    api.connect(Sealed(Blob::from(&b"sealed under a key that is gone"[..])));
    api.connect(seal(b"planted-secret"));
    api.connect(seal(b"planted-other"));
    let refused = api.roll_back(3, 1).await.problem(422, "PQ-INVALID-CONFIG");
    assert_eq!(refused["problems"][0]["field"], "connections[0].endpoint.Ldaps.bind_password");
    assert!(refused["problems"][0]["message"].as_str().unwrap().contains("EXAMPLE"), "{refused}");
    assert_eq!(api.consensus.state().config().unwrap().revision.0, 3);

    let back = api.roll_back(3, 2).await;
    assert_eq!(back.status, StatusCode::OK);
    let list = api.call("GET", REVISIONS, &[], "").await;
    assert!(!String::from_utf8_lossy(&list.body).contains("planted"));
    let field = &list.json()["revisions"][0]["changes"][0]["fields"][0];
    assert_eq!(field["field"], "endpoint.Ldaps.bind_password");
    assert_eq!((&field["before"], &field["after"]), (&json!("(sealed)"), &json!("(sealed)")));
}

#[tokio::test]
async fn a_sealed_password_goes_nowhere_that_it_was_not_entered_for_by_any_way() {
    let api = Api::new();
    api.connect(sealed(&api));
    let present = api.call("GET", "/api/v1/config", &[], "").await.json();
    let mut elsewhere = present.clone();
    elsewhere["connections"][0]["endpoint"]["Ldaps"]["servers"] = json!(["ldaps://elsewhere.example"]);
    let connection = elsewhere["connections"][0].clone();
    let change = json!({ "base": 1, "change": { "PutConnection": connection } }).to_string();
    let base = [("if-match", "\"1\"")];
    let mut unknown = present.clone();
    unknown["connections"][0]["endpoint"]["Ldaps"]["bind_password"] = json!(sealed(&api));
    let id = present["connections"][0]["id"].as_str().unwrap();
    let mut clear = json!({ "alias": "EXAMPLE", "endpoint": { "ldaps": {
        "servers": ["ldaps://elsewhere.example"],
        "base": "DC=example,DC=com",
        "authorities": "-----BEGIN CERTIFICATE-----",
        "bind_name": "svc",
    } } });
    let one = format!("/api/v1/connections/{id}");
    let portable = json!({ "config": elsewhere, "passwords": {} }).to_string();
    for (method, path, headers, body, field) in [
        ("POST", "/api/v1/config/changes", &[][..], change, "connection.endpoint.Ldaps.servers"),
        ("PUT", "/api/v1/config", &base, elsewhere.to_string(), "connections[0].endpoint.Ldaps.servers"),
        ("PUT", "/api/v1/config", &base, unknown.to_string(), "connections[0].endpoint.Ldaps.bind_password"),
        ("PUT", "/api/v1/config/portable", &base, portable, "connections[0].endpoint.Ldaps.servers"),
        ("PUT", &one, &base, clear.to_string(), "connection.endpoint.Ldaps.servers"),
    ] {
        let refused = api.call(method, path, headers, body).await.problem(422, "PQ-INVALID-CONFIG");
        assert_eq!(refused["problems"][0]["field"], field, "{path}: {refused}");
        assert!(refused["problems"][0]["message"].as_str().unwrap().contains("enter it again"), "{refused}");
    }
    clear["endpoint"]["ldaps"]["bind_password"] = json!("planted-secret");
    assert_eq!(api.call("PUT", &one, &base, clear.to_string()).await.status, StatusCode::OK);
    assert_eq!(api.roll_back(2, 1).await.status, StatusCode::OK, "each password goes where it went");
    let mixed = json!({ "base": 3, "change": { "PutConnection": elsewhere["connections"][0] } }).to_string();
    api.call("POST", "/api/v1/config/changes", &[], mixed).await.problem(422, "PQ-INVALID-CONFIG");
}

#[tokio::test]
async fn a_second_connection_for_the_same_users_is_refused_with_the_one_to_share() {
    let api = Api::new();
    api.connect(sealed(&api));
    let second = json!({ "PutConnection": {
        "id": uuid::Uuid::from_u128(77),
        "alias": "AGAIN",
        "endpoint": { "Ldaps": {
            "servers": ["ldaps://dc2.example.com"],
            "base": "dc=EXAMPLE,dc=com",
            "authorities": "-----BEGIN CERTIFICATE-----",
            "bind_name": "svc",
            "bind_password": sealed_as(&api, uuid::Uuid::from_u128(77)),
        } },
        "profile_attribute": "comment",
    } });
    let change = json!({ "base": 1, "change": second }).to_string();
    let problem =
        api.call("POST", "/api/v1/config/changes", &[], change).await.problem(422, "PQ-INVALID-CONFIG");
    let message = problem["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("the connection EXAMPLE reaches the same users; share that one"), "{problem}");
}

fn sealed_as(api: &Api, id: uuid::Uuid) -> Sealed {
    api.world.vault.seal(Purpose::ServiceAccount, id.as_bytes(), b"secret").unwrap()
}

fn sealed(api: &Api) -> Sealed {
    let id = api.consensus.state().config().unwrap().connections[0].id;
    sealed_as(api, id.0)
}
