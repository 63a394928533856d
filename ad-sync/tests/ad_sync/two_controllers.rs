//! A domain with two real controllers that are found by DNS. In each task the one that has served the user so far dies.

use crate::domain_controller::{BASE, DOMAIN, DomainController, SERVICE_PASSWORD};
use crate::people::{CONNECTION, dn, first_password, one, password};
use crate::samba::settings;
use passquorum_ad_sync::{Names, ProfileAttributes, container, ldaps};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::{LoginName, UserRecord};
use passquorum_domain::ids::RealmId;
use passquorum_domain::ports::{Directory, DirectoryReason, PasswordCheck, ResetOptions, Retry};
use passquorum_domain::profile::ProfileValue;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{interval, timeout};

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 44);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 45);
const NAMES: [&str; 2] = ["dc1.corp.example.test", "dc2.corp.example.test"];
const LIMIT: Duration = Duration::from_secs(90);

/// What a user's visit asks of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Find,
    Read,
    Groups,
    CheckPassword,
    Reset,
    Change,
    Unlock,
    MustChange,
    Rules,
    WriteProfile,
    ReadProfile,
}

impl Task {
    const ALL: [Self; 11] = [
        Self::Find,
        Self::Read,
        Self::Groups,
        Self::CheckPassword,
        Self::Reset,
        Self::Change,
        Self::Unlock,
        Self::MustChange,
        Self::Rules,
        Self::WriteProfile,
        Self::ReadProfile,
    ];
}

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let look = async {
        let mut ticks = interval(Duration::from_millis(100));
        while !holds().await {
            ticks.tick().await;
        }
    };
    timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}

/// Waits until both controllers know the same of a user.
async fn in_step(controllers: &[DomainController; 2], user: &str) {
    until("the controllers replicate", || async {
        for attribute in ["pwdLastSet", "lockoutTime", "comment"] {
            let [one, other] = controllers;
            if one.attribute(user, attribute).await != other.attribute(user, attribute).await {
                return false;
            }
        }
        true
    })
    .await;
}

#[tokio::test]
async fn each_task_is_done_although_the_controller_that_served_the_user_has_died() {
    let first = DomainController::start(FIRST).await;
    let second = first.join(SECOND).await;
    let controllers = [first, second];
    let names = Arc::new(Names::of_servers(&[FIRST, SECOND].map(|at| SocketAddr::from((at, 53)))));
    let settings = settings(&controllers[0], &["dns://corp.example.test/Default-First-Site-Name"]);
    let open = || {
        let password = SERVICE_PASSWORD.into();
        ldaps::open(
            CONNECTION,
            &settings,
            Arc::clone(&names),
            password,
            ProfileAttributes::new("comment", None),
        )
        .unwrap()
    };
    until("DNS names both controllers on both", || async {
        for at in [FIRST, SECOND] {
            let named = Names::of_servers(&[SocketAddr::from((at, 53))])
                .services("_ldap._tcp.Default-First-Site-Name._sites.dc._msdcs.corp.example.test.")
                .await;
            if named.map_or(0, |services| services.len()) < 2 {
                return false;
            }
        }
        true
    })
    .await;

    let directory = open();
    let mut alice = one(directory.as_ref(), "alice").await;
    assert_eq!(alice.user.dc, NAMES[0]);
    for (round, task) in Task::ALL.into_iter().enumerate() {
        let dies = round % 2;
        in_step(&controllers, "alice").await;
        alice.user.dc = NAMES[dies].to_owned();
        directory.read(&alice.user).await.unwrap();
        controllers[dies].stop().await;
        perform(task, directory.as_ref(), &alice, &controllers[1 - dies]).await;
        controllers[dies].resume().await;
    }

    a_container_is_kept_on_the_primary_controller(&settings, &names).await;

    let dc_of_alice = || async { one(directory.as_ref(), "alice").await.user.dc };
    until("the first controller is asked again", || async { dc_of_alice().await == NAMES[0] }).await;
    controllers[0].stop().await;
    assert_eq!(dc_of_alice().await, NAMES[1]);
    controllers[0].resume().await;
    until("and again", || async { dc_of_alice().await == NAMES[0] }).await;

    for controller in &controllers {
        controller.stop().await;
    }
    let error = directory.find(&LoginName::parse("alice").unwrap()).await.unwrap_err();
    assert_eq!((error.reason, error.retry), (DirectoryReason::Unreachable, Retry::Safe));
}

async fn perform(task: Task, directory: &dyn Directory, alice: &UserRecord, alive: &DomainController) {
    let user = &alice.user;
    let (begins, reset, changed) =
        (password(&first_password("alice")), password("Second-Harbor-1"), password("Third-Meadow-22"));
    let profile = ProfileValue::from(Blob::from(b"sealed".to_vec()));
    let groups = [dn(&format!("CN=SSPR-Users,OU=People,{BASE}"))];
    match task {
        Task::Find => {
            let found = one(directory, &format!("alice@{DOMAIN}")).await;
            assert_eq!(found.user.guid, user.guid);
            assert_ne!(found.user.dc, user.dc);
        }
        Task::Read => assert_ne!(directory.read(user).await.unwrap().user.dc, user.dc),
        Task::Groups => assert_eq!(directory.member_of(alice, &groups).await.unwrap(), groups),
        Task::CheckPassword => {
            assert_eq!(directory.check_password(alice, &begins).await.unwrap(), PasswordCheck::Right);
        }
        Task::Reset => {
            let options = ResetOptions { unlock: true, must_change: false };
            directory.reset_password(user, &reset, options).await.unwrap();
            assert!(alive.bind_works("alice", "Second-Harbor-1").await);
        }
        Task::Change => {
            directory.change_password(user, &reset, &changed).await.unwrap();
            assert!(alive.bind_works("alice", "Third-Meadow-22").await);
        }
        Task::Unlock => directory.unlock(user).await.unwrap(),
        Task::MustChange => {
            directory.set_must_change(user).await.unwrap();
            assert_eq!(alive.attribute("alice", "pwdLastSet").await, ["0"]);
        }
        Task::Rules => assert_eq!(directory.password_rules(user).await.unwrap().min_length, 8),
        Task::WriteProfile => {
            let held = directory.read_profile(user).await.unwrap();
            directory.write_profile(user, &held, Some(&profile)).await.unwrap();
        }
        Task::ReadProfile => assert_eq!(directory.read_profile(user).await.unwrap().value, Some(profile)),
    }
}

async fn a_container_is_kept_on_the_primary_controller(
    settings: &passquorum_domain::config::LdapsSettings,
    names: &Arc<Names>,
) {
    let (realm, name) =
        (RealmId(uuid::Uuid::nil()), dn(&format!("CN=_QPMStorageContainer,CN=System,{BASE}")));
    let password = SERVICE_PASSWORD.into();
    let container = container::open(realm, CONNECTION, settings, Arc::clone(names), password, &name).unwrap();
    assert_eq!(container.read().await.unwrap(), None);
}
