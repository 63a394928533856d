//! What operators do for people: whom they may help, with what, after which verification, and how it is told.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

mod kept;
mod verification;

use crate::browser::{ANSWERS, Browser, Page, STEP, register, start};
use crate::fakes::{CONNECTION, Controller, World, policy};
use crate::notify::{mails, with_mail};
use crate::staff::{look, sign_in};
use http::{Method, StatusCode};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, ManagementPolicy};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::helpdesk::{HelpdeskPolicy, HelpdeskTask, MustChange, Verification};
use passquorum_domain::ids::{PolicyId, WorkflowId};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::Notices;
use passquorum_domain::ports::{Purpose, Vault as _};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::scope::RoleScope;
use passquorum_domain::ticket::{TicketKind, TicketState};
use passquorum_domain::time::Span;
use passquorum_domain::workflow::Workflow;
use passquorum_sites::helpdesk::ROUTES;
use uuid::Uuid;

const VERIFIED: Verification = Verification::typing(1, Span::minutes(10));

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

fn configure(world: &World, helpdesk: HelpdeskPolicy) {
    let mut number = 900;
    let workflows = Workflow::defaults(world.consensus.state().level(), || {
        number += 1;
        WorkflowId(Uuid::from_u128(number))
    });
    let policy = ManagementPolicy { helpdesk, workflows, ..policy() };
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
}

/// Everything may be done, by the realm's operators.
fn all() -> HelpdeskPolicy {
    HelpdeskPolicy { tasks: HelpdeskTask::ALL.into(), ..HelpdeskPolicy::default() }
}

async fn signed_in(world: &World, node: &str, account: &str, password: &str) -> Browser {
    let mut browser = Browser::new(world.node(node));
    sign_in(&mut browser, "helpdesk", account, password).await;
    browser.get("/helpdesk/").await;
    browser
}

async fn hilda(world: &World) -> Browser {
    signed_in(world, "n1", "hilda", "Hilda-0ld-Secret").await
}

async fn find(browser: &mut Browser, account: &str) -> Page {
    browser.submit("/helpdesk/find", &[("name", account)]).await
}

/// The fields by which a form of a person's page names them.
fn named(world: &World, account: &str, once: &str) -> Vec<(&'static str, String)> {
    let guid = world.directory.user(account).record.user.guid.to_string();
    vec![("name", format!("EXAMPLE\\{account}")), ("guid", guid), ("once", once.to_owned())]
}

async fn act(browser: &mut Browser, path: &str, fields: &[(&str, String)], more: &[(&str, &str)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.submit(path, &[&fields, more].concat()).await
}

type Deed = (&'static str, HelpdeskTask, &'static [(&'static str, &'static str)]);

/// Every POST that does something for a person, with the fields that it needs beside their name.
const DEEDS: [Deed; 7] = [
    ("/helpdesk/unlock", HelpdeskTask::UnlockProfile, &[]),
    ("/helpdesk/passcode", HelpdeskTask::AssignPasscode, &[("length", "10"), ("hours", "1")]),
    ("/helpdesk/enforce-update", HelpdeskTask::EnforceUpdate, &[]),
    ("/helpdesk/reset", HelpdeskTask::ResetPassword, &[("how", "made")]),
    ("/helpdesk/force-change", HelpdeskTask::ForceChange, &[]),
    ("/helpdesk/unlock-account", HelpdeskTask::UnlockAccount, &[]),
    ("/helpdesk/enable", HelpdeskTask::EnableAccount, &[]),
];

/// Wrong answers until the person is locked out.
async fn lock_out(world: &World, account: &str) {
    let wrong = ANSWERS.map(|(field, _)| (field, "wrong answer"));
    let mut browser = Browser::new(world.node("n1"));
    for _ in 0..5 {
        start(&mut browser, "forgot-password", account).await;
        browser.post(STEP, &wrong).await;
    }
}

#[tokio::test]
async fn a_policys_own_operators_help_its_people_and_nobody_else() {
    let world = World::raised();
    let group = dn("CN=Rest Desk,DC=example,DC=com");
    let mut rest = ManagementPolicy { id: PolicyId(Uuid::from_u128(77)), name: "Rest".into(), ..policy() };
    rest.scope[0].allowed_groups.clear();
    rest.scope[0].allowed_ous = vec![dn("OU=Users,DC=example,DC=com")];
    rest.helpdesk.groups = vec![RoleScope { connection: CONNECTION, group: group.clone() }];
    rest.helpdesk.tasks = HelpdeskTask::ALL.into();
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(rest)));
    world.directory.edit("bob", |user| user.groups.push(group.clone()));

    let mut bob = signed_in(&world, "n1", "bob", "Bob-0ld-Secret").await;
    let page = find(&mut bob, "olga").await;
    assert!(page.html.contains("Olga Outside") && page.html.contains("/helpdesk/reset"), "{}", page.html);
    let other = find(&mut bob, "alice").await;
    let nobody = find(&mut bob, "nobody").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.html.replace("\"alice\"", ""), nobody.html.replace("\"nobody\"", ""));
    for (path, _, more) in DEEDS {
        let page = act(&mut bob, path, &named(&world, "alice", "1"), more).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let mut hilda = hilda(&world).await;
    for name in ["alice", "olga"] {
        assert_eq!(
            find(&mut hilda, name).await.status,
            StatusCode::OK,
            "the realm's operators help everybody"
        );
    }
    let page = find(&mut hilda, "bob").await;
    assert!(page.html.contains("is helped with nothing else here"), "who helps one policy is shielded too");
    world.directory.edit("bob", |user| user.groups.retain(|own| *own != group));
    assert_eq!(find(&mut bob, "olga").await.status, StatusCode::UNPROCESSABLE_ENTITY, "at once");
    world.directory.edit("bob", |user| user.groups.push(group.clone()));
    assert_eq!(find(&mut bob, "olga").await.status, StatusCode::OK);
    world.directory.edit("bob", |user| user.record.status.disabled = true);
    assert_eq!(find(&mut bob, "olga").await.status, StatusCode::UNPROCESSABLE_ENTITY, "disabled");
}

#[tokio::test]
async fn the_lock_of_staff_is_lifted_by_the_realms_operators_alone() {
    let world = World::raised();
    let group = dn("CN=Desk,DC=example,DC=com");
    let groups = vec![RoleScope { connection: CONNECTION, group: group.clone() }];
    configure(&world, HelpdeskPolicy { groups, ..all() });
    world.directory.edit("bob", |user| user.groups.push(group));
    register(&world.node("n1"), "root", "Root-0ld-Secret").await;
    lock_out(&world, "root").await;
    let mut bob = signed_in(&world, "n1", "bob", "Bob-0ld-Secret").await;
    let page = act(&mut bob, "/helpdesk/unlock", &named(&world, "root", "1"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html);
    let mut hilda = hilda(&world).await;
    let page = act(&mut hilda, "/helpdesk/unlock", &named(&world, "root", "1"), &[]).await;
    assert!(page.html.contains("The lock is lifted"), "{}", page.html);
    let page = act(&mut hilda, "/helpdesk/unlock", &named(&world, "root", "1"), &[]).await;
    assert!(page.html.contains("There was no lock to lift"), "{}", page.html);
}

#[tokio::test]
async fn what_a_policy_does_not_allow_is_neither_offered_nor_done_and_by_default_that_is_all_that_gives_an_account()
 {
    let world = World::raised();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    configure(&world, HelpdeskPolicy::default());
    world.directory.edit("alice", |user| {
        (user.record.status.locked, user.record.status.disabled) = (true, true);
    });
    let usual = [HelpdeskTask::UnlockProfile, HelpdeskTask::AssignPasscode, HelpdeskTask::EnforceUpdate];
    let mut browser = hilda(&world).await;
    for (path, task, more) in DEEDS {
        let offered = find(&mut browser, "alice").await.html.contains(&format!("action=\"{path}\""));
        let page = act(&mut browser, path, &named(&world, "alice", path), more).await;
        if usual.contains(&task) {
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        } else {
            assert_eq!((page.status, offered), (StatusCode::FORBIDDEN, false), "{path}");
        }
    }
    assert_eq!(*world.directory.changes.lock().unwrap(), ["write profile", "write profile"]);
    configure(&world, HelpdeskPolicy { tasks: [].into(), ..HelpdeskPolicy::default() });
    for (path, _, more) in DEEDS {
        let page = act(&mut browser, path, &named(&world, "alice", path), more).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn each_form_is_carried_out_once_on_whatever_node_and_the_audit_names_operator_and_person() {
    let world = World::raised();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    configure(&world, all());
    let mut browser = hilda(&world).await;
    let subject = world.consensus.state().tickets().next().unwrap().subject;
    for (path, task, more) in DEEDS {
        // Self-service being locked keeps the helpdesk from nothing.
        if matches!(task, HelpdeskTask::UnlockProfile | HelpdeskTask::AssignPasscode) {
            lock_out(&world, "alice").await;
        }
        world.directory.edit("alice", |user| {
            (user.record.status.locked, user.record.status.disabled) = (true, true);
        });
        world.directory.changes.lock().unwrap().clear();
        let page = find(&mut browser, "alice").await;
        assert!(page.html.contains(&format!("action=\"{path}\"")), "{path}: {}", page.html);
        let seen = world.consensus.state().totals().audit_seq;
        let fields = named(&world, "alice", &page.hidden("once").unwrap());
        browser.node = world.node("n2");
        let page = act(&mut browser, path, &fields, more).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        let state = world.consensus.state();
        let written = || state.audit().filter(|record| record.seq > seen);
        assert!(written().count() > 0, "{path} leaves no record");
        for record in written() {
            assert!(matches!(record.actor, Actor::Helpdesk(_)), "{path}: {record:?}");
            assert_eq!(record.subject, Some(subject), "{path}: {record:?}");
        }
        assert!(written().next().unwrap().detail.is_some(), "{path}");
        let changes = world.directory.changes.lock().unwrap().clone();
        if matches!(task, HelpdeskTask::UnlockProfile | HelpdeskTask::AssignPasscode) {
            assert!(changes.is_empty(), "{path}: {changes:?}");
        } else {
            assert_eq!(changes.len(), 1, "{path}: {changes:?}");
            world.directory.edit("alice", |user| user.record.status.must_change_password = false);
            let again = act(&mut browser, path, &fields, more).await;
            // What the first one did may have made the second pointless before it comes to its ticket.
            assert_ne!(again.status, StatusCode::OK, "{path}: {}", again.html);
            assert_eq!(world.directory.changes.lock().unwrap().len(), 1, "{path} again");
            let whole: Vec<_> = fields.iter().filter(|(name, _)| *name != "once").cloned().collect();
            let page = act(&mut browser, path, &whole, more).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path} without its name");
        }
    }
    let posts = ROUTES.iter().filter(|route| route.method == Method::POST).map(|route| route.path);
    let others = ["sign-in", "sign-out", "find", "verify", "answers"].map(|path| format!("/helpdesk/{path}"));
    let deeds: Vec<_> = posts.filter(|path| !others.iter().any(|other| other == path)).collect();
    assert_eq!(deeds.len(), DEEDS.len(), "a new route of a task belongs into this test: {deeds:?}");
    let tickets = world.consensus.state();
    assert!(tickets.tickets().all(|ticket| ticket.state != TicketState::Open));
    let closed = |kind| tickets.tickets().filter(|ticket| ticket.kind == kind).count();
    let kinds = [TicketKind::Reset, TicketKind::Unlock, TicketKind::Enable, TicketKind::MustChange];
    assert_eq!(kinds.map(closed), [1; 4]);
    assert_eq!(closed(TicketKind::EnforceUpdate), 1);
}

#[tokio::test]
async fn a_password_is_typed_under_the_rules_or_made_and_shown_once() {
    let world = World::raised();
    configure(&world, all());
    let mut browser = hilda(&world).await;
    let typed = |new: &'static str| [("how", "typed"), ("new", new), ("confirm", new)];
    for (new, told) in [("short", "Use at least 10 characters."), ("Pass-Alice-99", "Leave out your name")] {
        let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", new), &typed(new)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    let fields = [("how", "typed"), ("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-8")];
    let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", "1"), &fields).await;
    assert!(page.html.contains("The two new passwords are not the same."), "{}", page.html);
    world.directory.set_controller(Controller::Remembers);
    let new = typed("Correct-Horse-7");
    let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", "2"), &new).await;
    assert!(page.html.contains("used before"), "the domain's history holds: {}", page.html);
    assert_eq!(world.directory.user("alice").password, "Alice-0ld-Secret");
    let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", "3"), &new).await;
    assert!(page.html.contains("The new password is set."), "{}", page.html);
    let alice = world.directory.user("alice");
    assert_eq!(alice.password, "Correct-Horse-7");
    assert!(alice.record.status.must_change_password, "in any case");

    let may_choose = HelpdeskPolicy { must_change: MustChange::OperatorChooses, ..all() };
    configure(&world, may_choose);
    let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", "4"), &[("how", "made")]).await;
    let shown = page.html.split_once("<code class=\"passcode\">").unwrap().1.split('<').next().unwrap();
    let alice = world.directory.user("alice");
    assert_eq!(alice.password, shown);
    assert!(!alice.record.status.must_change_password, "the operator did not tick it");
    let page = find(&mut browser, "alice").await;
    assert!(!page.html.contains(shown), "it is shown once");
    let state = world.consensus.state();
    assert!(!format!("{:?}", state.audit().collect::<Vec<_>>()).contains(shown));
}

#[tokio::test]
async fn whoever_administers_or_helps_is_helped_with_their_lock_alone() {
    let world = World::raised();
    configure(&world, all());
    let mut browser = hilda(&world).await;
    for (path, task, more) in DEEDS {
        let page = act(&mut browser, path, &named(&world, "root", path), more).await;
        let expected =
            if task == HelpdeskTask::UnlockProfile { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(page.status, expected, "{path}");
    }
    assert!(world.directory.changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_done_is_told_although_the_person_cannot_be_looked_up_afterwards() {
    let world = World::raised();
    configure(&world, all());
    let mut browser = hilda(&world).await;
    find(&mut browser, "alice").await;
    world.directory.set_controller(Controller::Mute);
    let page = act(&mut browser, "/helpdesk/reset", &named(&world, "alice", "1"), &[("how", "made")]).await;
    assert!(page.html.contains("this password may be set, or not"), "{}", page.html);
    assert!(
        page.html.contains(&world.directory.user("alice").password),
        "it holds, and nobody else knows it"
    );
}

#[tokio::test]
async fn a_person_who_must_update_the_profile_does_so_before_the_task_goes_on_and_once() {
    let world = World::raised();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    configure(&world, all());
    let digest = || world.directory.user("alice").profile.unwrap().digest;
    let usual = digest();
    let mut browser = hilda(&world).await;
    let page = act(&mut browser, "/helpdesk/enforce-update", &named(&world, "alice", "1"), &[]).await;
    assert!(page.html.contains("Registered, to be updated when a password is reset"), "{}", page.html);
    assert!(!page.html.contains("action=\"/helpdesk/enforce-update\""), "it is so already");
    assert_eq!(digest(), Some(RequirementsDigest::OUTDATED), "what legacy clients are told by");

    // What is asked there is less than what a new password takes.
    let mut alice = Browser::new(world.node("n1"));
    start(&mut alice, "unlock-account", "alice").await;
    assert_eq!(alice.post(STEP, &ANSWERS).await.heading(), "Unlock your account");

    let new = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];
    for must_update in [true, false] {
        let mut alice = Browser::new(world.node("n1"));
        start(&mut alice, "forgot-password", "alice").await;
        let page = alice.post(STEP, &ANSWERS).await;
        if must_update {
            assert_eq!(page.heading(), "Choose your security questions");
            let page = alice.post(STEP, &new).await;
            assert_eq!(page.heading(), "Choose your security questions", "there is no way around it");
            alice.node = world.node("n2");
            let chosen = [
                ("question-2", "00000000-0000-0000-0000-000000000003"),
                ("question-3", "Where was the secret den?"),
            ];
            let page = alice.post(STEP, &[&chosen[..], &ANSWERS[..]].concat()).await;
            assert_eq!(page.heading(), "Choose a new password", "{}", page.html);
            assert_eq!(digest(), usual);
        } else {
            assert_eq!(page.heading(), "Choose a new password");
        }
        assert_eq!(alice.post(STEP, &new).await.heading(), "Your password is changed");
    }
    let kind = |kind| world.consensus.state().tickets().filter(|ticket| ticket.kind == kind).count();
    assert_eq!(kind(TicketKind::WriteProfile), 2, "the registration and the update");
}

#[tokio::test]
async fn the_person_is_told_what_the_helpdesk_did_and_the_administrators_where_the_policy_says_so() {
    let world = World::new();
    with_mail(&world, Notices { user: true, administrators: true });
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let policy = world.consensus.state().config().unwrap().policies[0].clone();
    let policy = ManagementPolicy { helpdesk: all(), ..policy };
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    let mut browser = hilda(&world).await;
    for (path, told) in [
        ("/helpdesk/reset", "The helpdesk reset your password"),
        ("/helpdesk/unlock-account", "The helpdesk unlocked your account"),
        ("/helpdesk/enable", "The helpdesk enabled your account"),
        ("/helpdesk/force-change", "You must change your password"),
        ("/helpdesk/enforce-update", "Please choose your security questions anew"),
    ] {
        let before = mails(&world).len();
        act(&mut browser, path, &named(&world, "alice", path), &[("how", "made")]).await;
        // The mails are queued after the answer: let that task run.
        for _ in 0..1000 {
            if mails(&world).len() < before + 2 {
                tokio::task::yield_now().await;
            }
        }
        let mails = mails(&world);
        assert!(
            mails.iter().any(|(to, _, subject)| to == "alice@corp.example" && subject == told),
            "{mails:?}"
        );
        let to_admin = |mail: &&(String, String, String)| mail.0 == "admin@corp.example";
        assert!(mails.iter().filter(to_admin).any(|mail| mail.2.contains("Helpdesk: ")), "{mails:?}");
    }
}

#[tokio::test]
async fn below_the_third_level_the_site_does_what_it_did() {
    let world = World::new();
    let mut browser = hilda(&world).await;
    let page = find(&mut browser, "alice").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    for (path, task, more) in DEEDS {
        let page = act(&mut browser, path, &named(&world, "alice", path), more).await;
        assert_eq!(page.status == StatusCode::OK, task == HelpdeskTask::UnlockProfile, "{path}");
    }
    let policy = ManagementPolicy { helpdesk: all(), ..policy() };
    assert_eq!(
        Action::change_config(
            world.consensus.state().config().unwrap().revision,
            ConfigChange::PutPolicy(Box::new(policy))
        )
        .needs(),
        passquorum_domain::feature_level::FeatureLevel::THIRD
    );
    assert_eq!(look(&mut browser, "/helpdesk/").await.status, StatusCode::OK);
}
