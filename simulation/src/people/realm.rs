//! The realm that people use in a run: its configuration, and the domain with its users.

use crate::directory::{Domain, Rules, User};
use crate::ledger::MARK;
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{DistinguishedName, NameError, ObjectGuid};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{ConnectionId, PolicyId, QuestionId, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::policy::{LengthRule, PasswordRule};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::UserScope;
use passquorum_domain::time::Span;
use passquorum_domain::workflow::Workflow;
use rand::rngs::SmallRng;
use rand::{Rng as _, RngCore as _};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The connection to the simulated domain.
pub(super) const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
/// The policy that serves everybody.
pub(super) const POLICY: PolicyId = PolicyId(Uuid::from_u128(0xb0));

const BASE: &str = "DC=sim,DC=example";

/// Adds to a configuration what people need: the connection, and before all others the policy that serves them, with so
/// many wrong attempts until a lock. A lock outlasts every run.
pub(super) fn add_to(mut config: RealmConfig, threshold: u32) -> Result<RealmConfig, NameError> {
    let question = |number, kind, text: &str| Question {
        id: QuestionId(Uuid::from_u128(number)),
        kind,
        text: text.to_owned(),
    };
    let mut number = 0x100;
    config.connections.push(DomainConnection {
        id: CONNECTION,
        alias: "SIM".to_owned(),
        endpoint: DirectoryEndpoint::Embedded,
        profile_attribute: "comment".to_owned(),
        former_profile_attribute: None,
    });
    let policy = ManagementPolicy {
        id: POLICY,
        name: "People".to_owned(),
        scope: vec![UserScope {
            connection: CONNECTION,
            allowed_groups: Vec::new(),
            allowed_ous: vec![DistinguishedName::parse(BASE)?],
            denied_groups: Vec::new(),
            denied_ous: Vec::new(),
        }],
        qa: QaPolicy {
            questions: vec![
                question(1, QuestionKind::Mandatory, "Who isn't <here> & \"there\"?"),
                question(2, QuestionKind::Optional, "What was the first pet called?"),
                question(3, QuestionKind::Optional, "Which film was the first?"),
            ],
            optional_to_register: 1,
            user_defined_to_register: 1,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        },
        lockout: LockoutSettings { threshold, duration: Span::hours(2), reset_after: Span::hours(2) },
        password_rules: vec![PasswordRule::Length(LengthRule { min: 8, max: 64 })],
        notices: passquorum_domain::mail::Notices::default(),
        helpdesk: passquorum_domain::helpdesk::HelpdeskPolicy::default(),
        workflows: Workflow::defaults(FeatureLevel::FIRST, || {
            number += 1;
            WorkflowId(Uuid::from_u128(number))
        }),
    };
    config.policies.insert(0, policy);
    Ok(config)
}

/// A domain with so many users.
pub(super) fn domain(users: u32, rng: &mut SmallRng) -> Result<Domain, NameError> {
    let mut domain = Domain {
        rules: Rules {
            min_length: 8,
            history: if rng.r#gen() { 0 } else { 4 },
            lockout_threshold: 6,
            lockout_duration: Span::seconds(20),
        },
        users: BTreeMap::new(),
        groups: BTreeMap::from([(primary_group()?, Vec::new())]),
        found_by: BTreeMap::new(),
    };
    for number in 0..users {
        add(&mut domain, &format!("person-{number}"), rng)?;
    }
    Ok(domain)
}

/// Adds a user of this name; a new object, whoever had the name before.
pub(super) fn add(domain: &mut Domain, account: &str, rng: &mut SmallRng) -> Result<ObjectGuid, NameError> {
    let guid = ObjectGuid(rng.r#gen());
    let dn = DistinguishedName::parse(&format!("CN={account},OU=People,{BASE}"))?;
    domain.users.insert(guid, User::new(account, dn, primary_group()?, &password(rng)));
    Ok(guid)
}

fn primary_group() -> Result<DistinguishedName, NameError> {
    DistinguishedName::parse(&format!("CN=Domain Users,OU=Groups,{BASE}"))
}

/// A password that meets every rule and that nobody had before.
pub(super) fn password(rng: &mut SmallRng) -> String {
    format!("Z-{MARK}-{:016x}", rng.next_u64())
}

/// An answer that nobody gave before.
pub(super) fn answer(rng: &mut SmallRng) -> String {
    format!("{MARK} {:016x}", rng.next_u64())
}
