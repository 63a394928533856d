//! The workflow designer of the Admin site: workflows composed by buttons alone, seen before they are saved, and tried on
//! somebody without anything being changed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

use crate::browser::{Browser, Page, register};
use crate::fakes::{POLICY, World};
use crate::staff::{administrator, fields_of, location, save, send, set};
use http::StatusCode;
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::config::ConfigChange;
use passquorum_domain::ids::WorkflowId;
use passquorum_domain::workflow::{
    AcceptAgreement, Activity, AskedQuestions, QuestionAuthentication, ResetPassword, TooFew, Workflow,
    WorkflowKind,
};
use uuid::Uuid;

/// *Forgot My Password* of the fakes' policy.
const FORGOT: WorkflowId = WorkflowId(Uuid::from_u128(101));

fn workflows() -> String {
    format!("/admin/policies/{POLICY}/workflows")
}

fn kept(world: &World) -> Vec<Workflow> {
    world.consensus.state().config().unwrap().policies[0].workflows.clone()
}

/// Where the form of the page in hand is sent.
fn action(page: &Page) -> String {
    let form = page.html.split("<main").nth(1).unwrap().split("action=\"").nth(1).unwrap();
    form.split('"').next().unwrap().to_owned()
}

/// Presses a button of the designer with all that is in its form.
async fn press(browser: &mut Browser, page: &Page, button: &str) -> Page {
    let mut fields = fields_of(page);
    set(&mut fields, "do", button);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(&action(page), &fields).await
}

/// The activities on the page, in their order.
fn items(page: &Page) -> Vec<String> {
    let kinds = page.html.split(".kind\" value=\"").skip(1);
    kinds.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_workflow_is_composed_by_buttons_and_nothing_is_kept_before_it_is_saved() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let before = world.consensus.state();
    let list = browser.get(&workflows()).await;
    assert!(list.html.contains(&format!("href=\"{}/new\"", workflows())), "{}", list.html);
    let mut page = browser.get(&format!("{}/new", workflows())).await;
    assert!(page.html.contains("There is nothing in it yet.") && page.html.contains("it has no activities"));
    for (button, after) in [
        ("add.reset", "reset"),
        ("add.questions", "reset questions"),
        ("move.1.0", "questions reset"),
        ("add.unlock.1", "questions unlock reset"),
        ("remove.1", "questions reset"),
        ("add.agreement", "questions reset agreement"),
        ("move.2.0", "agreement questions reset"),
    ] {
        page = press(&mut browser, &page, button).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(items(&page).join(" "), after, "{button}");
    }
    assert!(page.html.contains("Moved “Display user agreement” to place 1 of 3."), "{}", page.html);
    assert_eq!(world.consensus.state(), before, "presses keep nothing");

    let mut fields = fields_of(&page);
    for (name, value) in [
        ("name", "Careful reset"),
        ("a.0.text", "Be good.\r\n\r\nReally."),
        ("a.1.ask", "random"),
        ("a.1.count", "2"),
        ("a.1.refuse_few", "on"),
        ("a.2.must_change", "on"),
        ("do", "save"),
    ] {
        set(&mut fields, name, value);
    }
    fields.retain(|(name, _)| name != "a.2.unlock");
    let path = action(&page);
    let saved = send(&mut browser, &path, &fields).await;
    assert_eq!(location(&saved), format!("{path}?saved=1"), "{}", saved.html);
    let made = kept(&world).pop().unwrap();
    assert_eq!((made.kind, made.name.as_str(), made.enabled), (WorkflowKind::Custom, "Careful reset", true));
    let asks = QuestionAuthentication {
        too_few: TooFew::Refuse,
        ..QuestionAuthentication::asking(AskedQuestions::Random(2))
    };
    let expected = [
        Activity::AcceptAgreement(AcceptAgreement { text: "Be good.\n\nReally.".into() }),
        Activity::AuthenticateWithQuestions(asks),
        Activity::ResetPassword(ResetPassword { unlock: false, must_change: true }),
    ];
    assert_eq!(made.activities, expected);
    let shown = browser.get(location(&saved)).await;
    assert!(shown.html.contains("Saved as revision 1.") && shown.html.contains("Really."));
    assert!(browser.get(&workflows()).await.html.contains("Careful reset"));
}

#[tokio::test]
async fn every_problem_of_a_draft_is_beside_what_it_is_about() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let mut page = browser.get(&format!("{}/new", workflows())).await;
    for button in ["add.reset", "add.questions", "add.agreement"] {
        page = press(&mut browser, &page, button).await;
    }
    let mut fields = fields_of(&page);
    for (name, value) in [("a.1.ask", "random"), ("a.1.count", "many"), ("do", "save")] {
        set(&mut fields, name, value);
    }
    let refused = send(&mut browser, &action(&page), &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in [
        "id=\"f-name-problem\"",
        "id=\"f-a-1-count-problem\"",
        "value=\"many\"",
        "id=\"f-a-2-text-problem\"",
        "href=\"#f-a-0\"",
        "<p class=\"wrong\">activity 1 acts before the user is authenticated</p>",
    ] {
        assert!(refused.html.contains(text), "{text} is missing in {}", refused.html);
    }
    let stays = press(&mut browser, &refused, "move.1.0").await;
    assert_eq!(stays.status, StatusCode::UNPROCESSABLE_ENTITY, "while a field cannot be read nothing moves");
    assert_eq!(items(&stays), ["reset", "questions", "agreement"]);
    let nonsense = press(&mut browser, &page, "burn").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    assert_eq!(kept(&world).len(), 5);
}

#[tokio::test]
async fn what_a_save_would_change_is_shown_first_and_the_way_back_keeps_what_was_typed() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let path = format!("{}/{FORGOT}", workflows());
    let page = browser.get(&path).await;
    let mut fields = fields_of(&page);
    set(&mut fields, "name", "<b>Lost</b>");
    set(&mut fields, "do", "save");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let look = browser.submit(&path, &fields).await;
    assert_eq!(look.status, StatusCode::OK);
    for text in ["<td>Forgot My Password</td><td>&#60;b&#62;Lost&#60;/b&#62;</td>", "Based on revision 0."] {
        assert!(look.html.contains(text), "{text} is missing in {}", look.html);
    }
    assert_eq!(kept(&world)[0].name, "Forgot My Password");
    let mut carried = fields_of(&look);
    set(&mut carried, "stage", "back");
    let back = send(&mut browser, &path, &carried).await;
    assert!(back.html.contains("value=\"&#60;b&#62;Lost&#60;/b&#62;\""), "{}", back.html);
    assert_eq!(kept(&world)[0].name, "Forgot My Password");

    let mut other = world.consensus.state().config().unwrap().general.clone();
    other.organisation = "Meanwhile".into();
    world.consensus.configure(ConfigChange::SetGeneral(other));
    set(&mut carried, "stage", "confirmed");
    let stale = send(&mut browser, &path, &carried).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.html.contains("Somebody else changed the configuration meanwhile"), "{}", stale.html);
    assert_eq!(kept(&world)[0].name, "Forgot My Password");
}

#[tokio::test]
async fn workflows_are_copied_and_custom_ones_removed() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let page = browser.get(&format!("{}/new?from={FORGOT}", workflows())).await;
    assert!(page.html.contains("value=\"Copy of Forgot My Password\""), "{}", page.html);
    let mut fields = fields_of(&page);
    set(&mut fields, "do", "save");
    let path = action(&page);
    assert_eq!(location(&send(&mut browser, &path, &fields).await), format!("{path}?saved=1"));
    let all = kept(&world);
    let (original, copy) = (&all[0], &all[5]);
    assert_eq!((copy.kind, &copy.activities), (WorkflowKind::Custom, &original.activities));
    assert!(copy.id != original.id);

    browser.get(&workflows()).await;
    let removed = save(&mut browser, &format!("{path}/remove"), &[("revision", "1")]).await;
    assert_eq!(location(&removed), format!("{}?saved=2", workflows()));
    assert_eq!(kept(&world).len(), 5);
    let fixed = save(&mut browser, &format!("{}/{FORGOT}/remove", workflows()), &[("revision", "2")]).await;
    assert_eq!(fixed.status, StatusCode::NOT_FOUND, "one that came with the product stays");
    for nowhere in [format!("{path}x"), format!("{}/{}", workflows(), Uuid::nil())] {
        assert_eq!(browser.get(&nowhere).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_draft_is_seen_page_by_page_and_nothing_on_the_pages_can_be_sent() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let mut page = browser.get(&format!("{}/{FORGOT}", workflows())).await;
    let before = world.consensus.state();
    let headings = [
        "Forgot My Password",
        "Answer your security questions",
        "Choose a new password",
        "Your password is changed",
    ];
    for (number, heading) in headings.into_iter().enumerate() {
        page = press(&mut browser, &page, &format!("preview.{number}")).await;
        assert_eq!(page.heading(), heading, "{}", page.html);
        assert!(page.html.contains(&format!("Preview of page {} of 4", number + 1)));
        let shown = page.html.split("<main").nth(1).unwrap();
        assert!(shown.contains("<fieldset class=\"inert\" disabled>"), "nothing can be pressed");
        let tokens = shown.matches("name=\"csrf\"").count();
        assert_eq!(shown.matches("name=\"csrf\" value=\"\"").count(), tokens, "and there is no token");
        let (bar, _) = page.html.split_once("<main").unwrap();
        page.html = format!("<main{bar}");
    }
    let back = press(&mut browser, &page, "show").await;
    assert_eq!(items(&back), ["questions", "reset"]);
    assert_eq!(world.consensus.state(), before);
}

async fn try_on(browser: &mut Browser, page: &Page, name: &str) -> Page {
    let mut fields = fields_of(page);
    set(&mut fields, "tester", name);
    set(&mut fields, "do", "try");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(&action(page), &fields).await
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_changes_nothing_but_the_audit() {
    let world = World::raised();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let mut browser = administrator(&world).await;
    let page = browser.get(&format!("{}/{FORGOT}", workflows())).await;
    let (config, records) = {
        let state = world.consensus.state();
        (state.config().cloned(), state.audit().count())
    };
    let told = try_on(&mut browser, &page, "alice").await;
    for text in [
        "CN=Alice Ames,OU=Users,DC=example,DC=com",
        "The policy Everyone serves them.",
        "<li>Which town were you born in?</li>",
        "<li>Where was the secret den?</li>",
        "Would set the new password, unlock the account.",
        "None: there is no mail server.",
    ] {
        assert!(told.html.contains(text), "{text} is missing in {}", told.html);
    }
    assert_eq!(told.html.matches("<span class=\"badge good\">Reached</span>").count(), 2);
    assert!(!told.html.contains("Stavoren"), "no answer is shown");

    let told = try_on(&mut browser, &page, "bob").await;
    assert!(told.html.contains("Nobody passes with what is registered"), "{}", told.html);
    assert_eq!(told.html.matches("Not reached").count(), 1);
    let told = try_on(&mut browser, &page, "olga").await;
    assert!(told.html.contains("No policy serves them") && told.html.contains("Stops here"), "{}", told.html);
    let told = try_on(&mut browser, &page, "nobody").await;
    assert!(told.html.contains("No user of a domain has this name."), "{}", told.html);
    let told = try_on(&mut browser, &page, "").await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told.html.contains("f-tester-problem"), "{}", told.html);

    let state = world.consensus.state();
    assert_eq!(state.config().cloned(), config);
    let new: Vec<_> = state.audit().skip(records).collect();
    assert_eq!(new.len(), 4, "one record for each name: {new:?}");
    for record in &new {
        assert_eq!(record.event, AuditEvent::WorkflowRehearsed(POLICY));
        assert!(matches!(record.actor, Actor::Administrator(_)));
    }
    assert!(new[0].subject.is_some() && new[3].subject.is_none());
    let audit = browser.get("/admin/audit").await;
    assert!(audit.html.contains("Forgot My Password of Everyone on alice, by Rita Root"), "{}", audit.html);
}

#[tokio::test]
async fn below_the_fourth_level_nothing_is_tried_that_could_not_be_audited() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let page = browser.get(&format!("{}/{FORGOT}", workflows())).await;
    assert!(!page.html.contains("data-offer=\"captcha\"") && page.html.contains("data-offer=\"unlock\""));
    let told = try_on(&mut browser, &page, "alice").await;
    assert!(told.html.contains("a dry run needs feature level 4"), "{}", told.html);
    assert!(
        !told.html.contains("CN=Alice") && told.html.contains("data-item=\"0\""),
        "the draft is there still"
    );
}
