//! Notifications that people choose, profiles that are up to date, agreements with parameters, and tasks of administrators' own.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

use crate::browser::{Browser, STEP, register, start};
use crate::fakes::World;
use crate::notify::{mails, with_mail};
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy};
use passquorum_domain::ids::WorkflowId;
use passquorum_domain::mail::Notices;
use passquorum_domain::workflow::*;
use uuid::Uuid;

const OWN: WorkflowId = WorkflowId(Uuid::from_u128(0x77));
const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

fn change(world: &World, change: impl FnOnce(&mut ManagementPolicy)) {
    let mut policy = world.consensus.state().config().unwrap().policies[0].clone();
    change(&mut policy);
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
}

fn password() -> Activity {
    Activity::AuthenticateWithPassword(PasswordAuthentication {})
}

fn workflow(kind: WorkflowKind, activities: Vec<Activity>) -> Workflow {
    let (name, description) = ("Something of ours".to_owned(), "What we do.".to_owned());
    Workflow { id: OWN, kind, name, description, enabled: true, hidden: false, activities }
}

#[tokio::test]
async fn people_turn_off_what_they_may_and_are_told_the_rest() {
    let world = World::raised();
    with_mail(&world, Notices::default());
    let offered = [NotificationEvent::Questions, NotificationEvent::Failure].into();
    let subscribe = Activity::SubscribeToNotifications(SubscribeToNotifications { offered });
    change(&world, |policy| {
        policy.workflows.push(workflow(WorkflowKind::Notifications, vec![password(), subscribe]));
    });
    let mut browser = Browser::new(world.node("n1"));
    assert!(browser.get("/self-service/").await.html.contains("start/my-notifications"));
    start(&mut browser, "my-notifications", "alice").await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert_eq!(page.heading(), "Choose what you are told of");
    let on = |html: &str, event: &str| html.contains(&format!("name=\"tell-{event}\" value=\"on\" checked"));
    assert!(on(&page.html, "questions") && on(&page.html, "failure"), "{}", page.html);
    assert!(page.html.contains("<li>My password was changed</li>") && !page.html.contains("tell-password"));
    let page = browser.post(STEP, &[("tell-failure", "on")]).await;
    assert_eq!(page.heading(), "Your choice is saved", "{}", page.html);

    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert_eq!(mails(&world), [], "turned off");
    let mut browser = Browser::new(world.node("n2"));
    start(&mut browser, "my-notifications", "alice").await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert!(!on(&page.html, "questions") && on(&page.html, "failure"), "the choice is shown again");
    start(&mut browser, "change-password", "alice").await;
    browser.post(STEP, &[("current", "Alice-0ld-Secret"), NEW[0], NEW[1]]).await;
    assert_eq!(mails(&world).len(), 1, "what nobody may turn off");

    // What the policy does not let people turn off any more is told again, whatever they chose.
    change(&world, |policy| policy.workflows.retain(|workflow| workflow.id != OWN));
    register(&world.node("n1"), "alice", "Correct-Horse-7").await;
    assert_eq!(mails(&world).len(), 2);
}

#[tokio::test]
async fn whose_profile_is_up_to_date_is_not_asked_for_it() {
    let world = World::raised();
    let edit = Activity::EditProfile(EditProfile { only_when_out_of_date: true });
    let enable = Activity::EnableAccount(EnableAccount {});
    world.set_steps(vec![password(), edit.clone(), enable]);
    let begin = async |world: &World| {
        let mut browser = Browser::new(world.node("n1"));
        start(&mut browser, "forgot-password", "alice").await;
        let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
        (browser, page)
    };
    assert_eq!(begin(&world).await.1.heading(), "Choose your security questions", "there are none");
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let (mut browser, page) = begin(&world).await;
    assert_eq!(page.heading(), "Enable your account");
    assert!(!page.html.contains(">Questions<"), "what was left out is no step: {}", page.html);
    let page = browser.post(STEP, &[]).await;
    assert!(page.heading() == "Done" && !page.html.contains("security questions"), "{}", page.html);

    world.set_steps(vec![password(), edit]);
    assert_eq!(begin(&world).await.1.heading(), "Done", "nothing is left to do");
    change(&world, |policy| policy.qa.min_answer_length += 1);
    assert_eq!(begin(&world).await.1.heading(), "Choose your security questions", "the policy asks for more");
}

#[tokio::test]
async fn an_agreement_names_the_person_once_they_have_proved_who_they_are() {
    let world = World::raised();
    let text = "I, #USER_DISPLAY_NAME# (#USER_ACCOUNT_NAME#), accept the <rules> of #ORGANISATION_NAME# for #WORKFLOW_NAME#.";
    let agreement = || Activity::AcceptAgreement(AcceptAgreement { text: text.into() });
    world.set_steps(vec![agreement(), password(), agreement(), Activity::EnableAccount(EnableAccount {})]);
    world.directory.edit("alice", |user| user.record.display_name = "Alice <b>Ames</b>".into());
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "forgot-password", "EXAMPLE\\alice").await;
    let shown = |html: &str| html.split_once("<p>I, ").unwrap().1.split_once("</p>").unwrap().0.to_owned();
    let before = "EXAMPLE\\alice (EXAMPLE\\alice), accept the &#60;rules&#62; of Example Works for Forgot My Password.";
    assert_eq!(shown(&page.html), before, "nothing that the visitor did not type");
    browser.post(STEP, &[("accept", "on")]).await;
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    let after = "Alice &#60;b&#62;Ames&#60;/b&#62; (alice), accept the &#60;rules&#62; of Example Works for Forgot My Password.";
    assert_eq!(shown(&page.html), after);
}

#[tokio::test]
async fn a_task_of_an_administrators_own_has_an_address_and_stands_on_the_front_page_if_it_is_to() {
    let world = World::raised();
    let enable = Activity::EnableAccount(EnableAccount {});
    change(&world, |policy| {
        policy.workflows.push(workflow(WorkflowKind::Custom, vec![password(), enable]));
    });
    world.directory.edit("alice", |user| user.record.status.disabled = false);
    let task = OWN.to_string();
    let link = format!("href=\"/self-service/start/{task}\"");
    let mut browser = Browser::new(world.perimeter(crate::perimeter::Wire::to(&world)));
    let home = browser.get("/self-service/").await;
    assert!(home.html.contains(&link) && home.html.contains("What we do."), "{}", home.html);
    assert!(!browser.get("/logon-old/").await.html.contains(&task), "an old window has one task");
    assert_eq!(browser.get(&format!("/logon-old/start/{task}")).await.status, StatusCode::NOT_FOUND);
    let page = browser.get(&format!("/self-service/start/{task}")).await;
    assert_eq!(page.heading(), "Something of ours");
    for name in ["zelda", "alice"] {
        let page = start(&mut browser, &task, name).await;
        assert_eq!(page.heading(), "Enter your password", "{name}: {}", page.html);
    }
    let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
    assert_eq!(page.heading(), "Enable your account");
    assert_eq!(browser.post(STEP, &[]).await.heading(), "Done");

    change(&world, |policy| policy.workflows.iter_mut().for_each(|workflow| workflow.hidden = true));
    let home = browser.get("/self-service/").await;
    assert!(!home.html.contains("/start/"), "{}", home.html);
    assert_eq!(start(&mut browser, &task, "alice").await.heading(), "Enter your password");
    change(&world, |policy| policy.workflows.iter_mut().for_each(|workflow| workflow.enabled = false));
    let page = browser.get(&format!("/self-service/start/{task}")).await;
    assert!(page.status == StatusCode::NOT_FOUND && page.html.contains("not offered"), "{}", page.html);
    let unknown = format!("/self-service/start/{}", Uuid::from_u128(0x78));
    assert_eq!(browser.get(&unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn below_the_fourth_level_nobody_begins_a_task_of_an_administrators_own() {
    let world = World::new();
    change(&world, |policy| {
        let steps = vec![password(), Activity::UnlockAccount(UnlockAccount {})];
        policy.workflows.push(workflow(WorkflowKind::Custom, steps));
    });
    let mut browser = Browser::new(world.node("n1"));
    assert!(!browser.get("/self-service/").await.html.contains(&OWN.to_string()));
    assert_eq!(browser.get(&format!("/self-service/start/{OWN}")).await.status, StatusCode::NOT_FOUND);
}
