//! LDAPS against a real domain controller that cannot be trusted, reached, bound to or heard.

use crate::domain_controller::{DomainController, SERVICE_ACCOUNT, SERVICE_PASSWORD};
use crate::people::{one, password};
use crate::relay::Relay;
use crate::samba::{open, settings};
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::LoginName;
use passquorum_domain::ports::{
    CheckOutcome, Directory, DirectoryReason, PasswordCheck, ResetOptions, Retry,
};
use std::net::{Ipv4Addr, SocketAddr};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 42);
/// Nobody listens there.
const DEAD: &str = "ldaps://127.0.0.42:9";
const DEAD_TOO: &str = "ldaps://127.0.0.42:10";
const PLAIN: ResetOptions = ResetOptions { unlock: false, must_change: false };

async fn find_alice(directory: &dyn Directory) -> (DirectoryReason, Retry) {
    let error = directory.find(&LoginName::parse("alice").unwrap()).await.unwrap_err();
    (error.reason, error.retry)
}

#[tokio::test]
async fn each_fault_has_its_own_error_and_leaves_no_doubt() {
    let samba = DomainController::start(ADDRESS).await;
    a_certificate_of_another_authority_is_refused(&samba).await;
    a_certificate_for_another_host_is_refused(&samba).await;
    a_wrong_bind_password_is_told_and_does_not_lock_the_account(&samba).await;
    the_next_controller_serves_when_the_first_is_dead(&samba).await;
    an_answer_that_does_not_come_is_unknown(&samba).await;
    a_controller_that_stops_is_unreachable_and_served_again_when_back(&samba).await;
    samba.stop().await;
}

async fn a_certificate_of_another_authority_is_refused(samba: &DomainController) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authorities = parameters.self_signed(&key).unwrap().pem();
    let foreign = LdapsSettings { authorities, ..settings(samba, &[&samba.url()]) };
    let directory = open(&foreign, SERVICE_PASSWORD);
    let untrusted = (DirectoryReason::UntrustedCertificate, Retry::Pointless);
    assert_eq!(find_alice(directory.as_ref()).await, untrusted);
    assert_eq!(directory.check().await.unwrap_err().reason, DirectoryReason::UntrustedCertificate);
}

async fn a_certificate_for_another_host_is_refused(samba: &DomainController) {
    let relay = Relay::start(Ipv4Addr::LOCALHOST, SocketAddr::from((ADDRESS, 636))).await;
    let directory = open(&settings(samba, &[&relay.url()]), SERVICE_PASSWORD);
    assert_eq!(find_alice(directory.as_ref()).await.0, DirectoryReason::UntrustedCertificate);
}

async fn a_wrong_bind_password_is_told_and_does_not_lock_the_account(samba: &DomainController) {
    let directory = open(&settings(samba, &[&samba.url()]), "Not-The-Password-1");
    // More often than the domain's lockout threshold.
    for _ in 0..8 {
        let error = directory.find(&LoginName::parse("alice").unwrap()).await.unwrap_err();
        assert_eq!((error.reason, error.retry), (DirectoryReason::BindRefused, Retry::Pointless));
        assert_eq!(error.ad_code, Some(0x52E));
    }
    assert!(samba.bind_works(SERVICE_ACCOUNT, SERVICE_PASSWORD).await);
    let checks =
        open(&settings(samba, &[DEAD, &samba.url(), DEAD_TOO]), "Not-The-Password-1").check_each().await;
    let outcomes: Vec<_> = checks.into_iter().map(|check| check.outcome).collect();
    let [CheckOutcome::Fails(dead), CheckOutcome::Fails(refused), CheckOutcome::NotAsked] = &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    let reasons = (dead.reason, refused.reason);
    assert_eq!(reasons, (DirectoryReason::Unreachable, DirectoryReason::BindRefused));
    let checks = open(&settings(samba, &[DEAD, &samba.url()]), SERVICE_PASSWORD).check_each().await;
    assert_eq!(checks[1].outcome, CheckOutcome::Serves);
    let without = open(&settings(samba, &[&samba.url()]), "");
    assert_eq!(find_alice(without.as_ref()).await.0, DirectoryReason::BindRefused);
}

async fn the_next_controller_serves_when_the_first_is_dead(samba: &DomainController) {
    let directory = open(&settings(samba, &[DEAD, &samba.url()]), SERVICE_PASSWORD);
    let mut alice = one(directory.as_ref(), "alice").await;
    assert_eq!(alice.user.dc, ADDRESS.to_string());
    // A user who was found on a controller that is gone since.
    alice.user.dc = DEAD.trim_start_matches("ldaps://").to_owned();
    let new = password("Second-Harbor-1");
    directory.reset_password(&alice.user, &new, PLAIN).await.unwrap();
    assert_eq!(directory.check_password(&alice, &new).await.unwrap(), PasswordCheck::Right);
    directory.check().await.unwrap();
}

async fn an_answer_that_does_not_come_is_unknown(samba: &DomainController) {
    let relay = Relay::start(ADDRESS, SocketAddr::from((ADDRESS, 636))).await;
    let directory = open(&settings(samba, &[&relay.url(), &samba.url()]), SERVICE_PASSWORD);
    let dave = one(directory.as_ref(), "dave").await;
    assert_ne!(dave.user.dc, ADDRESS.to_string(), "the relay must be the controller in use");
    relay.swallow_answers();
    let new = password("Unheard-Harbor-1");
    let error = directory.reset_password(&dave.user, &new, PLAIN).await.unwrap_err();
    assert_eq!((error.reason, error.retry), (DirectoryReason::NoAnswer, Retry::Unknown));
    assert_eq!(error.dc, dave.user.dc);
    // It did happen, which is why it must not be called a failure.
    assert!(samba.bind_works("dave", new.expose()).await);
    // A question without an answer has changed nothing and goes to the next controller.
    assert_eq!(directory.read(&dave.user).await.unwrap().user.dc, ADDRESS.to_string());
}

async fn a_controller_that_stops_is_unreachable_and_served_again_when_back(samba: &DomainController) {
    let directory = open(&settings(samba, &[&samba.url()]), SERVICE_PASSWORD);
    let bob = one(directory.as_ref(), "bob").await;
    samba.stop().await;
    let unreachable = (DirectoryReason::Unreachable, Retry::Safe);
    assert_eq!(find_alice(directory.as_ref()).await, unreachable);
    let new = password("Third-Harbor-1");
    let error = directory.reset_password(&bob.user, &new, PLAIN).await.unwrap_err();
    assert_eq!((error.reason, error.retry), unreachable);
    samba.resume().await;
    assert!(
        !samba.bind_works("bob", new.expose()).await,
        "what was called safe to retry must not have happened"
    );
    directory.reset_password(&bob.user, &new, PLAIN).await.unwrap();
    assert_eq!(directory.check_password(&bob, &new).await.unwrap(), PasswordCheck::Right);
}
