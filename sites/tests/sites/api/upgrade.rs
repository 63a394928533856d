//! The end of an upgrade, drills in the audit, and programs that are too old to join.

use super::Api;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::Action;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use serde_json::json;

#[tokio::test]
async fn the_status_names_who_is_missing_and_the_end_is_refused_until_nobody_is() {
    let api = Api::new();
    let status = api.call("GET", "/api/v1/upgrade", &[], "").await;
    assert_eq!(status.status.as_u16(), 200);
    let status = status.json();
    assert_eq!((&status["level"], &status["supported"]), (&json!(1), &json!(4)));
    assert_eq!(status["nodes"][0]["supports"], json!({ "answer": "known", "level": 4, "version": "1.2.3" }));
    assert_eq!(status["nodes"][1]["supports"], json!({ "answer": "knows_no_levels" }));
    let refused = api.call("POST", "/api/v1/upgrade/finalise", &[], "").await;
    let refused = refused.problem(409, "PQ-UPGRADE-NOT-READY");
    assert!(refused["detail"].as_str().unwrap().contains("node 2 (node-2)"), "{refused}");
}

#[tokio::test]
async fn a_drill_is_recorded_at_its_level_only() {
    let api = Api::new();
    let begun = json!({ "event": "begun", "drill": "kill-leader" }).to_string();
    let ended = json!({ "event": "ended", "drill": "kill-leader", "ok": false }).to_string();
    api.call("POST", "/api/v1/drills", &[], begun.clone()).await.problem(409, "PQ-UPGRADE-UNFINISHED");
    let (from, asked) = (FeatureLevel::FIRST, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::SECOND, asked }).unwrap();
    for body in [&begun, &ended] {
        assert_eq!(api.call("POST", "/api/v1/drills", &[], body.clone()).await.status.as_u16(), 204);
    }
    let state = api.consensus.state();
    let last: Vec<_> = state.audit().rev().take(2).map(|record| &record.event).collect();
    assert!(
        matches!(last[0], AuditEvent::DrillEnded { drill, ok: false } if drill.as_str() == "kill-leader")
    );
    assert!(matches!(last[1], AuditEvent::DrillBegun { .. }));
    for bad in [
        json!({ "event": "begun", "drill": "no name" }),
        json!({ "event": "begun", "drill": "a", "ok": true }),
        json!({ "event": "ended", "drill": "a" }),
        json!({ "event": "over", "drill": "a" }),
    ] {
        api.call("POST", "/api/v1/drills", &[], bad.to_string()).await.problem(400, "PQ-BAD-INPUT");
    }
}

#[tokio::test]
async fn a_node_that_joins_says_what_it_supports_in_a_header_and_else_supports_the_first_level() {
    let api = Api::new();
    let key = vec![0; 32];
    let node = json!({ "name": "n", "cluster_address": "n:1", "site_url": "https://n", "wrap_key": key });
    let node = json!({ "token": "late", "csr": "", "node": node }).to_string();
    let join = |headers: Vec<(&'static str, &'static str)>| {
        let node = node.clone();
        let api = &api;
        async move { api.call("POST", "/api/v1/join", &headers, node).await }
    };
    join(vec![]).await.problem(409, "PQ-PROGRAM-TOO-OLD");
    join(vec![("passquorum-supported-level", "1")]).await.problem(409, "PQ-PROGRAM-TOO-OLD");
    join(vec![("passquorum-supported-level", "2")]).await.problem(409, "PQ-PROGRAM-TOO-OLD");
    join(vec![("passquorum-supported-level", "3")]).await.problem(409, "PQ-PROGRAM-TOO-OLD");
    join(vec![("passquorum-supported-level", "x")]).await.problem(400, "PQ-BAD-INPUT");
    // Past the level, the fake knows no such token.
    join(vec![("passquorum-supported-level", "4")]).await.problem(403, "PQ-TOKEN-INVALID");
}
