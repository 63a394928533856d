//! Answers that are kept for the helpdesk: who is shown them, what that counts and leaves behind, and what they prove.

use super::*;
use passquorum_domain::blob::Sealed;
use passquorum_domain::helpdesk::{CallerCheck, CallerQuestions};
use passquorum_domain::qa::QuestionKind;

const SCHOOL: &str = "What was your first school called?";

/// A realm whose policy verifies callers so, with a registered user. The school is asked by the helpdesk alone where it asks
/// its own questions; else answers to mandatory ones are kept.
async fn verifying(from: CallerQuestions, how: CallerCheck) -> World {
    let world = World::raised();
    let verification = Some(Verification { from, how, ..VERIFIED });
    configure(&world, HelpdeskPolicy { verification: None, ..all() });
    let mut policy = world.consensus.state().config().unwrap().policies[0].clone();
    policy.helpdesk.verification = verification;
    match from {
        CallerQuestions::Mandatory => policy.qa.keep_mandatory_answers = true,
        CallerQuestions::Helpdesk | CallerQuestions::Both => {
            policy.qa.questions[1].kind = QuestionKind::Helpdesk;
        }
    }
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    world
}

fn shows(page: &Page) -> bool {
    page.html.contains("action=\"/helpdesk/answers\"")
}

#[tokio::test]
async fn an_operator_who_sees_an_answer_is_in_the_audit_before_and_says_once_whether_the_caller_knows_it() {
    let world = verifying(CallerQuestions::Helpdesk, CallerCheck::OperatorSees).await;
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    assert!(shows(&page) && !page.html.contains("Lindenhof") && !page.html.contains("name=\"answer-"));
    let (fields, yes, no) = (named(&world, "alice", "1"), [("knows", "yes")], [("knows", "no")]);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &yes).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "nothing was shown: {}", page.html);

    let page = act(&mut browser, "/helpdesk/answers", &fields, &[]).await;
    assert!(page.html.contains(SCHOOL) && page.html.contains("Lindenhof"), "{}", page.html);
    assert!(!page.html.contains("Stavoren") && !page.html.contains("/helpdesk/reset"), "{}", page.html);
    let state = world.consensus.state();
    let last = state.audit().next_back().unwrap();
    assert_eq!(last.event, AuditEvent::AnswersShown { answers: 1 });
    assert!(matches!(last.actor, Actor::Helpdesk(_)));
    let counter = AttemptTarget::User(last.subject.unwrap());
    assert_eq!(state.counter(counter).unwrap().failures, 1, "it counts until the caller is verified");

    browser.node = world.node("n2");
    let page = act(&mut browser, "/helpdesk/verify", &fields, &no).await;
    assert!(page.html.contains("You have 4 attempts left."), "{}", page.html);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &yes).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "it was said already: {}", page.html);

    act(&mut browser, "/helpdesk/answers", &fields, &[]).await;
    let page = act(&mut browser, "/helpdesk/verify", &fields, &yes).await;
    assert!(page.html.contains("The caller is verified"), "{}", page.html);
    assert_eq!(world.consensus.state().counter(counter).unwrap().failures, 1, "the first one stands");
    let page = act(&mut browser, "/helpdesk/force-change", &named(&world, "alice", "2"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(!shows(&page), "nothing is left to verify");
}

#[tokio::test]
async fn answers_that_were_shown_are_compared_by_the_same_operator_in_the_same_browser_within_minutes() {
    let world = verifying(CallerQuestions::Helpdesk, CallerCheck::OperatorSees).await;
    world.directory.edit("olga", |user| user.groups.push(dn("CN=PQ Helpdesk,DC=example,DC=com")));
    let fields = named(&world, "alice", "1");
    let mut browser = hilda(&world).await;
    find(&mut browser, "alice").await;
    act(&mut browser, "/helpdesk/answers", &fields, &[]).await;
    let shown = browser.cookies["__Host-pq-shown"].clone();
    sign_in(&mut browser, "helpdesk", "olga", "Olga-0ld-Secret").await;
    find(&mut browser, "alice").await;
    let page = act(&mut browser, "/helpdesk/verify", &fields, &[("knows", "yes")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "another operator: {}", page.html);
    let mut other = hilda(&world).await;
    other.cookies.insert("__Host-pq-shown".into(), shown);
    find(&mut other, "alice").await;
    let page = act(&mut other, "/helpdesk/verify", &fields, &[("knows", "yes")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "another browser: {}", page.html);
    act(&mut other, "/helpdesk/answers", &fields, &[]).await;
    world.clock.forward(Span::minutes(10));
    let page = act(&mut other, "/helpdesk/verify", &fields, &[("knows", "yes")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "too late: {}", page.html);
}

#[tokio::test]
async fn a_helpdesk_question_is_marked_when_it_is_answered_and_never_asked_on_the_self_service_site() {
    let world = verifying(CallerQuestions::Helpdesk, CallerCheck::OperatorTypes).await;
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "forgot-password", "alice").await;
    assert!(page.html.contains("Which town") && !page.html.contains(SCHOOL), "{}", page.html);
    let decoy = start(&mut browser, "forgot-password", "nobody-at-all").await;
    assert!(decoy.html.contains("Which town") && !decoy.html.contains(SCHOOL), "{}", decoy.html);
    start(&mut browser, "manage-profile", "alice").await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert_eq!(page.html.matches("The helpdesk may see this answer").count(), 1, "{}", page.html);

    let mut operator = hilda(&world).await;
    let page = find(&mut operator, "alice").await;
    assert!(page.html.contains(SCHOOL) && !shows(&page), "{}", page.html);
    let fields = named(&world, "alice", "1");
    let page = act(&mut operator, "/helpdesk/answers", &fields, &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.html);
    assert!(!page.html.contains("Lindenhof"));
    let page = act(&mut operator, "/helpdesk/verify", &fields, &[("answer-0", "LINDENHOF")]).await;
    assert!(page.html.contains("The caller is verified"), "{}", page.html);
}

#[tokio::test]
async fn some_characters_of_an_answer_are_asked_for_and_the_answer_is_not_shown() {
    let world = verifying(CallerQuestions::Mandatory, CallerCheck::Characters(3)).await;
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    let (_, label) = page.html.split_once("Characters ").unwrap();
    let (numbers, text) = label.split_once(" of the answer to: ").unwrap();
    let places: Vec<usize> = numbers.split([',', ' ']).filter_map(|number| number.parse().ok()).collect();
    assert_eq!(places.len(), 3, "{numbers}");
    let answer = if text.starts_with("Which town") { "Stavoren" } else { "Lindenhof" };
    let typed: String = places.iter().map(|place| answer.chars().nth(place - 1).unwrap()).collect();
    let fields = named(&world, "alice", "1");
    let again = find(&mut browser, "alice").await;
    assert!(again.html.contains(&format!("Characters {numbers} of")), "asking again draws no others");
    let wrong: String = typed.chars().rev().chain(['x']).collect();
    let page = act(&mut browser, "/helpdesk/verify", &fields, &[("answer-0", &wrong)]).await;
    assert!(page.html.contains("You have 4 attempts left."), "{}", page.html);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &[("answer-0", answer)]).await;
    assert!(page.html.contains("You have 3 attempts left."), "the whole answer is not what was asked for");
    assert!(!page.html.contains(answer), "{}", page.html);
    let page = act(&mut browser, "/helpdesk/verify", &fields, &[("answer-0", &typed.to_uppercase())]).await;
    assert!(page.html.contains("The caller is verified"), "{}", page.html);
}

#[tokio::test]
async fn nobody_is_shown_the_answers_of_whoever_administers_or_helps() {
    let world = verifying(CallerQuestions::Mandatory, CallerCheck::OperatorSees).await;
    world.directory.edit("alice", |user| user.groups.push(dn("CN=PQ Admins,DC=example,DC=com")));
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    assert!(!shows(&page) && page.html.contains("name=\"answer-0\""), "{}", page.html);
    let page = act(&mut browser, "/helpdesk/answers", &named(&world, "alice", "1"), &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.html);
    let state = world.consensus.state();
    assert!(!state.audit().any(|record| matches!(record.event, AuditEvent::AnswersShown { .. })));
}

#[tokio::test]
async fn answers_are_kept_sealed_for_their_own_purpose_and_only_where_the_policy_says_so() {
    let world = verifying(CallerQuestions::Mandatory, CallerCheck::Characters(1)).await;
    let user = world.directory.user("alice");
    let guid = user.record.user.guid.0;
    let (format, sealed) = user.profile.as_ref().unwrap().sealed.as_bytes().split_first().unwrap();
    let context = [guid.as_slice(), &[*format]].concat();
    let sealed = Sealed(passquorum_domain::blob::Blob::from(sealed));
    let clear = world.vault.open(Purpose::Profile, &context, &sealed).unwrap();
    let text = String::from_utf8(clear.to_vec()).unwrap();
    assert!(!text.contains("Stavoren") && !text.contains("stavoren"));
    let profile: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = profile["profile"]["entries"].as_array().unwrap();
    let kept: Vec<bool> = entries.iter().map(|entry| entry.get("kept").is_some()).collect();
    assert_eq!(kept, [true, true, false, false], "{text}");
    let kept: Sealed = serde_json::from_value(entries[0]["kept"].clone()).unwrap();
    let town = Uuid::from_u128(1);
    let answer = world.vault.open(Purpose::KeptAnswer, &[guid.as_slice(), town.as_bytes()].concat(), &kept);
    assert_eq!(answer.unwrap().as_slice(), b"Stavoren");
}
