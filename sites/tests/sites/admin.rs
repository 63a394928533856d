//! The Admin site: who gets in, that every form is guarded, and how edits are saved, refused and compared.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::Browser;
use crate::fakes::{CONNECTION, Controller, POLICY, Quorum, World};
use crate::staff::{administrator, concrete, fields_of, location, look, save, send, set};
use http::{Method, StatusCode};
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, RealmConfig};
use passquorum_domain::ports::{Purpose, Vault};
use passquorum_domain::qa::QuestionKind;
use passquorum_domain::time::Span;
use passquorum_sites::Access;
use passquorum_sites::admin::ROUTES;
use std::sync::Arc;

fn config(world: &World) -> Arc<RealmConfig> {
    world.consensus.state().config().unwrap().clone()
}

/// Makes a policy by the site's own form, and answers its path.
pub(crate) async fn new_policy(browser: &mut Browser, name: &str) -> String {
    let page = browser.get("/admin/policies/new").await;
    let action = page.html.split("action=\"/admin/policies/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/admin/policies/{action}");
    let mut fields = fields_of(&page);
    set(&mut fields, "name", name);
    set(&mut fields, &format!("scope.{CONNECTION}.allowed_ous"), "OU=People,DC=example");
    let saved = send(browser, &path, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    path
}

#[tokio::test]
async fn only_the_sign_in_answers_who_is_not_signed_in() {
    let world = World::new();
    for route in ROUTES {
        let mut browser = Browser::new(world.node("n1"));
        browser.get("/admin/sign-in").await;
        let path = concrete(route.path);
        match (route.access, route.method == Method::GET) {
            (Access::Open, _) => assert_eq!(path, "/admin/sign-in"),
            (Access::SignedIn, true) => {
                assert_eq!(location(&look(&mut browser, &path).await), "/admin/sign-in", "{path}")
            }
            (Access::SignedIn, false) => {
                let page = browser.submit(&path, &[("revision", "0")]).await;
                assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
                assert!(page.html.contains("PQ-UNAUTHENTICATED"));
            }
        }
    }
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_its_browser() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let before = world.consensus.state();
    for route in ROUTES.iter().filter(|route| route.method == Method::POST) {
        let path = concrete(route.path);
        for forged in ["", "forged"] {
            browser.csrf = forged.to_owned();
            let page = browser.submit(&path, &[("revision", "0")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.html.contains("PQ-CSRF"), "{path}");
        }
        assert_eq!(browser.post_raw(&path, Vec::new()).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(world.consensus.state(), before);
}

#[tokio::test]
async fn every_page_has_the_safe_headers_and_a_heading() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let policy = new_policy(&mut browser, "Second").await;
    let connection = format!("/admin/connections/{CONNECTION}");
    let questions = format!("{policy}/questions");
    let workflows = format!("{policy}/workflows");
    let new_workflow = format!("{workflows}/new");
    for path in [
        "/admin/",
        "/admin/instances",
        "/admin/policies",
        "/admin/policies/new",
        &policy,
        &questions,
        "/admin/connections",
        "/admin/connections/new",
        &connection,
        "/admin/directory",
        "/admin/general",
        "/admin/history",
        "/admin/history/0",
        "/admin/history/1/undo",
        "/admin/search?q=lock",
        &workflows,
        &new_workflow,
        "/admin/audit",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        assert_eq!(page.html.matches("<h1>").count(), 1, "{path}");
        assert!(!page.html.contains(" style=") && !page.html.contains("<script>"), "{path}: nothing inline");
        for id in page.html.split("<label").skip(1).filter_map(|rest| rest.split("for=\"").nth(1)) {
            let id = id.split('"').next().unwrap();
            assert_eq!(page.html.matches(&format!(" id=\"{id}\"")).count(), 1, "{path}: label for {id}");
        }
    }
}

#[tokio::test]
async fn the_users_of_a_policy_are_counted_or_it_is_said_why_they_are_not() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let path = format!("/admin/policies/{POLICY}/count");
    assert!(browser.get("/admin/policies").await.html.contains(&format!("action=\"{path}\"")));
    let before = world.consensus.state();
    let page = browser.submit(&path, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("Users of Everyone"), "{}", page.html);
    assert!(page.html.contains(" users, 0 of them registered."), "{}", page.html);
    assert!(!page.html.contains("role=\"alert\""), "everybody was looked at: {}", page.html);
    world.directory.set_controller(Controller::Down);
    let page = browser.submit(&path, &[]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html.contains("Nothing was counted"), "{}", page.html);
    assert_eq!(browser.submit(&path.replace("b0", "b1"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.consensus.state(), before, "a count changes nothing");
}

#[tokio::test]
async fn only_members_of_the_group_sign_in_and_all_others_are_answered_alike() {
    let world = World::new();
    let refusals = [
        ("alice", "Alice-0ld-Secret"),
        ("root", "wrong-password"),
        ("nobody", "any-password"),
        ("hilda", "Hilda-0ld-Secret"),
    ];
    let mut texts = Vec::new();
    for (name, password) in refusals {
        let mut browser = Browser::new(world.node("n1"));
        browser.get("/admin/sign-in").await;
        let page = browser.submit("/admin/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.html.contains(password), "the password is not shown again");
        let text =
            page.html.replace(&format!("value=\"{name}\""), "").replace(&page.hidden("csrf").unwrap(), "");
        texts.push(text);
        assert_eq!(location(&look(&mut browser, "/admin/").await), "/admin/sign-in");
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    let mut browser = administrator(&world).await;
    assert!(browser.get("/admin/").await.html.contains("Rita Root"));
    let state = world.consensus.state();
    let refused =
        state.audit().filter(|record| record.event == AuditEvent::SignInRefused(Site::Admin)).count();
    assert_eq!(refused, 4);
}

#[tokio::test]
async fn who_signs_out_is_out() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    browser.get("/admin/").await;
    assert_eq!(location(&browser.submit("/admin/sign-out", &[]).await), "/admin/sign-in");
    assert_eq!(location(&look(&mut browser, "/admin/").await), "/admin/sign-in");
}

#[tokio::test]
async fn the_cluster_page_shows_each_member_and_needs_no_quorum() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    world.consensus.set_quorum(Quorum::Lost);
    let page = browser.get("/admin/").await;
    for text in [
        "node-1 (node 1)",
        "Voter",
        "Leader",
        "https://node-1.example.com",
        "data-refresh=\"/admin/cluster\"",
        "No majority stands behind the leader",
        "start the stopped nodes",
        "aria-label=\"node-1 no majority; node-2 keeps up; node-3 keeps up\"",
    ] {
        assert!(page.html.contains(text), "{text} is missing in {}", page.html);
    }
    let fragment = browser.get("/admin/cluster").await;
    assert!(fragment.html.contains("Voter") && !fragment.html.contains("<html"));
    let edit = browser.get("/admin/general").await;
    assert_eq!(edit.status, StatusCode::SERVICE_UNAVAILABLE, "an edit needs one");
    assert!(edit.html.contains("PQ-NO-QUORUM"));
}

#[tokio::test]
async fn the_url_of_an_instance_changes_once_that_is_confirmed_and_the_audit_tells() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let url = |world: &World| world.consensus.state().instances().next().unwrap().site_url.clone();
    let seen = url(&world);
    let page = browser.get("/admin/instances").await;
    assert!(page.html.contains("Primary") && page.html.contains(&seen), "{}", page.html);
    let with = |url| [("url", url), ("seen", "https://node-1.example.com"), ("confirmed", "yes")];

    let refused = browser.submit("/admin/instances/1", &with("http://pw.example.com/x")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("url-1-problem") && refused.html.contains("http://pw.example.com/x"));
    let shown = browser.submit("/admin/instances/1", &with("https://pw.example.com")[..2]).await;
    assert!(shown.html.contains("From now on") && shown.html.contains("https://pw.example.com"));
    assert_eq!(url(&world), seen, "it was not confirmed yet");
    let done = browser.submit("/admin/instances/1", &with("https://pw.example.com/")).await;
    assert_eq!(location(&done), "/admin/instances?changed=1");
    assert!(browser.get(location(&done)).await.html.contains("URL of node 1 was changed"));
    assert_eq!(url(&world), "https://pw.example.com");

    let stale = browser.submit("/admin/instances/1", &with("https://other.example.com")).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.html.contains("Somebody else changed this URL"));
    assert_eq!(
        browser.submit("/admin/instances/9", &with("https://a.b")).await.status,
        StatusCode::NOT_FOUND
    );
    let audit = browser.get("/admin/audit").await;
    for text in [
        "Site URL of node 1 changed",
        "https://node-1.example.com -&#62; https://pw.example.com, by Rita Root",
    ] {
        assert!(audit.html.contains(text), "{text} is missing in {}", audit.html);
    }
}

#[tokio::test]
async fn a_policy_is_made_changed_and_removed() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let path = new_policy(&mut browser, "Second").await;
    let made = config(&world).policies[1].clone();
    assert_eq!((made.name.as_str(), made.lockout.threshold, made.workflows.len()), ("Second", 5, 5));
    assert!(made.workflows.iter().all(|workflow| workflow.enabled));

    let page = browser.get(&path).await;
    let mut fields = fields_of(&page);
    set(&mut fields, "lockout.threshold", "3");
    set(&mut fields, "lockout.duration", "60");
    set(&mut fields, "length.min", "14");
    set(&mut fields, &format!("scope.{CONNECTION}.denied_groups"), "CN=A,DC=example\r\nCN=B,DC=example");
    fields.retain(|(name, _)| name != "complexity" && name != "workflow.UnlockAccount");
    let saved = send(&mut browser, &path, &fields).await;
    assert_eq!(location(&saved), format!("{path}?saved=2"));
    assert!(browser.get(location(&saved)).await.html.contains("Saved as revision 2."));

    let changed = config(&world).policies[1].clone();
    assert_eq!((changed.lockout.threshold, changed.lockout.duration.0), (3, 60_000));
    assert_eq!((changed.password_rules.len(), changed.scope[0].denied_groups.len()), (1, 2));
    let off: Vec<_> =
        changed.workflows.iter().filter(|workflow| !workflow.enabled).map(|w| &w.name).collect();
    assert_eq!(off, ["Unlock My Account"]);

    browser.get(&path).await;
    let removed = save(&mut browser, &format!("{path}/remove"), &[("revision", "2")]).await;
    assert_eq!(location(&removed), "/admin/policies?saved=3");
    assert_eq!(config(&world).policies.len(), 1);
}

#[tokio::test]
async fn every_problem_of_a_form_is_shown_at_once_beside_its_field_and_nothing_is_saved() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let path = new_policy(&mut browser, "Second").await;
    let mut fields = fields_of(&browser.get(&path).await);
    set(&mut fields, "name", "");
    set(&mut fields, "lockout.threshold", "0");
    set(&mut fields, "lockout.duration", "<soon>");
    set(&mut fields, "length.min", "300");
    set(&mut fields, &format!("scope.{CONNECTION}.allowed_groups"), "not a name");
    let page = send(&mut browser, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["name", "lockout-threshold", "lockout-duration", "length-min"] {
        assert!(page.html.contains(&format!("href=\"#f-{field}\"")), "{field} is not in the summary");
        assert!(page.html.contains(&format!("id=\"f-{field}-problem\"")), "{field} has no message beside it");
    }
    assert!(page.html.contains("allowed-groups-problem"));
    assert!(page.html.contains("&#60;soon&#62;"), "what was typed is shown again, escaped");
    assert!(!page.html.contains("<soon>"));
    assert_eq!(config(&world).revision.0, 1);
}

#[tokio::test]
async fn a_stale_edit_is_refused_with_both_versions_and_can_be_saved_on_top() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    let mut theirs = config(&world).general.clone();
    theirs.organisation = "Theirs".into();
    world.consensus.configure(ConfigChange::SetGeneral(theirs));

    set(&mut fields, "general.organisation", "Mine");
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    for text in ["general.organisation", "<td>Mine</td>", "<td>Theirs</td>", "Somebody else changed"] {
        assert!(page.html.contains(text), "{text} is missing");
    }
    assert_eq!(config(&world).general.organisation, "Theirs");
    let again = send(&mut browser, "/admin/general", &fields_of(&page)).await;
    assert_eq!(location(&again), "/admin/general?saved=2");
    assert_eq!(config(&world).general.organisation, "Mine");
}

#[tokio::test]
async fn an_untouched_form_changes_nothing_and_makes_no_revision() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let before = config(&world);
    let fields = fields_of(&browser.get("/admin/general").await);
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert!(page.html.contains("Nothing would change"), "{}", page.html);
    assert_eq!(config(&world), before);
}

#[tokio::test]
async fn how_long_certificates_are_valid_is_changed_and_what_is_too_short_is_refused() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, "general.certificate_life", "1");
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("general.certificate_life"), "{}", page.html);
    set(&mut fields, "general.certificate_life", "2592000");
    assert_eq!(send(&mut browser, "/admin/general", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(config(&world).general.certificate_life, Span::hours(24 * 30));
}

#[tokio::test]
async fn the_last_administrators_group_cannot_be_taken_away() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, &format!("administrators.{CONNECTION}"), "");
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("nobody could sign in here"));
}

#[tokio::test]
async fn questions_are_added_changed_and_removed_one_at_a_time() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let policy = new_policy(&mut browser, "Second").await;
    let list = format!("{policy}/questions");
    let revision = browser.get(&list).await.hidden("revision").unwrap();
    let add = [("revision", revision.as_str()), ("text", "First <b>school</b>?"), ("kind", "mandatory")];
    assert_eq!(location(&save(&mut browser, &list, &add).await), format!("{list}?saved=2"));
    let last = config(&world).policies[1].qa.questions.len() - 1;
    let question = config(&world).policies[1].qa.questions[last].clone();
    assert_eq!((question.text.as_str(), question.kind), ("First <b>school</b>?", QuestionKind::Mandatory));
    assert!(browser.get(&list).await.html.contains("First &#60;b&#62;school&#60;/b&#62;?"));

    let stale = browser.submit(&list, &add).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.html.contains("policies[Second].qa.questions"), "{}", stale.html);
    let empty = browser.submit(&list, &[("revision", "2"), ("text", ""), ("kind", "optional")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    let one = format!("{list}/{}", question.id);
    let change = [("revision", "2"), ("text", "First pet?"), ("kind", "optional")];
    assert_eq!(location(&save(&mut browser, &one, &change).await), format!("{list}?saved=3"));
    assert_eq!(config(&world).policies[1].qa.questions[last].kind, QuestionKind::Optional);
    assert_eq!(
        save(&mut browser, &format!("{one}/remove"), &[("revision", "3")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(config(&world).policies[1].qa.questions.len(), last);
    let gone = browser.submit(&format!("{one}/remove"), &[("revision", "4")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_access_password_is_written_and_never_shown() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let page = browser.get("/admin/connections/new").await;
    let id = page.html.split("action=\"/admin/connections/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/admin/connections/{id}");
    let mut fields = fields_of(&page);
    for (name, value) in [
        ("alias", "CORP"),
        ("servers", "ldaps://dc1.example.com\r\nldaps://dc2.example.com"),
        ("base", "DC=example,DC=com"),
        ("authorities", "-----BEGIN CERTIFICATE-----\r\nMII\r\n-----END CERTIFICATE-----"),
        ("bind_name", "svc@example.com"),
    ] {
        set(&mut fields, name, value);
    }
    let none = send(&mut browser, &path, &fields).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.html.contains("f-bind-password-problem"));
    set(&mut fields, "bind_password", "planted-secret");
    let mut broken = fields.clone();
    set(&mut broken, "base", "nonsense");
    let refused = send(&mut browser, &path, &broken).await;
    assert!(refused.html.contains("f-base-problem") && !refused.html.contains("planted-secret"));

    assert_eq!(location(&send(&mut browser, &path, &fields).await), format!("{path}?saved=1"));
    let sealed = |world: &World| match &config(world).connections[1].endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ldaps.bind_password.clone(),
        DirectoryEndpoint::Embedded => panic!("not over LDAPS"),
    };
    let before = sealed(&world);
    let page = browser.get(&path).await;
    let mut typed = fields_of(&page);
    set(&mut typed, "bind_password", "planted-other");
    let typed: Vec<_> = typed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let look = browser.submit(&path, &typed).await;
    assert!(look.html.contains("bind_password") && !look.html.contains("planted-other"), "{}", look.html);
    let mut back = fields_of(&look);
    set(&mut back, "stage", "back");
    let form = send(&mut browser, &path, &back).await;
    assert!(form.html.contains("What you typed is kept") && !form.html.contains("planted-other"));
    let mut moved = fields_of(&form);
    let kept = moved.iter().find(|(name, _)| name == "bind_password.kept").unwrap().1.clone();
    set(&mut moved, "alias", "");
    set(&mut moved, "alias.kept", &kept);
    let moved = send(&mut browser, &path, &moved).await;
    assert!(!moved.html.contains("planted-other"), "a secret stays in its field: {}", moved.html);
    let mut late = fields_of(&form);
    set(&mut late, "bind_password.kept", "AAAA");
    let late = send(&mut browser, &path, &late).await;
    assert!(late.html.contains("type it again"), "{}", late.html);
    assert_eq!(location(&send(&mut browser, &path, &fields_of(&form)).await), format!("{path}?saved=2"));
    let after = sealed(&world);
    let context = config(&world).connections[1].id.0;
    let opened = world.vault.open(Purpose::ServiceAccount, context.as_bytes(), &after).unwrap();
    assert_eq!(opened.as_slice(), b"planted-other", "what was typed before the way back is what is saved");
    assert!(after != before);
    let before = after;
    let page = browser.get(&path).await;
    assert!(!page.html.contains("planted-secret") && page.html.contains("ldaps://dc2.example.com"));
    let mut fields = fields_of(&page);
    set(&mut fields, "alias", "NEW");
    assert_eq!(send(&mut browser, &path, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(sealed(&world), before, "an empty field keeps the present password");
    let page = browser.get(&path).await;
    for (field, value) in [
        ("servers", "ldaps://dc1.example.com\r\nldaps://elsewhere.example"),
        ("authorities", "-----BEGIN CERTIFICATE-----\r\nMIJ\r\n-----END CERTIFICATE-----"),
        ("bind_name", "other@example.com"),
    ] {
        let mut fields = fields_of(&page);
        set(&mut fields, field, value);
        let refused = send(&mut browser, &path, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        let place = format!("f-{}-problem", field.replace('_', "-"));
        assert!(refused.html.contains(&place) && refused.html.contains("enter it again"), "{}", refused.html);
    }
    let mut fields = fields_of(&page);
    set(&mut fields, "servers", "ldaps://dc2.example.com");
    assert_eq!(send(&mut browser, &path, &fields).await.status, StatusCode::SEE_OTHER, "one server less");
    let unreachable = browser.submit(&format!("{path}/test"), &[("revision", "3")]).await;
    assert!(unreachable.html.contains("dc1.example.com: the object is not there"));
}

#[tokio::test]
async fn a_connection_is_tested_and_one_in_use_is_not_removed() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let path = format!("/admin/connections/{CONNECTION}");
    browser.get(&path).await;
    assert!(browser.submit(&format!("{path}/test"), &[]).await.html.contains("accepts the access account"));
    world.directory.set_controller(Controller::Down);
    let page = browser.submit(&format!("{path}/test"), &[]).await;
    assert!(page.html.contains("dc1.example.com: it cannot be reached"));
    let kept = browser.submit(&format!("{path}/remove"), &[("revision", "0")]).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert!(kept.html.contains("still in use"));
    assert_eq!(config(&world).connections.len(), 1);
}

#[tokio::test]
async fn the_audit_says_who_changed_what() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    new_policy(&mut browser, "Second").await;
    let page = browser.get("/admin/audit").await;
    for text in ["Configuration changed to revision 1", "New policy, by Rita Root", "Their chain is whole"] {
        assert!(page.html.contains(text), "{text} is missing");
    }
    let state = world.consensus.state();
    let by = state.audit().rev().find(|record| matches!(record.event, AuditEvent::ConfigChanged(_))).unwrap();
    assert!(matches!(by.actor, Actor::Administrator(_)));
}
