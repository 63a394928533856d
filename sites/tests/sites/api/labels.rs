//! What a label promises: bytes as they were put, conditions, repetitions, and honest failures.

use super::Api;
use crate::fakes::Quorum;
use http::{Request, StatusCode};
use passquorum_domain::token::ApiScope;
use serde_json::json;

#[tokio::test]
async fn a_label_is_read_back_as_it_was_put_under_a_growing_revision() {
    let api = Api::new();
    api.call("GET", "/api/v1/labels/a%2Fb", &[], "").await.problem(404, "PQ-NOT-FOUND");
    let value = [0u8, 255, 10, 13];
    let put = api.call("PUT", "/api/v1/labels/a%2Fb", &[], value.to_vec()).await;
    assert_eq!((put.status, put.json()), (StatusCode::OK, json!({"revision": 1})));
    for query in ["", "?consistency=local", "?consistency=linearizable"] {
        let got = api.call("GET", &format!("/api/v1/labels/a%2Fb{query}"), &[], "").await;
        assert_eq!((got.status, got.body, got.etag), (StatusCode::OK, value.to_vec(), Some("\"1\"".into())));
    }
    api.call("GET", "/api/v1/labels/a%2Fb?consistency=maybe", &[], "").await.problem(400, "PQ-BAD-INPUT");
    let removed = api.call("DELETE", "/api/v1/labels/a%2Fb", &[], "").await;
    assert_eq!((removed.status, removed.json()), (StatusCode::OK, json!({"revision": 2})));
    api.call("DELETE", "/api/v1/labels/a%2Fb", &[], "").await.problem(404, "PQ-NOT-FOUND");
}

#[tokio::test]
async fn a_condition_that_does_not_hold_changes_nothing_and_names_the_present_revision() {
    let api = Api::new();
    api.call("PUT", "/api/v1/labels/k", &[("if-match", "\"1\"")], "x")
        .await
        .problem(412, "PQ-CONDITION-FAILED");
    let absent = [("if-none-match", "*")];
    assert_eq!(api.call("PUT", "/api/v1/labels/k", &absent, "x").await.status, StatusCode::OK);
    let refused = api.call("PUT", "/api/v1/labels/k", &absent, "y").await.problem(412, "PQ-CONDITION-FAILED");
    assert_eq!(refused["current"], 1);
    let stale = [("if-match", "\"9\"")];
    api.call("DELETE", "/api/v1/labels/k", &stale, "").await.problem(412, "PQ-CONDITION-FAILED");
    assert_eq!(api.call("GET", "/api/v1/labels/k", &[], "").await.body, b"x");
    assert_eq!(
        api.call("PUT", "/api/v1/labels/k", &[("if-match", "\"1\"")], "z").await.json()["revision"],
        2
    );
    assert_eq!(
        api.call("DELETE", "/api/v1/labels/k", &[("if-match", "\"2\"")], "").await.status,
        StatusCode::OK
    );
    for broken in [("if-match", "1"), ("if-match", "*"), ("if-none-match", "\"1\"")] {
        api.call("PUT", "/api/v1/labels/k", &[broken], "x").await.problem(400, "PQ-BAD-INPUT");
    }
}

#[tokio::test]
async fn a_repetition_under_the_same_idempotency_key_answers_the_same_and_writes_once() {
    let api = Api::new();
    let key = [("idempotency-key", "job-1"), ("if-none-match", "*")];
    let first = api.call("PUT", "/api/v1/labels/k", &key, "x").await;
    let again = api.call("PUT", "/api/v1/labels/k", &key, "x").await;
    assert_eq!((first.status, first.json()), (StatusCode::OK, json!({"revision": 1})));
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(api.consensus.state().totals().label_revision, 1);

    let other_target = api.call("PUT", "/api/v1/labels/other", &key, "x").await;
    assert_eq!(other_target.json()["revision"], 2, "the key is bound to its label");
    let delete = [("idempotency-key", "job-1")];
    assert_eq!(api.call("DELETE", "/api/v1/labels/k", &delete, "").await.json()["revision"], 3);
    assert_eq!(api.call("DELETE", "/api/v1/labels/k", &delete, "").await.json()["revision"], 3);

    let token = api.token(2, "b", &[ApiScope::Labels], None);
    let mut request =
        Request::put("/api/v1/labels/k").header("authorization", token).body("y".into()).unwrap();
    request.headers_mut().insert("idempotency-key", "job-1".parse().unwrap());
    assert_eq!(api.send(request).await.json()["revision"], 4, "the key is bound to its token");
    for broken in ["", "a b", &"x".repeat(201)] {
        let headers = [("idempotency-key", broken)];
        api.call("PUT", "/api/v1/labels/k", &headers, "x").await.problem(400, "PQ-BAD-INPUT");
    }
}

#[tokio::test]
async fn nothing_done_and_outcome_unknown_are_told_apart() {
    let api = Api::new();
    api.fail(Quorum::Lost);
    api.call("PUT", "/api/v1/labels/k", &[], "x").await.problem(503, "PQ-NO-QUORUM");
    api.call("GET", "/api/v1/labels/k", &[], "").await.problem(503, "PQ-NO-QUORUM");
    api.call("GET", "/api/v1/labels/k?consistency=local", &[], "").await.problem(404, "PQ-NOT-FOUND");
    api.fail(Quorum::Silent);
    api.call("PUT", "/api/v1/labels/k", &[], "x").await.problem(504, "PQ-UNKNOWN-OUTCOME");
    api.call("DELETE", "/api/v1/labels/k", &[], "").await.problem(504, "PQ-UNKNOWN-OUTCOME");
    api.fail(Quorum::Forbidden);
    api.call("PUT", "/api/v1/labels/k", &[], "x").await.problem(403, "PQ-NOT-THIS-NODE");
}

#[tokio::test]
async fn a_label_takes_64_kib_and_not_a_byte_more() {
    let api = Api::new();
    let most = vec![7; 64 * 1024];
    assert_eq!(api.call("PUT", "/api/v1/labels/k", &[], most.clone()).await.status, StatusCode::OK);
    let mut more = most;
    more.push(7);
    api.call("PUT", "/api/v1/labels/k", &[], more).await.problem(413, "PQ-TOO-LARGE");
    let key = format!("/api/v1/labels/{}", "k".repeat(257));
    api.call("PUT", &key, &[], "x").await.problem(400, "PQ-BAD-INPUT");
    api.call("PUT", "/api/v1/labels/%FF", &[], "x").await.problem(400, "PQ-BAD-INPUT");
    api.call("PUT", "/api/v1/labels/a%20b", &[], "x").await.problem(400, "PQ-BAD-INPUT");
}
