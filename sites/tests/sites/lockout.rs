//! Wrong answers lock, wherever they are given, and a lock holds against the right one.

use crate::browser::*;
use crate::fakes::*;
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::time::Span;

const WRONG: [(&str, &str); 4] =
    [("answer-0", "Stavoren"), ("answer-1", "Lindenhof"), ("answer-2", "Biscuit"), ("answer-3", "wrong")];

#[tokio::test]
async fn five_wrong_answers_on_three_nodes_lock_and_the_right_one_is_then_refused() {
    let world = World::new();
    let nodes = [world.node("n1"), world.node("n2"), world.node("n3")];
    register(&nodes[0], "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(nodes[0].clone());
    start(&mut browser, "forgot-password", "alice").await;
    for attempt in 1..=4 {
        browser.node = nodes[attempt % 3].clone();
        let page = browser.post(STEP, &WRONG).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let left =
            if attempt == 4 { "1 attempt left".into() } else { format!("{} attempts left", 5 - attempt) };
        assert!(page.html.contains(&left), "{left} in {}", page.html);
    }
    for answers in [WRONG, ANSWERS] {
        let page = browser.post(STEP, &answers).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(page.html.contains("PQ-LOCKED") && page.html.contains("15 minutes"), "{}", page.html);
        assert!(page.headers.contains_key("retry-after"));
    }
    let page = start(&mut browser, "unlock-account", "alice").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "the lock holds for every task");
    world.clock.forward(Span::minutes(15));
    start(&mut browser, "forgot-password", "alice").await;
    let page = browser.post(STEP, &ANSWERS).await;
    assert_eq!(page.heading(), "Choose a new password", "and ends with its time");
}

#[tokio::test]
async fn a_lock_also_keeps_a_run_from_acting_that_was_authenticated_before() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut victim = Browser::new(node.clone());
    start(&mut victim, "forgot-password", "alice").await;
    victim.post(STEP, &ANSWERS).await;
    let mut guesser = Browser::new(node);
    start(&mut guesser, "forgot-password", "alice").await;
    for _ in 0..5 {
        guesser.post(STEP, &WRONG).await;
    }
    let page = victim.post(STEP, &[("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.directory.user("alice").password, "Alice-0ld-Secret");
}

#[tokio::test]
async fn an_empty_answer_costs_no_attempt_and_a_wrong_one_is_audited() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    let events = |world: &World| world.consensus.state().audit().map(|r| r.event.clone()).collect::<Vec<_>>();
    let before = events(&world).len();
    let page = browser.post(STEP, &[("answer-0", "Stavoren"), ("answer-1", " ")]).await;
    assert!(page.html.contains("id=\"answer-1-wrong\""));
    assert_eq!(events(&world).len(), before);
    browser.post(STEP, &WRONG).await;
    assert!(events(&world).contains(&AuditEvent::AttemptFailed));
    assert!(events(&world).contains(&AuditEvent::AttemptCounted { remaining: 4 }));
}

#[tokio::test]
async fn one_address_cannot_guess_at_many_users_without_end() {
    let world = World::new();
    let mut general = config().general;
    general.source_limit.threshold = 3;
    world.consensus.configure(passquorum_domain::config::ConfigChange::SetGeneral(general));
    let node = world.node("n1");
    for name in ["alice", "bob", "nobody-1"] {
        let mut browser = Browser::new(node.clone());
        start(&mut browser, "register", name).await;
        browser.post(STEP, &[("password", "Guess-1234")]).await;
    }
    let mut browser = Browser::new(node);
    let page = start(&mut browser, "register", "alice").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.html.contains("PQ-TOO-MANY-REQUESTS"));
}

#[tokio::test]
async fn whoever_is_locked_adds_nothing_to_the_audit_however_often_they_try() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    for _ in 0..5 {
        browser.post(STEP, &WRONG).await;
    }
    let mut general = config().general;
    let before = |world: &World| world.consensus.state().totals().audit_seq;
    let refused = |page: Page, code: &str| {
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(page.html.contains(code) && page.headers.contains_key("retry-after"), "{}", page.html);
    };
    let seen = before(&world);
    refused(browser.post(STEP, &WRONG).await, "PQ-LOCKED");
    assert_eq!(before(&world), seen + 1, "the try is counted against the source alone");
    general.source_limit.threshold = 1;
    world.consensus.configure(passquorum_domain::config::ConfigChange::SetGeneral(general));
    browser.post(STEP, &WRONG).await;
    let seen = before(&world);
    for _ in 0..3 {
        refused(browser.post(STEP, &WRONG).await, "PQ-TOO-MANY-REQUESTS");
    }
    assert_eq!(before(&world), seen);
}
