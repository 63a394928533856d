//! The Helpdesk site: who gets in, who can be seen, and how a lock is lifted.

use crate::browser::{ANSWERS, Browser, STEP, register, start};
use crate::fakes::World;
use crate::staff::{location, look, sign_in};
use http::{Method, StatusCode};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_sites::Access;
use passquorum_sites::helpdesk::ROUTES;

async fn operator(world: &World) -> Browser {
    let mut browser = Browser::new(world.node("n1"));
    let page = sign_in(&mut browser, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    assert_eq!(location(&page), "/helpdesk/", "{}", page.html);
    browser.get("/helpdesk/").await;
    browser
}

/// Registers a user and locks them by wrong answers.
async fn lock_out(world: &World, account: &str, password: &str) {
    let node = world.node("n1");
    register(&node, account, password).await;
    let wrong = ANSWERS.map(|(field, _)| (field, "wrong answer"));
    let mut browser = Browser::new(node);
    for _ in 0..5 {
        start(&mut browser, "forgot-password", account).await;
        browser.post(STEP, &wrong).await;
    }
}

#[tokio::test]
async fn only_the_sign_in_answers_who_is_not_signed_in_and_no_form_is_taken_without_its_token() {
    let world = World::new();
    for route in ROUTES {
        let mut stranger = Browser::new(world.node("n1"));
        stranger.get("/helpdesk/sign-in").await;
        match (route.access, route.method == Method::GET) {
            (Access::Open, _) => assert_eq!(route.path, "/helpdesk/sign-in"),
            (Access::SignedIn, true) => {
                assert_eq!(location(&look(&mut stranger, route.path).await), "/helpdesk/sign-in");
            }
            (Access::SignedIn, false) => {
                let page = stranger.submit(route.path, &[("name", "alice")]).await;
                assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", route.path);
            }
        }
        if route.method == Method::POST {
            let mut browser = operator(&world).await;
            browser.csrf = "forged".to_owned();
            let page = browser.submit(route.path, &[("name", "alice")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", route.path);
            assert!(page.html.contains("PQ-CSRF"));
        }
    }
}

#[tokio::test]
async fn an_operator_does_not_get_into_administration_nor_an_administrator_into_the_helpdesk() {
    let world = World::new();
    let mut hilda = operator(&world).await;
    assert_eq!(location(&look(&mut hilda, "/admin/").await), "/admin/sign-in");
    let mut root = Browser::new(world.node("n1"));
    let page = sign_in(&mut root, "helpdesk", "root", "Rita-0ld-Secret").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_user_is_shown_with_where_they_stand() {
    let world = World::new();
    let mut browser = operator(&world).await;
    let page = browser.submit("/helpdesk/find", &[("name", "alice")]).await;
    for text in ["Alice Ames", "Not registered", "Not locked", "Everyone", "EXAMPLE\\alice"] {
        assert!(page.html.contains(text), "{text} is missing in {}", page.html);
    }
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.record.status.disabled = true);
    let page = browser.submit("/helpdesk/find", &[("name", "alice@example.com")]).await;
    assert!(page.html.contains("<dd>Registered</dd>"), "{}", page.html);
    assert!(page.html.contains("Disabled") && page.html.contains("Profile write begun"));
}

#[tokio::test]
async fn who_is_not_served_by_a_policy_is_not_shown() {
    let world = World::new();
    let mut browser = operator(&world).await;
    let mut texts = Vec::new();
    for name in ["olga", "nobody"] {
        let page = browser.submit("/helpdesk/find", &[("name", name)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.html.contains("Olga Outside"));
        texts.push(page.html.replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(texts[0], texts[1]);
    let page = browser.submit("/helpdesk/find", &[("name", "")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_lock_is_shown_and_lifted_once_by_the_operator_who_is_named_in_the_audit() {
    let world = World::new();
    lock_out(&world, "alice", "Alice-0ld-Secret").await;
    let mut browser = operator(&world).await;
    let page = browser.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(page.html.contains("Locked for 15 minutes"), "{}", page.html);
    let (name, guid) = (page.hidden("name").unwrap(), page.hidden("guid").unwrap());
    let fields = [("name", name.as_str()), ("guid", guid.as_str())];
    let page = browser.submit("/helpdesk/unlock", &fields).await;
    assert!(page.html.contains("The lock is lifted") && page.html.contains("Not locked"), "{}", page.html);
    let state = world.consensus.state();
    let lifted = state.audit().rev().find(|record| record.event == AuditEvent::LockLifted).unwrap();
    assert!(matches!(lifted.actor, Actor::Helpdesk(_)) && lifted.detail.is_some());
    let again = browser.submit("/helpdesk/unlock", &fields).await;
    assert!(again.html.contains("There was no lock to lift"));

    let node = world.node("n1");
    let mut alice = Browser::new(node);
    start(&mut alice, "forgot-password", "alice").await;
    let page = alice.post(STEP, &ANSWERS).await;
    assert_eq!(page.heading(), "Choose a new password", "{}", page.html);
}

#[tokio::test]
async fn an_act_on_another_object_than_the_one_that_was_seen_is_refused() {
    let world = World::new();
    lock_out(&world, "alice", "Alice-0ld-Secret").await;
    let mut browser = operator(&world).await;
    let bob = browser.submit("/helpdesk/find", &[("name", "bob")]).await;
    assert_eq!(bob.hidden("guid"), None, "there is nothing to lift");
    let forged = [("name", "EXAMPLE\\alice"), ("guid", "02020202-0202-0202-0202-020202020202")];
    let page = browser.submit("/helpdesk/unlock", &forged).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = browser.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(page.html.contains("Locked for"));
}
