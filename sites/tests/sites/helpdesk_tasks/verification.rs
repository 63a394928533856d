//! Callers are verified by what they answer: how it counts, and how long and for whom it holds.

use super::*;

/// A world in which an operator sees what a caller has to be asked.
async fn asked() -> (World, Browser, Page) {
    let world = World::raised();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    configure(&world, HelpdeskPolicy { verification: Some(VERIFIED), ..all() });
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    (world, browser, page)
}

/// The right answers to what the page asks.
fn answers(page: &Page) -> Vec<(&'static str, &'static str)> {
    let texts = ["Which town were you born in?", "What was your first school called?"];
    let asked = (0..2).filter(|place| page.html.contains(texts[*place]));
    ["answer-0", "answer-1"].into_iter().zip(asked.map(|place| ANSWERS[place].1)).collect()
}

#[tokio::test]
async fn nothing_is_done_for_a_caller_who_is_not_verified_and_a_verification_holds_on_every_node_for_one_pair()
 {
    let world = World::raised();
    let node = world.node("n1");
    for (name, password) in [("alice", "Alice-0ld-Secret"), ("bob", "Bob-0ld-Secret")] {
        register(&node, name, password).await;
    }
    configure(&world, HelpdeskPolicy { verification: Some(VERIFIED), ..all() });
    world.directory.edit("olga", |user| user.groups.push(dn("CN=PQ Helpdesk,DC=example,DC=com")));
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    assert!(!page.html.contains("/helpdesk/reset") && !page.html.contains("/helpdesk/passcode"));
    assert_eq!(page.html.matches("name=\"answer-").count(), 1, "{}", page.html);
    assert_eq!(answers(&page).len(), 1, "of the mandatory ones");
    for (path, _, more) in DEEDS {
        let refused = act(&mut browser, path, &named(&world, "alice", path), more).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let right = answers(&page);
    browser.node = world.node("n2");
    let page = act(&mut browser, "/helpdesk/verify", &named(&world, "alice", "1"), &right).await;
    assert!(
        page.html.contains("The caller is verified") && page.html.contains("/helpdesk/reset"),
        "{}",
        page.html
    );
    let state = world.consensus.state();
    let last = state.audit().next_back().unwrap();
    assert!(matches!((&last.event, &last.actor), (AuditEvent::CallerVerified { .. }, Actor::Helpdesk(_))));
    browser.node = world.node("n3");
    let page = act(&mut browser, "/helpdesk/force-change", &named(&world, "alice", "2"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);

    let page = act(&mut browser, "/helpdesk/force-change", &named(&world, "bob", "3"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "another person");
    let verified = browser.cookies["__Host-pq-verified"].clone();
    let mut other = signed_in(&world, "n1", "olga", "Olga-0ld-Secret").await;
    other.cookies.insert("__Host-pq-verified".into(), verified.clone());
    let page = act(&mut other, "/helpdesk/force-change", &named(&world, "alice", "4"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "another operator in another browser");
    let own = other.cookies["__Host-pq-browser"].clone();
    other.cookies.insert("__Host-pq-browser".into(), browser.cookies["__Host-pq-browser"].clone());
    sign_in(&mut other, "helpdesk", "olga", "Olga-0ld-Secret").await;
    other.cookies.insert("__Host-pq-verified".into(), verified);
    find(&mut other, "alice").await;
    let page = act(&mut other, "/helpdesk/force-change", &named(&world, "alice", "5"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "another operator in the same browser, not {own}");
    world.clock.forward(VERIFIED.valid_for);
    let page = act(&mut browser, "/helpdesk/force-change", &named(&world, "alice", "6"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "its time is over");
}

#[tokio::test]
async fn a_wrong_answer_counts_as_the_persons_own_and_the_last_one_locks() {
    let (world, mut browser, asked) = asked().await;
    let (fields, wrong) = (named(&world, "alice", "1"), [("answer-0", "somewhere else")]);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &[("answer-0", "")]).await;
    assert!(page.html.contains("Fill in this field."), "what is not answered counts nothing");
    for left in ["4 attempts", "3 attempts", "2 attempts", "1 attempt"] {
        let page = act(&mut browser, "/helpdesk/verify", &fields, &wrong).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains(&format!("You have {left} left.")), "{left}: {}", page.html);
        assert!(!browser.cookies.contains_key("__Host-pq-verified"));
    }
    let state = world.consensus.state();
    let failed = state.audit().rev().find(|record| record.event == AuditEvent::AttemptFailed).unwrap();
    assert!(matches!(failed.actor, Actor::Helpdesk(_)), "the operator asked: {failed:?}");
    let subject = failed.subject.unwrap();
    assert_eq!(state.counter(AttemptTarget::User(subject)).unwrap().failures, 4);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &wrong).await;
    assert!(page.html.contains("PQ-LOCKED"), "{}", page.html);
    let page = find(&mut browser, "alice").await;
    assert!(page.html.contains("Nobody can be verified") && !page.html.contains("/helpdesk/verify"));
    let page = act(&mut browser, "/helpdesk/verify", &fields, &answers(&asked)).await;
    assert!(page.html.contains("PQ-LOCKED"), "not even with the right answer: {}", page.html);
    let mut alice = Browser::new(world.node("n1"));
    let page = start(&mut alice, "forgot-password", "alice").await;
    assert!(page.html.contains("PQ-LOCKED"), "the lock is the person's: {}", page.html);
}

#[tokio::test]
async fn a_right_answer_to_an_operator_forgives_no_guess_at_the_others() {
    let (world, mut browser, asked) = asked().await;
    let fields = named(&world, "alice", "1");
    for _ in 0..2 {
        act(&mut browser, "/helpdesk/verify", &fields, &[("answer-0", "somewhere else")]).await;
    }
    let page = act(&mut browser, "/helpdesk/verify", &fields, &answers(&asked)).await;
    assert!(page.html.contains("The caller is verified"), "{}", page.html);
    let state = world.consensus.state();
    let right = state.audit().rev().find(|record| record.event == AuditEvent::AttemptSucceeded).unwrap();
    let counter = AttemptTarget::User(right.subject.unwrap());
    assert_eq!(state.counter(counter).unwrap().failures, 2);
}

#[tokio::test]
async fn a_verification_is_worth_nothing_once_the_policy_asks_for_more() {
    let (world, mut browser, asked) = asked().await;
    let fields = named(&world, "alice", "1");
    act(&mut browser, "/helpdesk/verify", &fields, &answers(&asked)).await;
    assert!(find(&mut browser, "alice").await.html.contains("/helpdesk/reset"));
    for stricter in
        [Verification { questions: 2, ..VERIFIED }, Verification { valid_for: Span::minutes(1), ..VERIFIED }]
    {
        configure(&world, HelpdeskPolicy { verification: Some(stricter), ..all() });
        world.clock.forward(Span::minutes(1));
        let page = act(&mut browser, "/helpdesk/force-change", &fields, &[]).await;
        assert!(page.html.contains("Verify the caller first"), "{stricter:?}: {}", page.html);
    }
}

#[tokio::test]
async fn who_has_no_questions_to_ask_cannot_be_verified_and_nothing_is_done_for_them() {
    let world = World::raised();
    configure(&world, HelpdeskPolicy { verification: Some(VERIFIED), ..all() });
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    assert!(page.html.contains("has not registered enough"), "{}", page.html);
    let page =
        act(&mut browser, "/helpdesk/verify", &named(&world, "alice", "1"), &[("answer-0", "x")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let (path, more) = ("/helpdesk/passcode", [("length", "10"), ("hours", "1")]);
    assert_eq!(
        act(&mut browser, path, &named(&world, "alice", "2"), &more).await.status,
        StatusCode::FORBIDDEN
    );
}
