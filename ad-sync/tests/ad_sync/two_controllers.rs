//! A domain with two real controllers that are found by DNS, of which one is killed: before each call that anybody makes,
//! and while it works on it. What may have happened is not tried again; what cannot have happened is the other one's.

mod calls;
mod pinned;

use crate::domain_controller::{BASE, DomainController, SERVICE_PASSWORD};
use crate::people::{CONNECTION, dn, one};
use crate::relay::Relay;
use crate::samba::settings;
use calls::{Call, Visit, undo};
use passquorum_ad_sync::{Names, ProfileAttributes, container, ldaps};
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::LoginName;
use passquorum_domain::ids::RealmId;
use passquorum_domain::ports::{Directory, DirectoryError, DirectoryReason, Retry};
use pinned::{Duty, Leader};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 44);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 45);
const NAMES: [&str; 2] = ["dc1.corp.example.test", "dc2.corp.example.test"];
const LIMIT: Duration = Duration::from_secs(90);

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let look = async {
        let mut ticks = interval(Duration::from_millis(100));
        while !holds().await {
            ticks.tick().await;
        }
    };
    timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}

/// The two controllers, and how they are found.
struct Domain {
    controllers: [DomainController; 2],
    settings: LdapsSettings,
    names: Arc<Names>,
}

impl Domain {
    async fn start() -> Self {
        let first = DomainController::start(FIRST).await;
        first.crowd(1100).await;
        let second = first.join(SECOND).await;
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
        let names = Arc::new(Names::of_servers(&[FIRST, SECOND].map(|at| SocketAddr::from((at, 53)))));
        let settings = settings(&first, &["client", "dns://corp.example.test/Default-First-Site-Name"]);
        Self { controllers: [first, second], settings, names }
    }

    fn directory(&self, settings: &LdapsSettings) -> Arc<dyn Directory> {
        let attributes = ProfileAttributes::new("comment", None);
        let password = SERVICE_PASSWORD.into();
        ldaps::open(CONNECTION, settings, Arc::clone(&self.names), password, attributes).unwrap()
    }

    /// Waits until both controllers know the same of everybody.
    async fn in_step(&self) {
        until("the controllers replicate", || async {
            for attribute in ["pwdLastSet", "lockoutTime", "comment", "userAccountControl"] {
                let [one, other] = &self.controllers;
                if people(one, attribute).await != people(other, attribute).await {
                    return false;
                }
            }
            true
        })
        .await;
    }
}

async fn people(at: &DomainController, attribute: &str) -> Vec<String> {
    let mut values = at.values(&format!("OU=People,{BASE}"), "(objectClass=user)", attribute).await;
    values.sort();
    values
}

/// What is known after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    /// It did not happen, and may be tried again.
    NotDone,
    /// It may have happened.
    Unknown,
}

impl Told {
    fn of(outcome: &Result<(), DirectoryError>) -> Self {
        match outcome {
            Ok(()) => Self::Done,
            Err(error) => match (error.reason, error.retry) {
                (DirectoryReason::Unreachable, Retry::Safe) => Self::NotDone,
                (DirectoryReason::NoAnswer, Retry::Unknown) => Self::Unknown,
                _ => panic!("{error:?}"),
            },
        }
    }
}

#[tokio::test]
async fn each_call_ends_well_although_its_controller_is_killed_before_it_or_at_it() {
    let domain = Domain::start().await;
    for dies in [0, 1] {
        a_controller_is_killed_before_each_call(&domain, dies).await;
    }
    a_controller_is_killed_while_it_works_on_each_call(&domain).await;
    a_container_is_kept_on_the_primary_controller(&domain).await;
    it_is_asked_again_once_it_is_back(&domain).await;
}

async fn a_controller_is_killed_before_each_call(domain: &Domain, dies: usize) {
    let (round, [dead, alive]) = (dies as u8, [dies, 1 - dies].map(|which| &domain.controllers[which]));
    undo(dead).await;
    let calls = Call::ALL.into_iter().filter(|call| dies == 0 || !call.begins_at_the_first());
    let mut visits = Vec::new();
    for call in calls {
        let directory = domain.directory(&domain.settings);
        visits.push(Visit::so_far(call, round, directory, NAMES[dies]).await);
    }
    let mut leaders = Vec::new();
    for duty in Duty::ALL.into_iter().filter(|_| dies == 0) {
        leaders.push((duty, Leader::new(duty, &domain.settings, &domain.names).so_far().await));
    }
    domain.in_step().await;
    dead.kill().await;
    for visit in &mut visits {
        let begun = Instant::now();
        let told = Told::of(&visit.go_on().await);
        eprintln!("{:?}, {} killed before: {told:?} after {:?}", visit.call, NAMES[dies], begun.elapsed());
        // A place in a list means nothing to the other controller: whoever needs the list begins it anew.
        let expected = if visit.call == Call::NextPage { Told::NotDone } else { Told::Done };
        assert_eq!(told, expected, "{:?}", visit.call);
        if visit.call.changes() {
            assert!(visit.call.has_happened(round, alive).await, "{:?}", visit.call);
        }
    }
    for (duty, leader) in &leaders {
        let begun = Instant::now();
        let told = Told::of(&leader.go_on().await);
        eprintln!("{duty:?}, {} killed before: {told:?} after {:?}", NAMES[dies], begun.elapsed());
        assert_eq!(told, Told::NotDone, "{duty:?}");
    }
    dead.resume().await;
    domain.in_step().await;
    for (duty, leader) in &leaders {
        assert!(!duty.changes() || !leader.is_done().await, "{duty:?} was done elsewhere, or later");
    }
}

/// A call of which the first controller has done what it is asked, and has not been heard.
struct UnderWay {
    name: String,
    /// In front of each controller.
    relays: [Relay; 2],
    expected: Told,
    told: JoinHandle<(Told, Instant)>,
}

async fn a_controller_is_killed_while_it_works_on_each_call(domain: &Domain) {
    const ROUND: u8 = 2;
    let [first, second] = &domain.controllers;
    undo(first).await;
    domain.in_step().await;
    let relays = || async {
        let relays = [FIRST, SECOND].map(|at| Relay::start(at, SocketAddr::from((at, 636))));
        let [first, second] = relays;
        let relays = [first.await, second.await];
        let servers = relays.iter().map(Relay::url).collect();
        (relays, LdapsSettings { servers, ..domain.settings.clone() })
    };
    let (mut visits, mut leaders) = (Vec::new(), Vec::new());
    // Whom a visitor's computer names is a choice among controllers that DNS names, and no relay is one.
    for call in Call::ALL.into_iter().filter(|call| *call != Call::FindNear) {
        let (relays, settings) = relays().await;
        let dc = relays[0].url().trim_start_matches("ldaps://").to_owned();
        visits.push((Visit::so_far(call, ROUND, domain.directory(&settings), &dc).await, relays));
    }
    for duty in Duty::ALL {
        let (relays, settings) = relays().await;
        leaders.push((duty, Leader::new(duty, &settings, &domain.names).so_far().await, relays));
    }
    let mut under_way = Vec::new();
    for (mut visit, relays) in visits {
        let call = visit.call;
        relays[0].keep_answers_from(call.decisive_request());
        let expected = match call {
            Call::NextPage => Told::NotDone,
            _ if call.leaves_a_trace() => Told::Unknown,
            _ => Told::Done,
        };
        let told = tokio::spawn(async move { (Told::of(&visit.go_on().await), Instant::now()) });
        under_way.push(UnderWay { name: format!("{call:?}"), relays, expected, told });
    }
    for (duty, leader, relays) in leaders {
        relays[0].keep_answers_from(duty.decisive_request());
        let expected = if duty.changes() { Told::Unknown } else { Told::NotDone };
        let told = tokio::spawn(async move { (Told::of(&leader.go_on().await), Instant::now()) });
        under_way.push(UnderWay { name: format!("{duty:?}"), relays, expected, told });
    }
    for call in &under_way {
        let kept = timeout(LIMIT, call.relays[0].an_answer_is_kept()).await;
        assert!(kept.is_ok(), "{}: nobody answered", call.name);
    }
    let killed = Instant::now();
    first.kill().await;
    for UnderWay { name, relays, expected, told } in under_way {
        let (told, at) = told.await.unwrap();
        eprintln!("{name}, {} killed at it: {told:?} after {:?}", NAMES[0], at.duration_since(killed));
        assert_eq!(told, expected, "{name}");
        assert_eq!(relays[1].visits() > 0, told == Told::Done, "{name}: whether the other one was asked");
    }
    first.resume().await;
    domain.in_step().await;
    for call in Call::ALL.into_iter().filter(|call| call.changes()) {
        assert!(call.has_happened(ROUND, second).await, "{call:?}: the one that was killed had done it");
    }
    for duty in Duty::ALL {
        let leader = Leader::new(duty, &domain.settings, &domain.names);
        assert!(leader.is_done().await, "{duty:?}: the one that was killed had done it");
    }
}

async fn a_container_is_kept_on_the_primary_controller(domain: &Domain) {
    let (realm, name) =
        (RealmId(uuid::Uuid::nil()), dn(&format!("CN=_QPMStorageContainer,CN=System,{BASE}")));
    let names = Arc::clone(&domain.names);
    let container =
        container::open(realm, CONNECTION, &domain.settings, names, SERVICE_PASSWORD.into(), &name).unwrap();
    assert_eq!(container.read().await.unwrap(), None);
}

async fn it_is_asked_again_once_it_is_back(domain: &Domain) {
    let directory = domain.directory(&domain.settings);
    let dc_of_alice = || async { one(directory.as_ref(), "alice").await.user.dc };
    assert_eq!(dc_of_alice().await, NAMES[0]);
    domain.controllers[0].stop().await;
    assert_eq!(dc_of_alice().await, NAMES[1]);
    domain.controllers[0].resume().await;
    until("the first controller is asked again", || async { dc_of_alice().await == NAMES[0] }).await;
    for controller in &domain.controllers {
        controller.stop().await;
    }
    let error = directory.find(&LoginName::parse("alice").unwrap()).await.unwrap_err();
    assert_eq!((error.reason, error.retry), (DirectoryReason::Unreachable, Retry::Safe));
}
