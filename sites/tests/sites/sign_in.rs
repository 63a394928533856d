//! The sign-in of the Admin and Helpdesk sites.

use crate::fakes::*;
use crate::staff::{administrator, fields_of, location, look, send, set};
use http::StatusCode;
use passquorum_domain::audit::{AuditEvent, Site};
use passquorum_domain::config::ConfigChange;
use passquorum_domain::directory::{DistinguishedName, LoginName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::DirectoryReason;
use passquorum_domain::secret::Password;
use passquorum_domain::time::Span;
use passquorum_sites::Failure;
use passquorum_sites::session::Staff;

async fn sign_in(world: &World, site: Site, name: &str, password: &str) -> Result<Staff, Failure> {
    let name = LoginName::parse(name).map_err(Failure::internal)?;
    let password = Password::parse(password.into()).map_err(Failure::internal)?;
    passquorum_sites::sign_in::sign_in(&world.ports(), site, &name, &password, [192, 0, 2, 9].into()).await
}

#[tokio::test]
async fn a_member_of_the_group_with_the_right_password_is_signed_in() {
    let world = World::new();
    let staff = sign_in(&world, Site::Admin, "EXAMPLE\\root", "Rita-0ld-Secret").await.unwrap();
    assert_eq!(staff.display_name, "Rita Root");
    let state = world.consensus.state();
    let record = state.audit().find(|record| record.event == AuditEvent::SignedIn(Site::Admin)).unwrap();
    assert_eq!(record.subject, Some(staff.subject));
}

#[tokio::test]
async fn no_role_a_wrong_password_and_no_such_user_are_refused_alike() {
    let world = World::new();
    for (site, name, password) in [
        (Site::Admin, "root", "wrong"),
        (Site::Admin, "alice", "Alice-0ld-Secret"),
        (Site::Admin, "zelda", "Alice-0ld-Secret"),
        (Site::Helpdesk, "root", "Rita-0ld-Secret"),
    ] {
        let failure = sign_in(&world, site, name, password).await.unwrap_err();
        assert_eq!(failure, Failure::new(ErrorCode::WrongCredentials), "{name}");
    }
    let state = world.consensus.state();
    let refusals = state.audit().filter(|record| matches!(record.event, AuditEvent::SignInRefused(_)));
    assert_eq!(refusals.count(), 4);
}

#[tokio::test]
async fn five_wrong_passwords_lock_both_sites_for_staff_against_the_right_one_and_not_self_service() {
    let world = World::new();
    for name in ["root", "zelda"] {
        for site in [Site::Admin, Site::Helpdesk, Site::Admin, Site::Helpdesk, Site::Admin] {
            let failure = sign_in(&world, site, name, "wrong").await.unwrap_err();
            assert_eq!(failure.code, ErrorCode::WrongCredentials);
        }
        for site in [Site::Admin, Site::Helpdesk] {
            let failure = sign_in(&world, site, name, "Rita-0ld-Secret").await.unwrap_err();
            assert_eq!(failure.code, ErrorCode::Locked);
            assert!(failure.until.is_some());
        }
        let mut browser = crate::browser::Browser::new(world.node("n1"));
        let page = crate::browser::start(&mut browser, "forgot-password", name).await;
        assert!(page.html.contains("answer-0"), "{}", page.html);
    }
    world.clock.forward(Span::minutes(15));
    sign_in(&world, Site::Admin, "root", "Rita-0ld-Secret").await.unwrap();
}

#[tokio::test]
async fn a_stranger_who_locks_an_administrator_on_self_service_does_not_keep_them_from_their_site() {
    let world = World::new();
    let mut browser = crate::browser::Browser::new(world.node("n1"));
    for _ in 0..6 {
        crate::browser::start(&mut browser, "register", "root").await;
        browser.post(crate::browser::STEP, &[("password", "Wrong-Pass-1")]).await;
    }
    let page = crate::browser::start(&mut browser, "register", "root").await;
    assert!(page.html.contains("PQ-LOCKED"), "{}", page.html);
    sign_in(&world, Site::Admin, "root", "Rita-0ld-Secret").await.unwrap();
}

#[tokio::test]
async fn without_any_policy_five_wrong_passwords_lock_too() {
    let world = World::raised();
    let mut config = (**world.consensus.state().config().unwrap()).clone();
    config.policies.clear();
    world.consensus.configure(ConfigChange::Replace(Box::new(config)));
    for _ in 0..5 {
        sign_in(&world, Site::Admin, "root", "wrong").await.unwrap_err();
    }
    let failure = sign_in(&world, Site::Admin, "root", "Rita-0ld-Secret").await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Locked);
}

#[tokio::test]
async fn whoever_has_lost_the_role_changes_nothing_more_and_is_signed_out() {
    let world = World::new();
    for (case, lose) in [
        ("no member", (|user| user.groups.clear()) as fn(&mut FakeUser)),
        ("disabled", |user| user.record.status.disabled = true),
        ("expired", |user| user.record.status.expired = true),
    ] {
        let mut browser = administrator(&world).await;
        let fields = fields_of(&browser.get("/admin/general").await);
        let before = world.directory.user("root");
        world.directory.edit("root", lose);
        let revision = world.consensus.state().config().unwrap().revision;
        let page = send(&mut browser, "/admin/general", &fields).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{case}: {}", page.html);
        assert_eq!(world.consensus.state().config().unwrap().revision, revision, "{case}");
        let state = world.consensus.state();
        assert_eq!(
            state.audit().next_back().unwrap().event,
            AuditEvent::SignInRefused(Site::Admin),
            "{case}"
        );
        world.directory.edit("root", |user| *user = before);
        assert_eq!(location(&look(&mut browser, "/admin/").await), "/admin/sign-in", "{case}");
    }
}

#[tokio::test]
async fn an_administrator_can_mend_the_settings_while_the_domain_cannot_be_asked_and_not_when_it_says_no() {
    for (reason, status) in [
        (DirectoryReason::Unreachable, StatusCode::SEE_OTHER),
        (DirectoryReason::NoAnswer, StatusCode::SEE_OTHER),
        (DirectoryReason::UntrustedCertificate, StatusCode::SEE_OTHER),
        (DirectoryReason::BindRefused, StatusCode::SEE_OTHER),
        (DirectoryReason::AccessDenied, StatusCode::UNAUTHORIZED),
        (DirectoryReason::NotFound, StatusCode::UNAUTHORIZED),
        (DirectoryReason::Refused, StatusCode::UNAUTHORIZED),
    ] {
        let world = World::new();
        let mut browser = administrator(&world).await;
        let mut fields = fields_of(&browser.get("/admin/general").await);
        set(&mut fields, "general.organisation", "Mended");
        world.directory.set_controller(Controller::Fails(reason));
        let page = send(&mut browser, "/admin/general", &fields).await;
        assert_eq!(page.status, status, "{reason:?}: {}", page.html);
    }
}

#[tokio::test]
async fn a_group_that_is_gone_gives_nobody_a_role_and_takes_none() {
    let world = World::new();
    let mut gone = config().administrators;
    gone[0].group = DistinguishedName::parse("CN=A gone group,DC=example,DC=com").unwrap();
    gone.extend(config().administrators);
    world.consensus.configure(ConfigChange::SetAdministrators(gone));
    world.directory.lose("CN=A gone group,DC=example,DC=com");
    sign_in(&world, Site::Admin, "root", "Rita-0ld-Secret").await.unwrap();
}
