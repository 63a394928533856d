//! Each default workflow from the first page to the last.

use crate::browser::*;
use crate::fakes::*;
use http::StatusCode;
use passquorum_domain::config::ConfigChange;
use passquorum_domain::ticket::{TicketKind, TicketResult, TicketState};

const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

/// How the tickets of a kind ended; none may be left open.
fn closed(world: &World, kind: TicketKind) -> Vec<TicketResult> {
    let state = world.consensus.state();
    let mut results = Vec::new();
    for ticket in state.tickets().filter(|ticket| ticket.kind == kind) {
        assert_ne!(ticket.state, TicketState::Open);
        if let TicketState::Closed { result, .. } = &ticket.state {
            results.push(result.clone());
        }
    }
    results
}

#[tokio::test]
async fn register_keeps_a_sealed_profile_without_a_clear_answer() {
    let world = World::new();
    let page = register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert_eq!(page.heading(), "Your security questions are saved", "{}", page.html);
    let stored = world.directory.user("alice").profile.unwrap();
    let text = String::from_utf8_lossy(stored.sealed.as_bytes()).to_lowercase();
    assert!(ANSWERS.iter().all(|(_, answer)| !text.contains(&answer.to_lowercase())));
    assert!(!text.contains("den"), "own questions are sealed too");
    assert_eq!(closed(&world, TicketKind::WriteProfile), [TicketResult::Done]);
}

#[tokio::test]
async fn forgot_my_password_sets_a_new_one_with_each_step_on_another_node() {
    let world = World::new();
    let (one, two) = (world.node("n1"), world.node("n2"));
    register(&one, "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.record.status.locked = true);
    let mut browser = Browser::new(one.clone());
    let page = start(&mut browser, "forgot-password", "EXAMPLE\\Alice").await;
    assert!(page.html.contains("Which town were you born in?"), "{}", page.html);
    assert!(page.html.contains("Where was the secret den?"));
    browser.node = two.clone();
    let page = browser.post(STEP, &ANSWERS).await;
    assert_eq!(page.heading(), "Choose a new password");
    assert!(page.html.contains("At least 10 characters"), "the domain's rule is the stricter one");
    browser.node = one;
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
    let user = world.directory.user("alice");
    assert_eq!(user.password, "Correct-Horse-7");
    assert!(!user.record.status.locked, "the default workflow unlocks too");
    assert_eq!(closed(&world, TicketKind::Reset), [TicketResult::Done]);
}

#[tokio::test]
async fn unlock_my_account_leaves_the_password_alone() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.record.status.locked = true);
    let mut browser = Browser::new(node);
    start(&mut browser, "unlock-account", "alice@example.com").await;
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &[]).await;
    assert_eq!(page.heading(), "Your account is unlocked");
    let user = world.directory.user("alice");
    assert!(!user.record.status.locked);
    assert_eq!(user.password, "Alice-0ld-Secret");
}

#[tokio::test]
async fn manage_my_passwords_asks_for_the_old_and_the_new_one_on_one_page() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "change-password", "alice").await;
    assert!(page.html.contains("Current password"), "{}", page.html);
    let wrong = [("current", "Not-It-At-All-1"), NEW[0], NEW[1]];
    let page = browser.post(STEP, &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("You have 4 attempts left."), "{}", page.html);
    let page = browser.post(STEP, &[("current", "Alice-0ld-Secret"), NEW[0], NEW[1]]).await;
    assert_eq!(page.heading(), "Your password is changed");
    assert_eq!(world.directory.user("alice").password, "Correct-Horse-7");
}

#[tokio::test]
async fn manage_my_profile_shows_the_questions_but_never_the_answers() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let before = world.directory.user("alice").profile;
    let mut browser = Browser::new(node);
    start(&mut browser, "manage-profile", "alice").await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert!(page.html.contains("Where was the secret den?"));
    assert!(page.html.contains("value=\"00000000-0000-0000-0000-000000000003\" selected"));
    assert!(ANSWERS.iter().all(|(_, answer)| !page.html.contains(answer)));
    let fields = [
        ("question-2", "00000000-0000-0000-0000-000000000004"),
        ("question-3", "What stood on the roof?"),
        ("answer-0", "Harlingen"),
        ("answer-1", "Kastanje"),
        ("answer-2", "Nosferatu"),
        ("answer-3", "a weather cock"),
    ];
    let page = browser.post(STEP, &fields).await;
    assert_eq!(page.heading(), "Your security questions are saved");
    assert_ne!(world.directory.user("alice").profile, before);
}

#[tokio::test]
async fn a_registration_with_many_mistakes_names_them_all_and_repeats_no_answer() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    start(&mut browser, "register", "alice").await;
    browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    let fields = [
        ("question-3", "Short?"),
        ("answer-0", "town"),
        ("answer-1", "x"),
        ("answer-2", "Zebedee-Secret"),
        ("answer-3", ""),
    ];
    let page = browser.post(STEP, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut summary = page.html.as_str();
    for wrong in ["answer-0", "answer-1", "question-2", "question-3", "answer-3"] {
        assert!(page.html.contains(&format!("id=\"{wrong}-wrong\"")), "{wrong} in {}", page.html);
        let (_, rest) = summary.split_once(&format!("href=\"#{wrong}\"")).expect("each, in the form's order");
        summary = rest;
    }
    assert!(!page.html.contains("Zebedee-Secret"));
    assert!(page.html.contains("value=\"Short?\""), "the question of one's own is kept");
    assert_eq!(world.directory.user("alice").profile, None);
}

#[tokio::test]
async fn a_password_that_the_domain_refuses_can_be_replaced_by_another() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &[("new", "short"), ("confirm", "short")]).await;
    assert!(page.html.contains("Use at least 10 characters."));
    let page = browser.post(STEP, &[("new", "Alice-is-here-1"), ("confirm", "Alice-is-here-1")]).await;
    assert!(page.html.contains("Leave out your name"), "{}", page.html);
    let page = browser.post(STEP, &[NEW[0], ("confirm", "Another-Horse-8")]).await;
    assert!(page.html.contains("are not the same"));
    assert_eq!(closed(&world, TicketKind::Reset), [], "none of these reached the directory");
    world.directory.set_controller(Controller::Remembers);
    let page = browser.post(STEP, &NEW).await;
    assert!(page.html.contains("does not accept this password"));
    assert!(!page.html.contains("Correct-Horse-7"));
    let page = browser.post(STEP, &[("new", "Other-Horse-8"), ("confirm", "Other-Horse-8")]).await;
    assert_eq!(page.heading(), "Your password is changed");
    assert_eq!(closed(&world, TicketKind::Reset).len(), 2, "each try has its own ticket");
}

#[tokio::test]
async fn a_replayed_cookie_cannot_reset_twice() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    let answering = browser.clone();
    browser.post(STEP, &ANSWERS).await;
    let mut replay = browser.clone();
    browser.post(STEP, &NEW).await;
    let page = replay.post(STEP, &[("new", "Evil-Horse-9"), ("confirm", "Evil-Horse-9")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.html.contains("PQ-TICKET-USED"));
    let mut replay = answering;
    replay.post(STEP, &ANSWERS).await;
    let page = replay.post(STEP, &[("new", "Evil-Horse-9"), ("confirm", "Evil-Horse-9")]).await;
    assert_eq!(
        page.status,
        StatusCode::CONFLICT,
        "an earlier state of the same run leads to the same ticket"
    );
    assert_eq!(world.directory.user("alice").password, "Correct-Horse-7");
}

#[tokio::test]
async fn a_running_task_keeps_the_steps_it_began_with() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    let mut policy = policy();
    policy.workflows.clear();
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
    let page = Browser::new(browser.node).get("/self-service/start/forgot-password").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "but no new one can be started");
}

#[tokio::test]
async fn a_form_of_an_earlier_step_leads_to_the_present_one() {
    let world = World::new();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "alice").await;
    let first = browser.step.clone();
    browser.post(STEP, &ANSWERS).await;
    browser.step = first;
    let page = browser.post(STEP, &ANSWERS).await;
    assert_eq!((page.status, page.heading()), (StatusCode::OK, "Choose a new password"));
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_belongs_to_its_browser() {
    let world = World::new();
    let node = world.node("n1");
    let mut browser = Browser::new(node.clone());
    start(&mut browser, "change-password", "alice").await;
    let mut thief = Browser::new(node);
    thief.get("/self-service/").await;
    let stolen = browser.cookies["__Host-pq-progress"].clone();
    thief.cookies.insert("__Host-pq-progress".into(), stolen);
    assert_eq!(thief.get(STEP).await.status, StatusCode::GONE);
    assert_eq!(browser.get(STEP).await.status, StatusCode::OK);
    world.clock.forward(config().general.session);
    let page = browser.get(STEP).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.html.contains("PQ-SESSION-EXPIRED"));
}
