//! The simulated directory against the suite that every directory passes, and what the road to it may do.

use passquorum_ad_sync::conformance::{self, Fixture, KnownUser};
use passquorum_domain::directory::{
    DistinguishedName, DomainPasswordRules, LoginName, ObjectGuid, RulesSource, UserRef,
};
use passquorum_domain::ids::{ConnectionId, NodeId};
use passquorum_domain::ports::{Clock, Directory as _, DirectoryReason, ResetOptions, Retry};
use passquorum_domain::secret::Password;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_simulation::directory::{Climate, Controller, Domain, Rules, User};
use passquorum_simulation::ledger::{Change, Fact, Ledger};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use std::collections::BTreeMap;
use std::sync::Arc;

const CONNECTION: ConnectionId = ConnectionId(uuid::Uuid::nil());
const NODE: NodeId = NodeId(1);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp(1_760_000_000_000)
    }
}

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

fn group(name: &str) -> DistinguishedName {
    dn(&format!("CN={name},OU=Groups,DC=sim,DC=example"))
}

fn person(account: &str) -> DistinguishedName {
    dn(&format!("CN={account},OU=People,DC=sim,DC=example"))
}

fn domain() -> Domain {
    let names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"];
    let mut users = BTreeMap::new();
    for (number, name) in (1_u8..).zip(names) {
        let mut user =
            User::new(name, person(name), group("Domain Users"), &format!("Start-Passw0rd-{number}"));
        match name {
            "erin" => user.pso = Some((dn("CN=Strict,DC=sim,DC=example"), 16)),
            "frank" | "grace" => user.mail = "shared@sim.example".to_owned(),
            "heidi" => user.disabled = true,
            "ivan" => user.protected = true,
            _ => {}
        }
        users.insert(ObjectGuid([100 + number; 16]), user);
    }
    let groups = BTreeMap::from([
        (group("Domain Users"), Vec::new()),
        (group("Users"), vec![person("alice"), group("Staff")]),
        (group("Staff"), vec![person("carol")]),
        (group("Admins"), Vec::new()),
    ]);
    let rules = Rules { min_length: 8, history: 5, lockout_threshold: 5, lockout_duration: Span::minutes(5) };
    Domain { rules, users, groups, found_by: BTreeMap::new() }
}

fn controller(climate: Climate) -> (Arc<Controller>, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::default());
    let rng = SmallRng::seed_from_u64(1);
    let controller = Controller::new(domain(), climate, rng, Arc::new(Standing), Arc::clone(&ledger), false);
    (Arc::new(controller), ledger)
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

#[tokio::test]
async fn the_simulated_directory_conforms() {
    let known = |account: &str, number: u8| KnownUser {
        account: account.to_owned(),
        upn: format!("{account}@sim.example"),
        mail: format!("{account}@sim.example"),
        password: password(&format!("Start-Passw0rd-{number}")),
    };
    let rules = |source, min_length| DomainPasswordRules { source, min_length, complexity: true, history: 5 };
    let fixture = Fixture {
        ordinary: known("alice", 1),
        changing: known("dave", 4),
        lockable: known("bob", 2),
        disabled: known("heidi", 8),
        strict: known("erin", 5),
        nested: known("carol", 3),
        protected: known("ivan", 9),
        shared_mail: "shared@sim.example".to_owned(),
        outer_group: group("Users"),
        inner_group: group("Staff"),
        primary_group: group("Domain Users"),
        other_group: group("Admins"),
        rules: rules(RulesSource::Domain, 8),
        strict_rules: rules(RulesSource::Pso(dn("CN=Strict,DC=sim,DC=example")), 16),
        lockout_threshold: 5,
    };
    let (controller, _) = controller(Climate::CALM);
    conformance::verify(&controller.seen_by(NODE, CONNECTION), &fixture).await.unwrap();
}

fn alice() -> UserRef {
    UserRef { connection: CONNECTION, guid: ObjectGuid([101; 16]), dc: String::new() }
}

async fn reset(controller: &Arc<Controller>) -> Result<(), (DirectoryReason, Retry)> {
    let options = ResetOptions { unlock: true, must_change: false };
    let new = password("Garden-Ladder-1");
    let directory = controller.seen_by(NODE, CONNECTION);
    let outcome = directory.reset_password(&alice(), &new, options).await;
    outcome.map_err(|error| (error.reason, error.retry))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_leaves_the_change_made_and_the_outcome_unknown() {
    let (controller, ledger) = controller(Climate { lost_answer: 1.0, ..Climate::CALM });
    assert_eq!(reset(&controller).await, Err((DirectoryReason::NoAnswer, Retry::Unknown)));
    let change = Change::Reset("Garden-Ladder-1".to_owned());
    let guid = ObjectGuid([101; 16]);
    assert_eq!(ledger.facts(), [Fact::Sent(NODE, guid), Fact::Made(0, guid, change)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_lost_changes_nothing_and_the_outcome_is_unknown() {
    let (controller, ledger) = controller(Climate { lost_request: 1.0, ..Climate::CALM });
    assert_eq!(reset(&controller).await, Err((DirectoryReason::NoAnswer, Retry::Unknown)));
    assert_eq!(ledger.facts(), []);
    let found = controller.seen_by(NODE, CONNECTION).find(&LoginName::parse("alice").unwrap()).await;
    assert_eq!(found.unwrap_err().reason, DirectoryReason::Unreachable, "a read changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_request_arrives_though_its_sender_is_gone() {
    let (controller, ledger) = controller(Climate { slow: 1.0, ..Climate::CALM });
    {
        let sent = reset(&controller);
        tokio::pin!(sent);
        assert!(futures::poll!(&mut sent).is_pending());
    }
    assert_eq!(ledger.facts().len(), 1, "under way");
    controller.calm();
    assert!(matches!(ledger.facts().as_slice(), [Fact::Sent(..), Fact::Made(0, ..)]));
}

#[tokio::test]
async fn an_outage_is_known_to_change_nothing() {
    let (controller, ledger) = controller(Climate { outage: 1.0, ..Climate::CALM });
    assert_eq!(reset(&controller).await, Err((DirectoryReason::Unreachable, Retry::Safe)));
    assert_eq!(ledger.facts(), []);
}
