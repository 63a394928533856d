//! What is kept for legacy clients: listed whosever it is, tidied up by name, and audited first.

use super::Api;
use crate::fakes::Controller;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::Action;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{Fence, Held};
use serde_json::{Value, json};

const POINTS: &str = "/api/v1/directory/points";
const MIRROR: &str = "/api/v1/directory/mirror";
const REALM: &str = "00000000-0000-0000-0000-000000000001";

fn keywords(stamp: &str) -> Vec<String> {
    [
        "CONFIGURATION.SERVER_URLS=https://a.example/;https://b.example/",
        &format!("CONFIGURATION.TIME_STAMP={stamp}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn raise(api: &Api) {
    let (from, asked) = (FeatureLevel::FIRST, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::SECOND, asked }).unwrap();
}

fn records(api: &Api, event: &AuditEvent) -> usize {
    api.consensus.state().audit().filter(|record| record.event == *event).count()
}

#[tokio::test]
async fn points_are_told_apart_and_only_strangers_can_be_removed() {
    let api = Api::new();
    api.consensus.mirror(true);
    let legacy = &api.world.directory.legacy;
    // The world's clock stands at 2026-09-21T14:13:20Z.
    let fresh = "2026-09-21T14:00:00Z";
    let own = legacy.put(&format!("passquorum-{REALM}-1"), keywords(fresh));
    let left = legacy.put(&format!("passquorum-{REALM}-9"), keywords(fresh));
    let foreign = legacy.put("Old", keywords("2020-01-01T00:00:00Z"));
    let unknown = legacy.put("Older", vec!["CONFIGURATION.TIME_STAMP=1.1.2015 12:00".into()]);
    let listed = api.call("GET", POINTS, &[], "").await.json();
    let row = |dn: &dyn ToString| -> Value {
        let dn = dn.to_string();
        listed["points"].as_array().unwrap().iter().find(|row| row["dn"] == dn.as_str()).unwrap().clone()
    };
    assert_eq!((&row(&own)["verdict"], &row(&own)["age"]), (&json!("kept"), &json!(800)));
    assert_eq!(row(&own)["urls"], json!(["https://a.example/", "https://b.example/"]));
    assert_eq!(row(&left)["verdict"], "left");
    assert_eq!(row(&foreign)["verdict"], "foreign-stale");
    assert_eq!(row(&unknown)["stamp"], "1.1.2015 12:00");
    assert_eq!((&row(&unknown)["verdict"], &row(&unknown)["age"]), (&json!("foreign-stale"), &Value::Null));

    let remove = |dn: &dyn ToString| json!({ "dn": dn.to_string() }).to_string();
    let path = format!("{POINTS}/remove");
    // Before the upgrade is finished there is no record, so nothing is removed.
    api.call("POST", &path, &[], remove(&foreign)).await.problem(409, "PQ-UPGRADE-UNFINISHED");
    raise(&api);
    api.call("POST", &path, &[], remove(&own)).await.problem(412, "PQ-CONDITION-FAILED");
    api.call("POST", &path, &[], remove(&"CN=x,DC=y")).await.problem(404, "PQ-NOT-FOUND");
    api.call("POST", &path, &[], r#"{"dn":"nonsense"}"#).await.problem(400, "PQ-BAD-INPUT");
    assert_eq!(records(&api, &AuditEvent::PointRemoved), 0);
    assert_eq!(legacy.points.lock().unwrap().len(), 4);
    let lower = foreign.to_string().to_lowercase();
    assert_eq!(api.call("POST", &path, &[], remove(&lower)).await.status.as_u16(), 204);
    assert_eq!(records(&api, &AuditEvent::PointRemoved), 1);
    assert!(legacy.points.lock().unwrap().iter().all(|point| point.dn != foreign));

    // Nobody keeps it any more where the realm is not mirrored.
    api.consensus.mirror(false);
    assert_eq!(api.call("POST", &path, &[], remove(&own)).await.status.as_u16(), 204);
}

#[tokio::test]
async fn a_domain_that_does_not_answer_is_named() {
    let api = Api::new();
    api.world.directory.set_controller(Controller::Down);
    let listed = api.call("GET", POINTS, &[], "").await.json();
    assert_eq!(listed["points"], json!([]));
    assert_eq!(listed["unread"].as_array().unwrap().len(), 1, "{listed}");
    let body = json!({ "dn": "CN=x" }).to_string();
    api.call("POST", &format!("{POINTS}/remove"), &[], body).await.problem(502, "PQ-DIRECTORY-UNREACHABLE");
}

#[tokio::test]
async fn the_mirror_is_compared_and_taken_away_to_be_made_anew() {
    let api = Api::new();
    let rebuild = format!("{MIRROR}/rebuild");
    let shown = api.call("GET", MIRROR, &[], "").await.json();
    assert_eq!((&shown["container"], &shown["true"]), (&Value::Null, &json!(false)));
    raise(&api);
    api.call("POST", &rebuild, &[], "").await.problem(404, "PQ-NOT-FOUND");
    let legacy = &api.world.directory.legacy;
    *legacy.is_mirrored.lock().unwrap() = true;
    let meddled = Held { fence: Fence { term: 3, index: 7 }, document: Blob::from(&b"meddled"[..]) };
    *legacy.held.lock().unwrap() = Some(meddled);
    let shown = api.call("GET", MIRROR, &[], "").await.json();
    assert_eq!((&shown["fence"]["term"], &shown["true"]), (&json!(3), &json!(false)));
    assert_eq!(api.call("POST", &rebuild, &[], "").await.status.as_u16(), 204);
    assert_eq!(*legacy.held.lock().unwrap(), None);
    assert_eq!(records(&api, &AuditEvent::MirrorRebuilt), 1);
}
