//! The realm that the fakes begin with: its configuration and its users.

#![expect(clippy::unwrap_used, reason = "a fake that is wrong must stop the test")]

use super::{CONNECTION, FakeUser, POLICY};
use passquorum_domain::config::*;
use passquorum_domain::directory::*;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{QuestionId, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::{RoleScope, UserScope};
use passquorum_domain::time::Span;
use passquorum_domain::workflow::Workflow;
use uuid::Uuid;

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

pub(super) fn user(
    number: u8,
    account: &str,
    display_name: &str,
    password: &str,
    groups: &[&str],
) -> FakeUser {
    FakeUser {
        record: UserRecord {
            user: UserRef {
                connection: CONNECTION,
                guid: ObjectGuid([number; 16]),
                dc: "dc1.example.com".into(),
            },
            dn: dn(&format!("CN={display_name},OU=Users,DC=example,DC=com")),
            account: account.into(),
            upn: Some(format!("{account}@example.com")),
            display_name: display_name.into(),
            mail: None,
            status: AccountStatus::default(),
        },
        password: password.into(),
        groups: groups.iter().map(|group| dn(group)).collect(),
        profile: None,
        profile_version: 0,
        has_former: false,
    }
}

/// The configuration of the realm.
pub(crate) fn config() -> RealmConfig {
    let mut config = RealmConfig::empty();
    config.general.organisation = "Example Works".into();
    config.connections.push(DomainConnection {
        id: CONNECTION,
        alias: "EXAMPLE".into(),
        endpoint: DirectoryEndpoint::Embedded,
        profile_attribute: "comment".into(),
        former_profile_attribute: None,
    });
    config
        .administrators
        .push(RoleScope { connection: CONNECTION, group: dn("CN=PQ Admins,DC=example,DC=com") });
    config.helpdesk.push(RoleScope { connection: CONNECTION, group: dn("CN=PQ Helpdesk,DC=example,DC=com") });
    config.policies.push(policy());
    config
}

pub(crate) fn policy() -> ManagementPolicy {
    let question = |number, kind, text: &str| Question {
        id: QuestionId(Uuid::from_u128(number)),
        kind,
        text: text.into(),
    };
    let mut number = 100_u128;
    ManagementPolicy {
        id: POLICY,
        name: "Everyone".into(),
        scope: vec![UserScope {
            connection: CONNECTION,
            allowed_groups: vec![dn("CN=Staff,DC=example,DC=com")],
            allowed_ous: vec![],
            denied_groups: vec![],
            denied_ous: vec![],
        }],
        qa: QaPolicy {
            questions: vec![
                question(1, QuestionKind::Mandatory, "Which town were you born in?"),
                question(2, QuestionKind::Mandatory, "What was your first school called?"),
                question(3, QuestionKind::Optional, "What was your first pet called?"),
                question(4, QuestionKind::Optional, "Which film did you see first in a cinema?"),
            ],
            optional_to_register: 1,
            user_defined_to_register: 1,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        },
        lockout: LockoutSettings {
            threshold: 5,
            duration: Span::minutes(15),
            reset_after: Span::minutes(15),
        },
        notices: passquorum_domain::mail::Notices::default(),
        helpdesk: passquorum_domain::helpdesk::HelpdeskPolicy::default(),
        password_rules: vec![
            PasswordRule::Length(LengthRule { min: 8, max: 64 }),
            PasswordRule::Complexity(ComplexityRule { min_kinds: 2, forbid_names: false }),
        ],
        workflows: Workflow::defaults(FeatureLevel::FIRST, || {
            number += 1;
            WorkflowId(Uuid::from_u128(number))
        }),
    }
}
