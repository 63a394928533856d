//! A code by mail, and the choice among ways to prove who one is.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::{ANSWERS, Browser, Page, STEP, register, start};
use crate::fakes::World;
use crate::notify::{letters, with_mail};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::config::ConfigChange;
use passquorum_domain::mail::Notices;
use passquorum_domain::time::Span;
use passquorum_domain::workflow::*;

const CODE: MailCodeAuthentication = MailCodeAuthentication { digits: 6, life: Span::minutes(10) };
const SEND: [(&str, &str); 1] = [("send", "on")];
const PASSED: &str = "Choose a new password";

fn reset() -> Activity {
    Activity::ResetPassword(ResetPassword { unlock: true, must_change: false })
}

/// A realm that sends mail, but tells nobody of what is done.
fn world(proof: Activity) -> World {
    let world = World::raised();
    with_mail(&world, Notices { user: false, administrators: false });
    world.set_steps(vec![proof, reset()]);
    world
}

fn by_mail() -> World {
    world(Activity::AuthenticateWithMailCode(CODE))
}

fn methods() -> World {
    let questions = QuestionAuthentication::asking(AskedQuestions::All);
    let offered = vec![
        AuthenticationMethod::MailCode(CODE),
        AuthenticationMethod::Questions(questions),
        AuthenticationMethod::Password(PasswordAuthentication {}),
    ];
    world(Activity::AuthenticationMethods(AuthenticationMethods { offered }))
}

async fn begin(world: &World, name: &str) -> (Browser, Page) {
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "forgot-password", name).await;
    (browser, page)
}

/// The codes in the mails that wait.
fn codes(world: &World) -> Vec<String> {
    let code = |text: &str| {
        let after = text.split_once("your code is ").unwrap().1;
        after.split('.').next().unwrap().to_owned()
    };
    letters(world).iter().map(|mail| code(&mail.text)).collect()
}

/// Another code than these, of as many digits.
fn other_than(codes: &[String]) -> String {
    (0..).map(|number| format!("{number:06}")).find(|code| !codes.contains(code)).unwrap()
}

#[tokio::test]
async fn a_code_goes_by_mail_is_taken_at_another_node_and_once() {
    let world = by_mail();
    let (mut browser, page) = begin(&world, "alice").await;
    assert_eq!(page.heading(), "Get a code by mail");
    assert!(page.html.contains("<strong>a***@c***.example</strong>"), "{}", page.html);
    assert!(codes(&world).is_empty(), "nothing is sent before it is asked for");
    let page = browser.post(STEP, &[("code", "123456")]).await;
    assert!(page.html.contains("No code was sent yet."), "{}", page.html);
    let page = browser.post(STEP, &SEND).await;
    assert_eq!(page.heading(), "Enter the code from your mail");
    let code = codes(&world).remove(0);
    let letter = letters(&world).remove(0);
    assert!(letter.to.as_str() == "alice@corp.example" && letter.subject.contains("Forgot My Password"));

    browser.node = world.node("n2");
    let page = browser.post(STEP, &[("code", "12 34")]).await;
    assert!(page.html.contains("A code has 6 digits.") && !page.html.contains("attempts left"));
    let page = browser.post(STEP, &[("code", &other_than(std::slice::from_ref(&code)))]).await;
    assert!(page.html.contains("You have 4 attempts left."), "{}", page.html);
    let mut thief = browser.clone();
    let typed = format!(" {}-{} ", &code[..3], &code[3..]);
    assert_eq!(browser.post(STEP, &[("code", &typed)]).await.heading(), PASSED);
    let page = thief.post(STEP, &[("code", &code)]).await;
    assert!(page.html.contains("was used already"), "{}", page.html);
    let state = world.consensus.state();
    let told = |event: fn(&AuditEvent) -> bool| state.audit().filter(|record| event(&record.event)).count();
    assert_eq!(told(|event| matches!(event, AuditEvent::MailCodeSent { .. })), 1);
    assert_eq!(told(|event| matches!(event, AuditEvent::MailCodeSpent)), 1);
}

#[tokio::test]
async fn a_code_is_of_the_run_that_asked_for_it_and_ends_with_its_time() {
    let world = by_mail();
    let (mut first, _) = begin(&world, "alice").await;
    first.post(STEP, &SEND).await;
    let code = codes(&world).remove(0);
    world.clock.forward(Span::minutes(1));
    let (mut second, _) = begin(&world, "alice").await;
    second.post(STEP, &SEND).await;
    let both = codes(&world);
    let newest = both.iter().find(|one| **one != code).unwrap();
    let page = first.post(STEP, &[("code", newest)]).await;
    assert!(page.html.contains("This code is not right"), "of another run: {}", page.html);
    let page = first.post(STEP, &[("code", &code)]).await;
    assert!(page.html.contains("This code is not right"), "replaced: {}", page.html);
    world.clock.forward(Span::minutes(10));
    let page = second.post(STEP, &[("code", newest)]).await;
    assert!(page.html.contains("This code is not right"), "out of date: {}", page.html);
}

#[tokio::test]
async fn codes_are_sent_slowly_and_only_so_many_within_an_hour() {
    let world = by_mail();
    let (mut browser, _) = begin(&world, "alice").await;
    browser.post(STEP, &SEND).await;
    let page = browser.post(STEP, &SEND).await;
    assert!(page.html.contains("You can have another one in 1 minute."), "{}", page.html);
    assert_eq!(page.heading(), "Enter the code from your mail");
    for _ in 0..4 {
        world.clock.forward(Span::seconds(30));
        browser.post(STEP, &SEND).await;
    }
    world.clock.forward(Span::seconds(30));
    let page = browser.post(STEP, &SEND).await;
    assert!(page.html.contains("You can have another one in 58 minutes."), "{}", page.html);
    assert_eq!(codes(&world).len(), 5);
}

#[tokio::test]
async fn guesses_lock_whatever_run_they_are_made_in() {
    let world = by_mail();
    let (mut one, _) = begin(&world, "alice").await;
    one.post(STEP, &SEND).await;
    world.clock.forward(Span::seconds(30));
    let (mut other, _) = begin(&world, "alice").await;
    other.post(STEP, &SEND).await;
    let wrong = other_than(&codes(&world));
    for (place, left) in ["4 attempts", "3 attempts", "2 attempts", "1 attempt"].into_iter().enumerate() {
        let browser = if place % 2 == 0 { &mut one } else { &mut other };
        let page = browser.post(STEP, &[("code", &wrong)]).await;
        assert!(page.html.contains(&format!("You have {left} left.")), "{}", page.html);
    }
    assert!(one.post(STEP, &[("code", &wrong)]).await.html.contains("PQ-LOCKED"));
    assert!(begin(&world, "alice").await.1.html.contains("PQ-LOCKED"));
}

#[tokio::test]
async fn everybody_is_shown_an_address_and_the_same_pages() {
    let world = by_mail();
    let shape = |browser: &Browser, page: &Page, name: &str| {
        let html = page.html.replace(&browser.csrf, "").replace(&browser.step, "").replace(name, "NAME");
        // All of the address but its first letter is the same for everybody.
        let (before, after) = html.split_once("***@c***.example</strong>").unwrap();
        let before = before.strip_suffix(char::is_alphanumeric).unwrap();
        format!("{before}{after}")
    };
    let mut told = Vec::new();
    for name in ["alice", "zelda", "bob", "olga"] {
        let (mut browser, page) = begin(&world, name).await;
        let mut pages = vec![shape(&browser, &page, name)];
        for fields in [&SEND, &SEND, &[("code", "000000")]] {
            let page = browser.post(STEP, fields).await;
            pages.push(shape(&browser, &page, name));
        }
        told.push(pages);
    }
    let first = told.remove(0);
    assert!(first[2].contains("another one in 1 minute") && first[3].contains("4 attempts left"));
    for other in told {
        assert_eq!(first, other);
    }
    assert_eq!(codes(&world).len(), 1, "only one of them has an address");
    let again = |page: &Page| page.html.split_once("***@").unwrap().0.chars().last();
    let (one, two) = (begin(&world, "zelda").await.1, begin(&world, "ZELDA").await.1);
    assert_eq!(again(&one), again(&two), "a made-up address stays the same");
}

#[tokio::test]
async fn a_full_outbox_tells_nobody_who_has_an_address() {
    use passquorum_domain::command::Action;
    use passquorum_domain::ids::MailId;
    use passquorum_domain::mail::QueuedMail;
    use passquorum_domain::ports::{Clock, Purpose, Vault};
    let world = by_mail();
    for number in 0..QueuedMail::MOST_WAITING as u128 {
        let id = MailId(uuid::Uuid::from_u128(number));
        let content = world.vault.seal(Purpose::Mail, id.0.as_bytes(), b"{}").unwrap();
        let not_after = world.clock.now().plus(Span::hours(1));
        world.consensus.apply(Action::QueueMail { id, subject: None, content, not_after }).unwrap();
    }
    for name in ["alice", "zelda"] {
        let (mut browser, _) = begin(&world, name).await;
        let page = browser.post(STEP, &SEND).await;
        assert!(page.html.contains("PQ-OUTBOX-FULL"), "{name}: {}", page.html);
    }
}

#[tokio::test]
async fn a_way_is_chosen_and_another_one_gives_no_new_guesses() {
    let world = methods();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, page) = begin(&world, "alice").await;
    assert_eq!(page.heading(), "How do you want to prove who you are?");
    assert!(page.html.contains("value=\"0\" checked> Get a code by mail"), "{}", page.html);
    for nothing in ["", "3", "-1", "x"] {
        let page = browser.post(STEP, &[("method", nothing)]).await;
        assert!(page.html.contains("method-wrong"), "{}", page.html);
    }
    let page = browser.post(STEP, &[("method", "1")]).await;
    assert_eq!(page.heading(), "Answer your security questions");
    let wrong =
        [("answer-0", "Nowhere"), ("answer-1", "Nothing"), ("answer-2", "Nobody"), ("answer-3", "Never")];
    assert!(browser.post(STEP, &wrong).await.html.contains("You have 4 attempts left."));
    let stale = browser.clone();
    assert_eq!(browser.post(STEP, &[("other", "on")]).await.heading(), page_of_choice());
    assert_eq!(browser.post(STEP, &[("method", "2")]).await.heading(), "Enter your password");
    let page = browser.post(STEP, &[("password", "Wrong-Pass-1")]).await;
    assert!(page.html.contains("You have 3 attempts left."), "{}", page.html);
    browser.post(STEP, &[("other", "on")]).await;
    browser.post(STEP, &[("method", "0")]).await;
    browser.post(STEP, &SEND).await;
    let code = codes(&world).remove(0);
    let page = browser.post(STEP, &[("code", &other_than(std::slice::from_ref(&code)))]).await;
    assert!(page.html.contains("You have 2 attempts left."), "{}", page.html);
    // A page that was left goes on where it was, and counts on.
    let mut left = stale;
    assert!(left.post(STEP, &wrong).await.html.contains("You have 1 attempt left."));
    // Back at the choice and again at the mail: the code that is under way is still asked for.
    browser.post(STEP, &[("other", "on")]).await;
    assert_eq!(browser.post(STEP, &[("method", "0")]).await.heading(), "Enter the code from your mail");
    assert_eq!(browser.post(STEP, &[("code", &code)]).await.heading(), PASSED);
}

fn page_of_choice() -> &'static str {
    "How do you want to prove who you are?"
}

#[tokio::test]
async fn each_way_leads_on() {
    for (method, fields) in [("1", &ANSWERS[..]), ("2", &[("password", "Alice-0ld-Secret")])] {
        let world = methods();
        register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
        let (mut browser, _) = begin(&world, "alice").await;
        browser.post(STEP, &[("method", method)]).await;
        assert_eq!(browser.post(STEP, fields).await.heading(), PASSED, "{method}");
    }
}

#[tokio::test]
async fn while_a_code_goes_by_mail_the_realm_keeps_its_servers() {
    let world = by_mail();
    let config = world.consensus.state().config().unwrap().clone();
    let general = passquorum_domain::config::GeneralSettings { mail: None, ..config.general.clone() };
    let problems = config.with(ConfigChange::SetGeneral(general)).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].field, "policies[0].workflows[0].activities[0]");
}
