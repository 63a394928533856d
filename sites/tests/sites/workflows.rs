//! Workflows beyond the default ones: several actions, agreements, ways back, chosen questions, passcodes.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::{ANSWERS, Browser, Page, STEP, register, start};
use crate::fakes::{Controller, World, policy};
use crate::staff::sign_in;
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::config::ConfigChange;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{QuestionId, WorkflowId};
use passquorum_domain::ticket::{TicketKind, TicketResult, TicketState};
use passquorum_domain::time::Span;
use passquorum_domain::workflow::*;
use uuid::Uuid;

const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

fn asks(ask: AskedQuestions) -> QuestionAuthentication {
    QuestionAuthentication::asking(ask)
}

fn questions(settings: QuestionAuthentication) -> Activity {
    Activity::AuthenticateWithQuestions(settings)
}

fn reset() -> Activity {
    Activity::ResetPassword(ResetPassword { unlock: true, must_change: false })
}

fn enable() -> Activity {
    Activity::EnableAccount(EnableAccount {})
}

fn done(world: &World) -> Vec<TicketKind> {
    let state = world.consensus.state();
    let is_done =
        |state: &TicketState| matches!(state, TicketState::Closed { result: TicketResult::Done, .. });
    let mut kinds: Vec<_> =
        state.tickets().filter(|ticket| is_done(&ticket.state)).map(|ticket| ticket.kind).collect();
    kinds.sort_unstable();
    kinds
}

async fn begin(world: &World) -> (Browser, Page) {
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "forgot-password", "alice").await;
    (browser, page)
}

#[tokio::test]
async fn a_workflow_does_one_thing_after_the_other_each_under_a_ticket_of_its_own() {
    let agreement =
        Activity::AcceptAgreement(AcceptAgreement { text: "First <rule>.\r\n\r\nSecond rule.".into() });
    let world = World::with_steps(vec![agreement, questions(asks(AskedQuestions::All)), reset(), enable()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.record.status.disabled = true);
    let (mut browser, page) = begin(&world).await;
    assert_eq!(page.heading(), "Please read and accept");
    assert!(page.html.contains("<p>First &#60;rule&#62;.</p>\n<p>Second rule.</p>"), "{}", page.html);
    let page = browser.post(STEP, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("id=\"accept-wrong\""), "{}", page.html);
    let page = browser.post(STEP, &[("accept", "on")]).await;
    assert_eq!(page.heading(), "Answer your security questions");
    browser.post(STEP, &ANSWERS).await;
    let mut replay = browser.clone();
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Enable your account");
    let user = world.directory.user("alice");
    assert!(user.password == "Correct-Horse-7" && user.record.status.disabled, "one after the other");
    let again = replay.post(STEP, &[("new", "Evil-Horse-9"), ("confirm", "Evil-Horse-9")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the ticket of the first is used up");
    let page = browser.post(STEP, &[]).await;
    assert_eq!(page.heading(), "Your password is changed");
    let user = world.directory.user("alice");
    assert!(user.password == "Correct-Horse-7" && !user.record.status.disabled);
    assert_eq!(done(&world), [TicketKind::Reset, TicketKind::WriteProfile, TicketKind::Enable]);
}

#[tokio::test]
async fn a_failure_after_a_mark_leads_back_to_the_first_step() {
    let back = Activity::RestartOnError(RestartOnError {});
    let world = World::with_steps(vec![back, questions(asks(AskedQuestions::All)), reset()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, page) = begin(&world).await;
    assert_eq!(page.heading(), "Answer your security questions", "the mark itself has no page");
    browser.post(STEP, &ANSWERS).await;
    world.directory.set_controller(Controller::Forbids);
    let page = browser.post(STEP, &NEW).await;
    assert_ne!(page.status, StatusCode::OK);
    let page = browser.get(STEP).await;
    assert_eq!(page.heading(), "Answer your security questions");
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
}

#[tokio::test]
async fn a_domain_that_cannot_be_reached_is_no_reason_to_begin_again() {
    let back = Activity::RestartOnError(RestartOnError {});
    let world = World::with_steps(vec![questions(asks(AskedQuestions::All)), back, enable()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, _) = begin(&world).await;
    browser.post(STEP, &ANSWERS).await;
    world.directory.set_controller(Controller::Down);
    assert_ne!(browser.post(STEP, &[]).await.status, StatusCode::OK);
    world.directory.set_controller(Controller::Up);
    assert_eq!(browser.get(STEP).await.heading(), "Enable your account");
}

#[tokio::test]
async fn a_running_task_keeps_the_steps_it_began_with_by_their_revision() {
    let world = World::with_steps(vec![questions(asks(AskedQuestions::All)), reset(), enable()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, _) = begin(&world).await;
    let mut changed = policy();
    changed.workflows.clear();
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(changed)));
    browser.post(STEP, &ANSWERS).await;
    assert_eq!(browser.post(STEP, &NEW).await.heading(), "Enable your account");
    let general = world.consensus.state().config().unwrap().general.clone();
    for number in 0..100 {
        let organisation = format!("Example {number}");
        let general = passquorum_domain::config::GeneralSettings { organisation, ..general.clone() };
        world.consensus.configure(ConfigChange::SetGeneral(general));
    }
    let page = browser.post(STEP, &[]).await;
    assert_eq!(page.status, StatusCode::GONE, "so many edits later its revision is not kept any more");
    assert!(page.html.contains("An administrator changed the settings"), "{}", page.html);
}

#[tokio::test]
async fn a_task_that_was_begun_before_the_level_rose_goes_on_after_it() {
    let world = World::new();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, _) = begin(&world).await;
    world.raise();
    browser.post(STEP, &ANSWERS).await;
    assert_eq!(browser.post(STEP, &NEW).await.heading(), "Your password is changed");
}

const TOWN: QuestionId = QuestionId(Uuid::from_u128(1));
const PET: QuestionId = QuestionId(Uuid::from_u128(4));

#[tokio::test]
async fn chosen_questions_are_asked_of_everyone_and_only_who_answered_them_passes() {
    let ask = |ids: &[QuestionId]| {
        let settings =
            QuestionAuthentication { name_wrong: true, ..asks(AskedQuestions::These(ids.to_vec())) };
        World::with_steps(vec![questions(settings), reset()])
    };
    let world = ask(&[TOWN]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, known) = begin(&world).await;
    let mut stranger = Browser::new(world.node("n1"));
    let unknown = start(&mut stranger, "forgot-password", "nobody").await;
    let asked = |page: &Page| (page.html.matches("name=\"answer-").count(), page.html.contains("Which town"));
    assert_eq!((asked(&known), asked(&unknown)), ((1, true), (1, true)));
    for visitor in [&mut browser, &mut stranger] {
        let page = visitor.post(STEP, &[("answer-0", "Somewhere")]).await;
        assert!(
            page.html.contains("id=\"answer-0-wrong\"") && page.html.contains("You have 4 attempts left.")
        );
    }
    assert_eq!(browser.post(STEP, &ANSWERS[..1]).await.heading(), "Choose a new password");

    // A question that this person has not answered: nobody passes, whatever is typed.
    let world = ask(&[TOWN, PET]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, page) = begin(&world).await;
    assert_eq!(asked(&page), (2, true));
    let page = browser.post(STEP, &[ANSWERS[0], ("answer-1", "Biscuit")]).await;
    assert!(page.html.contains("id=\"answer-0-wrong\"") && page.html.contains("id=\"answer-1-wrong\""));
}

#[tokio::test]
async fn questions_are_drawn_from_the_wanted_sorts_and_too_few_let_nobody_in_where_that_is_wanted() {
    let only = |sort, count, too_few| {
        let settings =
            QuestionAuthentication { from: [sort].into(), too_few, ..asks(AskedQuestions::Random(count)) };
        World::with_steps(vec![questions(settings), reset()])
    };
    let world = only(QuestionSort::Own, 1, TooFew::Refuse);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, page) = begin(&world).await;
    assert!(
        page.html.contains("Where was the secret den?") && !page.html.contains("Which town"),
        "{}",
        page.html
    );
    assert_eq!(browser.post(STEP, &[("answer-0", ANSWERS[3].1)]).await.heading(), "Choose a new password");

    for (too_few, passes) in [(TooFew::AskAll, true), (TooFew::Refuse, false)] {
        let world = only(QuestionSort::Mandatory, 3, too_few);
        register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
        let (mut browser, page) = begin(&world).await;
        assert_eq!(page.html.matches("name=\"answer-").count(), 2, "the policy has no more");
        let page = browser.post(STEP, &ANSWERS[..2]).await;
        assert_eq!(page.heading() == "Choose a new password", passes, "{too_few:?}");
    }
}

fn with_passcodes(world: &World) {
    let mut policy = policy();
    let mut id = 900;
    policy.workflows = Workflow::defaults(FeatureLevel::CURRENT, || {
        id += 1;
        WorkflowId(Uuid::from_u128(id))
    });
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
}

async fn assign(desk: &mut Browser, hours: &str) -> (Page, String) {
    let page = desk.submit("/helpdesk/find", &[("name", "alice")]).await;
    let guid = page.hidden("guid").unwrap();
    let fields = [("name", "EXAMPLE\\alice"), ("guid", guid.as_str()), ("length", "10"), ("hours", hours)];
    let page = desk.submit("/helpdesk/passcode", &fields).await;
    let shown = page.html.split_once("<code class=\"passcode\">").map_or("", |(_, rest)| rest);
    let passcode = shown.split('<').next().unwrap().to_owned();
    (page, passcode)
}

async fn desk(world: &World) -> Browser {
    let mut desk = Browser::new(world.node("n1"));
    sign_in(&mut desk, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    desk.get("/helpdesk/").await;
    desk
}

#[tokio::test]
async fn a_passcode_of_the_helpdesk_lets_its_owner_choose_new_questions_once() {
    let world = World::raised();
    let mut desk = desk(&world).await;
    let page = desk.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(!page.html.contains("/helpdesk/passcode"), "no task takes one yet");
    with_passcodes(&world);
    let (page, first) = assign(&mut desk, "24").await;
    assert_eq!((page.status, first.len()), (StatusCode::OK, 11), "{}", page.html);
    let (_, passcode) = assign(&mut desk, "24").await;
    assert_ne!(first, passcode);
    let page = desk.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(page.html.contains("Assigned, good until") && !page.html.contains(&passcode), "it is shown once");

    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "use-passcode", "alice").await;
    assert_eq!(page.heading(), "Enter your passcode");
    let page = browser.post(STEP, &[("passcode", "what?")]).await;
    assert!(page.html.contains("a passcode has 8 to 32 letters and digits"), "{}", page.html);
    let page = browser.post(STEP, &[("passcode", &first)]).await;
    assert!(page.html.contains("You have 4 attempts left."), "replaced by the second: {}", page.html);
    let typed = passcode.to_lowercase().replace('-', " ");
    let mut thief = browser.clone();
    let page = browser.post(STEP, &[("passcode", &typed)]).await;
    assert_eq!(page.heading(), "Choose your security questions");
    let page = thief.post(STEP, &[("passcode", &typed)]).await;
    assert!(page.html.contains("not right, was used already"), "{}", page.html);
    let fields = [
        ("question-2", "00000000-0000-0000-0000-000000000003"),
        ("question-3", "Where was the secret den?"),
        ANSWERS[0],
        ANSWERS[1],
        ANSWERS[2],
        ANSWERS[3],
    ];
    assert_eq!(browser.post(STEP, &fields).await.heading(), "Your security questions are saved");
    let state = world.consensus.state();
    let told = |event: fn(&AuditEvent) -> bool| state.audit().filter(|record| event(&record.event)).count();
    assert_eq!(told(|event| matches!(event, AuditEvent::PasscodeAssigned { .. })), 2);
    assert_eq!(told(|event| matches!(event, AuditEvent::PasscodeSpent)), 1);
}

#[tokio::test]
async fn nobody_who_administers_or_helps_is_given_a_passcode_nor_anyone_whom_no_task_takes_it_from() {
    let world = World::raised();
    let mut desk = desk(&world).await;
    let assign = |name: &'static str, guid: String| {
        [("name", name.to_owned()), ("guid", guid), ("length", "10".to_owned()), ("hours", "1".to_owned())]
    };
    for (name, without_a_task, status) in
        [("EXAMPLE\\alice", true, StatusCode::BAD_REQUEST), ("EXAMPLE\\root", false, StatusCode::FORBIDDEN)]
    {
        if !without_a_task {
            with_passcodes(&world);
        }
        let account = name.rsplit('\\').next().unwrap();
        let guid = world.directory.user(account).record.user.guid.to_string();
        let page = desk.submit("/helpdesk/find", &[("name", name)]).await;
        assert!(!page.html.contains("/helpdesk/passcode"), "{name}");
        let fields = assign(name, guid);
        let fields: Vec<_> = fields.iter().map(|(field, value)| (*field, value.as_str())).collect();
        assert_eq!(desk.submit("/helpdesk/passcode", &fields).await.status, status, "{name}");
    }
    let state = world.consensus.state();
    assert!(!state.audit().any(|record| matches!(record.event, AuditEvent::PasscodeAssigned { .. })));
}

#[tokio::test]
async fn more_answers_than_were_asked_for_look_the_same_for_everyone() {
    let settings = QuestionAuthentication { name_wrong: true, ..asks(AskedQuestions::All) };
    let world = World::with_steps(vec![questions(settings), reset()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let fields: Vec<_> = (0..50).map(|place| (format!("answer-{place}"), "Somewhere")).collect();
    let fields: Vec<_> = fields.iter().map(|(field, value)| (field.as_str(), *value)).collect();
    let mut told = Vec::new();
    for name in ["alice", "nobody", "bob"] {
        let mut browser = Browser::new(world.node("n1"));
        start(&mut browser, "forgot-password", name).await;
        let page = browser.post(STEP, &fields).await;
        told.push((page.status, page.html.matches("This answer is not right.").count()));
    }
    assert!(told[0].1 > 0 && told.iter().all(|one| *one == told[0]), "{told:?}");
}

#[tokio::test]
async fn the_last_page_tells_what_was_done_whatever_the_workflow_is_called() {
    let world = World::with_steps(vec![questions(asks(AskedQuestions::All)), enable()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.record.status.disabled = true);
    let (mut browser, _) = begin(&world).await;
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &[]).await;
    assert_eq!(page.heading(), "Done", "{}", page.html);
    assert!(!page.html.contains("new password"), "{}", page.html);
}

#[tokio::test]
async fn after_a_step_that_did_something_nobody_is_told_that_nothing_was_changed() {
    let world = World::with_steps(vec![questions(asks(AskedQuestions::All)), reset(), enable()]);
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, _) = begin(&world).await;
    browser.post(STEP, &ANSWERS).await;
    browser.post(STEP, &NEW).await;
    world.directory.set_controller(Controller::Down);
    let page = browser.post(STEP, &[]).await;
    assert!(page.html.contains("What you did in the steps before it stands."), "{}", page.html);
    assert!(!page.html.to_lowercase().contains("nothing was changed"), "{}", page.html);
}

#[tokio::test]
async fn a_passcode_ends_with_its_time_and_guesses_lock_as_wrong_answers_do() {
    let world = World::raised();
    with_passcodes(&world);
    let mut desk = desk(&world).await;
    for hours in ["0", "169", "x"] {
        let (page, _) = assign(&mut desk, hours).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{hours}");
    }
    let (_, passcode) = assign(&mut desk, "1").await;
    world.clock.forward(Span::hours(1));
    let mut browser = Browser::new(world.node("n1"));
    start(&mut browser, "use-passcode", "alice").await;
    let page = browser.post(STEP, &[("passcode", &passcode)]).await;
    assert!(page.html.contains("You have 4 attempts left."), "{}", page.html);
    for _ in 0..4 {
        browser.post(STEP, &[("passcode", "00000-00000")]).await;
    }
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "use-passcode", "alice").await;
    assert!(page.html.contains("PQ-LOCKED"), "{}", page.html);
}
