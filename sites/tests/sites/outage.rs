//! Without a quorum or a directory: said plainly, nothing done, and the same browser goes on afterwards.

use crate::browser::*;
use crate::fakes::*;
use http::StatusCode;
use passquorum_domain::ticket::{TicketResult, TicketState};

const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

async fn at_new_password(world: &World) -> Browser {
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    browser.post(STEP, &ANSWERS).await;
    browser
}

#[tokio::test]
async fn every_step_says_that_there_is_no_quorum_and_works_again_after() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    let path = "/self-service/start/forgot-password";
    browser.get(path).await;
    let steps: [(&str, &[(&str, &str)]); 3] = [(path, &[("name", "alice")]), (STEP, &ANSWERS), (STEP, &NEW)];
    for (path, fields) in steps {
        world.consensus.set_quorum(Quorum::Lost);
        let page = browser.submit(path, fields).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.html.contains("PQ-NO-QUORUM") && page.html.contains("Try again"), "{}", page.html);
        assert!(page.html.contains(page.headers["x-request-id"].to_str().unwrap()));
        world.consensus.set_quorum(Quorum::Whole);
        browser.post(path, fields).await;
    }
    assert_eq!(browser.get(STEP).await.heading(), "Your password is changed");
    assert_eq!(*world.directory.changes.lock().unwrap(), ["write profile", "reset password"]);
}

#[tokio::test]
async fn a_step_of_a_flooded_realm_says_that_it_is_busy() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    let path = "/self-service/start/forgot-password";
    browser.get(path).await;
    world.consensus.set_quorum(Quorum::Flooded);
    let page = browser.submit(path, &[("name", "alice")]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html.contains("PQ-BUSY"), "{}", page.html);
    assert!(page.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn the_front_page_needs_no_quorum() {
    let world = World::new();
    world.consensus.set_quorum(Quorum::Lost);
    let page = Browser::new(world.node("n1")).get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("Forgot My Password"));
}

#[tokio::test]
async fn a_lost_answer_of_the_directory_is_called_unknown_and_not_done_again() {
    let world = World::new();
    let mut browser = at_new_password(&world).await;
    world.directory.set_controller(Controller::Mute);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "We do not know the outcome");
    assert!(page.html.contains("PQ-UNKNOWN-OUTCOME"));
    let state = world.consensus.state();
    assert!(
        state
            .tickets()
            .any(|ticket| matches!(&ticket.state, TicketState::Closed { result: TicketResult::Unknown, .. }))
    );
    world.directory.set_controller(Controller::Up);
    browser.post(STEP, &NEW).await;
    let resets = world.directory.changes.lock().unwrap().iter().filter(|c| **c == "reset password").count();
    assert_eq!(resets, 1);
}

#[tokio::test]
async fn an_unreachable_directory_is_said_and_another_try_has_its_own_ticket() {
    let world = World::new();
    let mut browser = at_new_password(&world).await;
    world.directory.set_controller(Controller::Down);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html.contains("PQ-DIRECTORY-UNREACHABLE"));
    assert!(!page.html.contains("dc1.example.com"), "no page names a controller");
    world.directory.set_controller(Controller::Up);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
}

#[tokio::test]
async fn a_step_whose_recording_is_unsure_does_not_reach_the_directory() {
    let world = World::new();
    let mut browser = at_new_password(&world).await;
    world.consensus.set_quorum(Quorum::Silent);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(page.html.contains("so it was not done"), "{}", page.html);
    assert_eq!(world.directory.user("alice").password, "Alice-0ld-Secret");
    world.consensus.set_quorum(Quorum::Whole);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "the first ticket may still be at work");
    world.clock.forward(passquorum_domain::time::Span::minutes(2));
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
}

#[tokio::test]
async fn an_unsure_attempt_is_not_checked() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    world.consensus.set_quorum(Quorum::Silent);
    let page = browser.post(STEP, &ANSWERS).await;
    assert_eq!(page.status, StatusCode::GATEWAY_TIMEOUT);
    world.consensus.set_quorum(Quorum::Whole);
    assert_eq!(browser.get(STEP).await.heading(), "Answer your security questions");
}
