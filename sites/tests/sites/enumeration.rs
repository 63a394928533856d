//! A stranger cannot tell which names are users': the pages are the same.

use crate::browser::*;
use crate::fakes::*;
use passquorum_domain::audit::{AuditEvent, Site};
use passquorum_domain::config::ConfigChange;
use passquorum_domain::ids::{PolicyId, WorkflowId};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A page without what differs from visit to visit, and without what differs from person to person: which of the optional
/// questions they chose, and what they wrote as a question of their own, where a policy asks for one (SECURITY.md, *Known limits*).
fn shape(browser: &Browser, page: &Page, name: &str) -> String {
    page.html
        .replace(&browser.csrf, "CSRF")
        .replace(&format!("value=\"{}\"", browser.step), "STEP")
        .replace(name, "NAME")
        .replace("What was your first pet called?", "OPTIONAL")
        .replace("Which film did you see first in a cinema?", "OPTIONAL")
        .lines()
        .filter(|line| !line.contains("<dd><code>") && !line.contains(OWN_QUESTION))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What the line of the question of one's own has.
const OWN_QUESTION: &str = "for=\"answer-3\"";

/// A realm whose policy asks for so many questions of one's own, and where alice has registered.
async fn world_with(own: u32) -> World {
    let world = World::new();
    let mut policy = policy();
    policy.qa.user_defined_to_register = own;
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    let page = register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert!(page.html.contains("Done"), "{}", page.html);
    world
}

/// What a stranger sees of a name: every page until the lock.
async fn pages(world: &World, task: &str, name: &str, fields: &[(&str, &str)]) -> Vec<String> {
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, task, name).await;
    let mut seen = vec![format!("{} {}", page.status, shape(&browser, &page, name))];
    for _ in 0..6 {
        let page = browser.post(STEP, fields).await;
        seen.push(format!("{} {}", page.status, shape(&browser, &page, name)));
    }
    let page = start(&mut browser, task, name).await;
    seen.push(format!("{} {}", page.status, shape(&browser, &page, name)));
    seen
}

const WRONG: [(&str, &str); 4] = [("answer-0", "a"), ("answer-1", "b"), ("answer-2", "c"), ("answer-3", "d")];

/// That nobody is told from alice.
async fn all_are_alike(world: &World, task: &str, fields: &[(&str, &str)]) {
    let user = pages(world, task, "alice", fields).await;
    for (name, who) in [("zelda", "unknown"), ("bob", "without a profile"), ("olga", "outside the scope")] {
        let other = pages(world, task, name, fields).await;
        for (left, right) in user.iter().zip(&other).flat_map(|(l, r)| l.lines().zip(r.lines())) {
            assert_eq!(left, right, "{task} of {who}");
        }
        assert_eq!(user, other, "{task} of {who}");
    }
}

#[tokio::test]
async fn a_user_and_every_kind_of_nobody_see_the_same_pages_until_the_lock() {
    for own in [0, 1] {
        for (task, fields) in [
            ("forgot-password", &WRONG[..]),
            ("unlock-account", &WRONG[..]),
            ("register", &[("password", "Wrong-Pass-1")]),
            (
                "change-password",
                &[("current", "Wrong-Pass-1"), ("new", "Correct-1"), ("confirm", "Correct-1")],
            ),
        ] {
            all_are_alike(&world_with(own).await, task, fields).await;
        }
    }
}

#[tokio::test]
async fn a_question_is_asked_in_its_present_words_whoever_answered_it_before() {
    let world = world_with(0).await;
    let mut policy = world.consensus.state().config().unwrap().policies[0].clone();
    policy.qa.questions[0].text = "In which town were you born?".into();
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    let page = start(&mut Browser::new(world.node("n1")), "forgot-password", "alice").await;
    assert!(page.html.contains("In which town were you born?"), "{}", page.html);
    all_are_alike(&world, "forgot-password", &WRONG).await;
}

#[tokio::test]
async fn a_name_that_is_nobodys_is_shown_any_policy_and_always_the_same() {
    let world = World::new();
    let mut second = policy();
    second.id = PolicyId(Uuid::from_u128(0xb1));
    second.name = "Second".into();
    for (number, workflow) in (0x300_u128..).zip(&mut second.workflows) {
        workflow.id = WorkflowId(Uuid::from_u128(number));
    }
    second.qa.questions[0].text = "What does the second policy ask?".into();
    let mut idle = second.clone();
    idle.id = PolicyId(Uuid::from_u128(0xb2));
    idle.name = "Idle".into();
    idle.scope.clear();
    idle.qa.questions[0].text = "What does the policy ask that serves nobody?".into();
    for (number, workflow) in (0x400_u128..).zip(&mut idle.workflows) {
        workflow.id = WorkflowId(Uuid::from_u128(number));
    }
    for policy in [second, idle] {
        world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    }
    let node = world.node("n1");
    let mut shown = BTreeSet::new();
    for number in 0..24 {
        let name = format!("nobody-{number}");
        let mut asks_second = Vec::new();
        for task in ["forgot-password", "unlock-account"] {
            let page = start(&mut Browser::new(node.clone()), task, &name).await;
            assert!(!page.html.contains("that serves nobody"), "{name}: {}", page.html);
            asks_second.push(page.html.contains("What does the second policy ask?"));
        }
        asks_second.dedup();
        assert_eq!(asks_second.len(), 1, "{name}");
        shown.extend(asks_second);
    }
    assert_eq!(shown.len(), 2);
}

#[tokio::test]
async fn an_ambiguous_name_is_nobodys() {
    let world = World::new();
    world.directory.edit("bob", |user| user.record.upn = Some("shared@example.com".into()));
    world.directory.edit("alice", |user| user.record.upn = Some("shared@example.com".into()));
    let mut browser = Browser::new(world.node("n1"));
    start(&mut browser, "register", "shared@example.com").await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert!(page.html.contains("is not right"));
    let state = world.consensus.state();
    assert!(state.audit().any(|record| record.event == AuditEvent::NotServed(Site::SelfService)));
}

#[tokio::test]
async fn all_spellings_of_a_name_share_one_lock_and_one_set_of_questions() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let first = start(&mut browser, "forgot-password", "zelda").await;
    for _ in 0..5 {
        browser.post(STEP, &WRONG).await;
    }
    for name in ["ZELDA", "EXAMPLE\\zelda", "zelda@example.com"] {
        let page = start(&mut Browser::new(world.node("n1")), "forgot-password", name).await;
        assert!(page.html.contains("PQ-LOCKED"), "{name}");
    }
    world.clock.forward(passquorum_domain::time::Span::minutes(15));
    let again = start(&mut browser, "forgot-password", "zelda").await;
    let labels = |page: &Page| {
        page.html.lines().filter(|l| l.contains("<label")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(labels(&first), labels(&again));
    assert_eq!(labels(&first).len(), 4);
}

#[tokio::test]
async fn no_spelling_tells_a_user_from_nobody() {
    let world = World::new();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    for name in ["alice", "zelda"] {
        let mut browser = Browser::new(world.node("n1"));
        start(&mut browser, "forgot-password", name).await;
        for _ in 0..5 {
            browser.post(STEP, &WRONG).await;
        }
        for (spelling, locked) in [
            (format!("EXAMPLE\\{name}"), true),
            (format!("{name}@EXAMPLE.com"), true),
            (format!("NOSUCH\\{name}"), false),
            (format!("{name}@x.invalid"), false),
            (format!("{name}@a@example.com"), false),
        ] {
            let page = start(&mut Browser::new(world.node("n1")), "forgot-password", &spelling).await;
            assert_eq!(page.html.contains("PQ-LOCKED"), locked, "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_source_may_begin_so_many_tasks_whatever_names_it_types() {
    for name in ["alice", "zelda", "olga"] {
        let world = World::new();
        let mut general = config().general;
        general.source_limit.threshold = 3;
        world.consensus.configure(ConfigChange::SetGeneral(general));
        let node = world.node("n1");
        let mut refused = Vec::new();
        for _ in 0..5 {
            let page = start(&mut Browser::new(node.clone()), "forgot-password", name).await;
            refused.push(page.html.contains("PQ-TOO-MANY-REQUESTS"));
        }
        assert_eq!(refused, [false, false, false, true, true], "{name}");
        world.clock.forward(passquorum_domain::time::Span::minutes(15));
        let page = start(&mut Browser::new(node), "forgot-password", name).await;
        assert!(page.html.contains("answer-0"), "{name}");
    }
}

#[tokio::test]
async fn the_cookie_has_the_same_length_for_users_and_others() {
    let world = World::new();
    let mut lengths = Vec::new();
    for name in ["alice", "zelda", "olga", "a.very.long.name.that.nobody.has@example.com"] {
        let mut browser = Browser::new(world.node("n1"));
        start(&mut browser, "register", name).await;
        lengths.push(browser.cookies["__Host-pq-progress"].len());
    }
    lengths.dedup();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

#[tokio::test]
async fn a_user_without_a_profile_never_passes_with_any_answer() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    start(&mut browser, "forgot-password", "bob").await;
    let page = browser.post(STEP, &ANSWERS).await;
    assert!(page.html.contains("could not verify you"));
    let page = browser.post(STEP, &[]).await;
    assert!(page.html.contains("Fill in this field."));
}
