//! The Admin site: who gets in, that every form is guarded, and how edits are saved, refused and compared.

use crate::browser::{Browser, Page};
use crate::fakes::{ADMINS, DOMAIN, HELPDESK, Realm};
use http::{Method, StatusCode};
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, RealmConfig};
use passquorum_domain::ports::{Consensus, ProposeError};
use passquorum_domain::qa::QuestionKind;
use passquorum_sites::Access;
use passquorum_sites::admin::ROUTES;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) fn realm() -> Realm {
    let realm = Realm::new();
    realm.directory.add("boss", &[ADMINS]);
    realm.directory.add("hilda", &[HELPDESK]);
    realm.directory.add("alice", &[]);
    realm
}

fn config(realm: &Realm) -> Arc<RealmConfig> {
    realm.consensus.local().config().unwrap().clone()
}

pub(crate) async fn administrator(realm: &Realm) -> Browser {
    let mut browser = Browser::new(realm);
    let page = browser.sign_in("admin", "boss").await;
    assert_eq!((page.status, page.location.as_str()), (StatusCode::SEE_OTHER, "/admin/"), "{}", page.text);
    browser
}

/// What a browser would send from a page with one edit form: every input's name and value.
pub(crate) fn fields_of(page: &Page) -> Vec<(String, String)> {
    let unescape = |text: &str| text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
    let form = page.text.split("<main").nth(1).unwrap();
    let form = form[..form.find("</form>").unwrap()].to_owned();
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(unescape(rest.split('"').next()?))
    };
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let unticked = tag.contains("type=\"checkbox\"") && !tag.contains(" checked");
        if let (Some(name), false) = (attribute(tag, "name"), unticked) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    for area in form.split("<textarea").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        let value = rest.split("</textarea>").next().unwrap().trim_start_matches('\n');
        fields.push((attribute(tag, "name").unwrap(), unescape(value)));
    }
    fields.retain(|(name, _)| name != "csrf");
    fields
}

pub(crate) fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(present, _)| present != name);
    fields.push((name.to_owned(), value.to_owned()));
}

pub(crate) async fn send(browser: &mut Browser, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

/// Makes a policy by the site's own form, and answers its path.
pub(crate) async fn new_policy(browser: &mut Browser, name: &str) -> String {
    let page = browser.get("/admin/policies/new").await;
    let action = page.text.split("action=\"/admin/policies/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/admin/policies/{action}");
    let mut fields = fields_of(&page);
    set(&mut fields, "name", name);
    set(&mut fields, &format!("scope.{DOMAIN}.allowed_ous"), "OU=People,DC=example");
    let saved = send(browser, &path, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    path
}

fn concrete(path: &str) -> String {
    path.replace("{id}", &DOMAIN.to_string()).replace("{question}", &Uuid::nil().to_string())
}

#[tokio::test]
async fn only_the_sign_in_answers_who_is_not_signed_in() {
    let realm = realm();
    for route in ROUTES {
        let mut browser = Browser::new(&realm);
        browser.get("/admin/sign-in").await;
        let path = concrete(route.path);
        match (route.access, route.method == Method::GET) {
            (Access::Open, _) => assert_eq!(path, "/admin/sign-in"),
            (Access::SignedIn, true) => {
                assert_eq!(browser.get(&path).await.location, "/admin/sign-in", "{path}")
            }
            (Access::SignedIn, false) => {
                let page = browser.post(&path, &[("revision", "0")]).await;
                assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
                assert!(page.has("PQ-UNAUTHENTICATED"));
            }
        }
    }
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_its_browser() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let before = realm.consensus.local();
    for route in ROUTES.iter().filter(|route| route.method == Method::POST) {
        let path = concrete(route.path);
        for forged in [vec![], vec![("csrf", "")], vec![("csrf", "forged"), ("revision", "0")]] {
            let page = browser.post_bare(&path, &forged).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.has("PQ-CSRF"), "{path}");
        }
    }
    assert_eq!(realm.consensus.local(), before);
}

#[tokio::test]
async fn every_page_has_the_safe_headers_and_a_heading() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let policy = new_policy(&mut browser, "Everyone").await;
    let connection = format!("/admin/connections/{DOMAIN}");
    let questions = format!("{policy}/questions");
    for path in [
        "/admin/",
        "/admin/policies",
        "/admin/policies/new",
        &policy,
        &questions,
        "/admin/connections",
        "/admin/connections/new",
        &connection,
        "/admin/general",
        "/admin/audit",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        assert_eq!(page.text.matches("<h1>").count(), 1, "{path}");
        assert!(!page.has(" style=") && !page.has("<script>"), "{path}: nothing inline");
        for id in page.text.split("<label").skip(1).filter_map(|rest| rest.split("for=\"").nth(1)) {
            let id = id.split('"').next().unwrap();
            assert_eq!(page.text.matches(&format!(" id=\"{id}\"")).count(), 1, "{path}: label for {id}");
        }
    }
}

#[tokio::test]
async fn only_members_of_the_group_sign_in_and_all_others_are_answered_alike() {
    let realm = realm();
    let refusals = [
        ("alice", "alice-password"),
        ("boss", "wrong-password"),
        ("nobody", "any-password"),
        ("hilda", "hilda-password"),
    ];
    let mut texts = Vec::new();
    for (name, password) in refusals {
        let mut browser = Browser::new(&realm);
        browser.get("/admin/sign-in").await;
        let page = browser.post("/admin/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.has(password), "the password is not shown again");
        let text = page.text.replace(&format!("value=\"{name}\""), "").replace(page.hidden("csrf"), "");
        texts.push(text);
        assert_eq!(browser.get("/admin/").await.location, "/admin/sign-in");
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    let mut browser = administrator(&realm).await;
    assert!(browser.get("/admin/").await.has("Name of boss"));
    let state = realm.consensus.local();
    let refused =
        state.audit().filter(|record| record.event == AuditEvent::SignInRefused(Site::Admin)).count();
    assert_eq!(refused, 4);
}

#[tokio::test]
async fn who_signs_out_is_out() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    browser.get("/admin/").await;
    assert_eq!(browser.post("/admin/sign-out", &[]).await.location, "/admin/sign-in");
    assert_eq!(browser.get("/admin/").await.location, "/admin/sign-in");
}

#[tokio::test]
async fn the_cluster_page_shows_each_member_and_needs_no_quorum() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    *realm.consensus.failure.lock().unwrap() = Some(ProposeError::NoQuorum);
    let page = browser.get("/admin/").await;
    for text in ["one (node 1)", "Voter", "Leader", "https://one", "data-refresh=\"/admin/cluster\""] {
        assert!(page.has(text), "{text} is missing in {}", page.text);
    }
    let fragment = browser.get("/admin/cluster").await;
    assert!(fragment.has("Voter") && !fragment.has("<html"));
    let edit = browser.get("/admin/general").await;
    assert_eq!(edit.status, StatusCode::SERVICE_UNAVAILABLE, "an edit needs one");
    assert!(edit.has("PQ-NO-QUORUM"));
}

#[tokio::test]
async fn a_policy_is_made_changed_and_removed() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let path = new_policy(&mut browser, "Everyone").await;
    let made = config(&realm).policies[0].clone();
    assert_eq!((made.name.as_str(), made.lockout.threshold, made.workflows.len()), ("Everyone", 5, 5));
    assert!(made.workflows.iter().all(|workflow| workflow.enabled));

    let page = browser.get(&path).await;
    let mut fields = fields_of(&page);
    set(&mut fields, "lockout.threshold", "3");
    set(&mut fields, "lockout.duration", "60");
    set(&mut fields, "length.min", "14");
    set(&mut fields, &format!("scope.{DOMAIN}.denied_groups"), "CN=A,DC=example\r\nCN=B,DC=example");
    fields.retain(|(name, _)| name != "complexity" && name != "workflow.UnlockAccount");
    let saved = send(&mut browser, &path, &fields).await;
    assert_eq!(saved.location, format!("{path}?saved=2"));
    assert!(browser.get(&saved.location).await.has("Saved as revision 2."));

    let changed = config(&realm).policies[0].clone();
    assert_eq!((changed.lockout.threshold, changed.lockout.duration.0), (3, 60_000));
    assert_eq!((changed.password_rules.len(), changed.scope[0].denied_groups.len()), (1, 2));
    let off: Vec<_> =
        changed.workflows.iter().filter(|workflow| !workflow.enabled).map(|w| &w.name).collect();
    assert_eq!(off, ["Unlock My Account"]);

    browser.get(&path).await;
    let removed = browser.post(&format!("{path}/remove"), &[("revision", "2")]).await;
    assert_eq!(removed.location, "/admin/policies?saved=3");
    assert!(config(&realm).policies.is_empty());
}

#[tokio::test]
async fn every_problem_of_a_form_is_shown_at_once_beside_its_field_and_nothing_is_saved() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let path = new_policy(&mut browser, "Everyone").await;
    let mut fields = fields_of(&browser.get(&path).await);
    set(&mut fields, "name", "");
    set(&mut fields, "lockout.threshold", "0");
    set(&mut fields, "lockout.duration", "<soon>");
    set(&mut fields, "length.min", "300");
    set(&mut fields, &format!("scope.{DOMAIN}.allowed_groups"), "not a name");
    let page = send(&mut browser, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["name", "lockout-threshold", "lockout-duration", "length-min"] {
        assert!(page.has(&format!("href=\"#f-{field}\"")), "{field} is not in the summary");
        assert!(page.has(&format!("id=\"f-{field}-problem\"")), "{field} has no message beside it");
    }
    assert!(page.has("allowed-groups-problem"));
    assert!(page.has("&#60;soon&#62;"), "what was typed is shown again, escaped");
    assert!(!page.has("<soon>"));
    assert_eq!(config(&realm).revision.0, 1);
}

#[tokio::test]
async fn a_stale_edit_is_refused_with_both_versions_and_can_be_saved_on_top() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    let mut theirs = config(&realm).general.clone();
    theirs.organisation = "Theirs".into();
    let change =
        Action::ChangeConfig { base: config(&realm).revision, change: ConfigChange::SetGeneral(theirs) };
    realm.consensus.apply(change).unwrap();

    set(&mut fields, "general.organisation", "Mine");
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    for text in ["general.organisation", "<td>Mine</td>", "<td>Theirs</td>", "Somebody else changed"] {
        assert!(page.has(text), "{text} is missing");
    }
    assert_eq!(config(&realm).general.organisation, "Theirs");
    let again = send(&mut browser, "/admin/general", &fields_of(&page)).await;
    assert_eq!(again.location, "/admin/general?saved=2");
    assert_eq!(config(&realm).general.organisation, "Mine");
}

#[tokio::test]
async fn an_untouched_form_changes_nothing_but_the_revision() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let before = config(&realm);
    let fields = fields_of(&browser.get("/admin/general").await);
    assert_eq!(send(&mut browser, "/admin/general", &fields).await.status, StatusCode::SEE_OTHER);
    let after = config(&realm);
    assert_eq!(RealmConfig { revision: before.revision, ..(*after).clone() }, *before);
}

#[tokio::test]
async fn the_last_administrators_group_cannot_be_taken_away() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, &format!("administrators.{DOMAIN}"), "");
    let page = send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.has("nobody could sign in here"));
}

#[tokio::test]
async fn questions_are_added_changed_and_removed_one_at_a_time() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let policy = new_policy(&mut browser, "Everyone").await;
    let list = format!("{policy}/questions");
    let revision = browser.get(&list).await.hidden("revision").to_owned();
    let add = [("revision", revision.as_str()), ("text", "First <b>school</b>?"), ("kind", "mandatory")];
    assert_eq!(browser.post(&list, &add).await.location, format!("{list}?saved=2"));
    let question = config(&realm).policies[0].qa.questions[0].clone();
    assert_eq!((question.text.as_str(), question.kind), ("First <b>school</b>?", QuestionKind::Mandatory));
    assert!(browser.get(&list).await.has("First &#60;b&#62;school&#60;/b&#62;?"));

    let stale = browser.post(&list, &add).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.has("policies[Everyone].qa.questions"), "{}", stale.text);
    let empty = browser.post(&list, &[("revision", "2"), ("text", ""), ("kind", "optional")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    let one = format!("{list}/{}", question.id);
    let change = [("revision", "2"), ("text", "First pet?"), ("kind", "optional")];
    assert_eq!(browser.post(&one, &change).await.location, format!("{list}?saved=3"));
    assert_eq!(config(&realm).policies[0].qa.questions[0].kind, QuestionKind::Optional);
    assert_eq!(
        browser.post(&format!("{one}/remove"), &[("revision", "3")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(config(&realm).policies[0].qa.questions.is_empty());
    let gone = browser.post(&format!("{one}/remove"), &[("revision", "4")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_access_password_is_written_and_never_shown() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let page = browser.get("/admin/connections/new").await;
    let id = page.text.split("action=\"/admin/connections/").nth(1).unwrap().split('"').next().unwrap();
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
    assert!(none.has("f-bind-password-problem"));
    set(&mut fields, "bind_password", "planted-secret");
    let mut broken = fields.clone();
    set(&mut broken, "base", "nonsense");
    let refused = send(&mut browser, &path, &broken).await;
    assert!(refused.has("f-base-problem") && !refused.has("planted-secret"));

    assert_eq!(send(&mut browser, &path, &fields).await.location, format!("{path}?saved=1"));
    let sealed = |realm: &Realm| match &config(realm).connections[1].endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ldaps.bind_password.clone(),
        DirectoryEndpoint::Embedded => panic!("not over LDAPS"),
    };
    let before = sealed(&realm);
    let page = browser.get(&path).await;
    assert!(!page.has("planted-secret") && page.has("ldaps://dc2.example.com"));
    let mut fields = fields_of(&page);
    set(&mut fields, "alias", "NEW");
    assert_eq!(send(&mut browser, &path, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(sealed(&realm), before, "an empty field keeps the present password");
    let unreachable = browser.post(&format!("{path}/test"), &[("revision", "2")]).await;
    assert!(unreachable.has("cannot be reached"));
}

#[tokio::test]
async fn a_connection_is_tested_and_one_in_use_is_not_removed() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    let path = format!("/admin/connections/{DOMAIN}");
    browser.get(&path).await;
    assert!(browser.post(&format!("{path}/test"), &[]).await.has("accepts the access account"));
    *realm.directory.down.lock().unwrap() = true;
    let page = browser.post(&format!("{path}/test"), &[]).await;
    assert!(page.has("dc1") && page.has("cannot be reached"));
    let kept = browser.post(&format!("{path}/remove"), &[("revision", "0")]).await;
    assert!(kept.has("still in use"));
    assert_eq!(config(&realm).connections.len(), 1);
}

#[tokio::test]
async fn the_audit_says_who_changed_what() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    new_policy(&mut browser, "Everyone").await;
    let page = browser.get("/admin/audit").await;
    for text in ["Configuration changed to revision 1", "New policy, by Name of boss", "Their chain is whole"]
    {
        assert!(page.has(text), "{text} is missing");
    }
    let state = realm.consensus.local();
    let by = state.audit().rev().find(|record| matches!(record.event, AuditEvent::ConfigChanged(_))).unwrap();
    assert!(matches!(by.actor, Actor::Administrator(_)));
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_with_a_page() {
    let realm = realm();
    let mut browser = administrator(&realm).await;
    browser.get("/admin/general").await;
    let none = browser.post("/admin/general", &[]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.has("PQ-BAD-INPUT"));
    let huge = "x".repeat(1 << 20);
    let page = browser.post("/admin/general", &[("general.organisation", &huge)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(browser.get("/admin/policies/nonsense").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&format!("/admin/policies/{}", Uuid::nil())).await.status, StatusCode::NOT_FOUND);
}
