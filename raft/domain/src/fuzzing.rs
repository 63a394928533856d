//! Fuzz targets for what people and clients type. Built for tests and under `cfg(fuzzing)` only; each function takes
//! any bytes, and a finding is a panic.

#![expect(clippy::expect_used, reason = "a finding is a panic")]

use crate::command::NewNode;
use crate::config::{ConfigChange, RealmConfig};
use crate::directory::{DistinguishedName, LoginName};
use crate::ids::{Revision, TicketId};
use crate::label::LabelKey;
use crate::policy::{ComplexityRule, LengthRule, PasswordOwner, PasswordRule, check_password};
use crate::secret::{Answer, Password};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// JSON of a whole configuration, of one change, and of a node that introduces itself.
pub fn config_json(data: &[u8]) {
    if let Some(config) = from_json::<RealmConfig>(data) {
        let counted = config.problems().len();
        let taken = take(ConfigChange::Replace(Box::new(config)));
        assert_eq!(taken, counted == 0, "an import is taken exactly when nothing is wrong with it");
    }
    if let Some(change) = from_json::<ConfigChange>(data) {
        take(change);
    }
    from_json::<NewNode>(data);
}

/// Reads a value; what was read has to survive being written and read again.
fn from_json<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, value);
    Some(value)
}

fn take(change: ConfigChange) -> bool {
    let base = RealmConfig::empty();
    match base.with(change) {
        Ok(next) => {
            assert!(next.problems().is_empty());
            assert_eq!(next.revision, Revision(1));
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            false
        }
    }
}

/// Names, ids, passwords and answers: two lines of text, each taken for everything.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    if let (Ok(one), Ok(two)) = (DistinguishedName::parse(first), DistinguishedName::parse(second)) {
        assert!(one.is_within(&one));
        assert!(!one.is_within(&two) || !two.is_within(&one) || one.is_same(&two));
        assert_eq!(DistinguishedName::parse(one.as_str()), Ok(one));
    }
    if let Ok(name) = LoginName::parse(first) {
        assert_eq!(LoginName::parse(&name.to_string()), Ok(name));
    }
    if let Ok(key) = LabelKey::parse(first) {
        assert_eq!(key.as_str(), first);
    }
    if let Ok(id) = first.parse::<TicketId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(answer) = Answer::parse(first.to_owned()) {
        let normalized = answer.normalized();
        assert!(!normalized.starts_with(' ') && !normalized.ends_with(' '));
    }
    if let Ok(password) = Password::parse(first.to_owned()) {
        let rules = [
            PasswordRule::Length(LengthRule { min: 8, max: 64 }),
            PasswordRule::Complexity(ComplexityRule { min_kinds: 3, forbid_names: true }),
        ];
        let owner = PasswordOwner { account: second.to_owned(), display_name: text.to_owned() };
        let _ = check_password(&rules, &password, &owner);
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;
    use crate::config::{DirectoryEndpoint, DomainConnection, ManagementPolicy};
    use crate::ids::{ConnectionId, PolicyId, QuestionId, WorkflowId};
    use crate::lockout::LockoutSettings;
    use crate::qa::{QaPolicy, Question, QuestionKind};
    use crate::scope::{RoleScope, UserScope};
    use crate::workflow::Workflow;
    use uuid::Uuid;

    fn dn(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    fn config() -> RealmConfig {
        let mut config = RealmConfig::empty();
        let connection = ConnectionId(Uuid::from_u128(1));
        config.connections.push(DomainConnection {
            id: connection,
            alias: "EXAMPLE".into(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".into(),
            former_profile_attribute: None,
        });
        config.administrators.push(RoleScope { connection, group: dn("CN=Admins,DC=x") });
        config.policies.push(policy(connection));
        config
    }

    fn policy(connection: ConnectionId) -> ManagementPolicy {
        let mut number = 100_u128;
        ManagementPolicy {
            id: PolicyId(Uuid::from_u128(2)),
            name: "Everyone".into(),
            scope: vec![UserScope {
                connection,
                allowed_groups: vec![dn("CN=Staff,DC=x")],
                allowed_ous: Vec::new(),
                denied_groups: Vec::new(),
                denied_ous: vec![dn("OU=Admins,DC=x")],
            }],
            qa: QaPolicy {
                questions: vec![Question {
                    id: QuestionId(Uuid::from_u128(3)),
                    kind: QuestionKind::Mandatory,
                    text: "Which town were you born in?".into(),
                }],
                optional_to_register: 0,
                user_defined_to_register: 1,
                min_question_length: 10,
                min_answer_length: 3,
                reject_same_answer: true,
                reject_answer_in_question: true,
                keep_mandatory_answers: false,
            },
            lockout: LockoutSettings::DEFAULT,
            password_rules: vec![PasswordRule::Length(LengthRule { min: 8, max: 64 })],
            notices: crate::mail::Notices::default(),
            helpdesk: crate::helpdesk::HelpdeskPolicy::default(),
            workflows: Workflow::defaults(crate::feature_level::FeatureLevel::FIRST, || {
                number += 1;
                WorkflowId(Uuid::from_u128(number))
            }),
        }
    }

    fn json(value: &impl Serialize) -> Vec<u8> {
        serde_json::to_vec(value).unwrap()
    }

    #[test]
    fn every_input_of_config_json_passes() {
        let config = config();
        assert_eq!(config.problems(), []);
        let policy = Box::new(config.policies[0].clone());
        let node = NewNode {
            name: "node".into(),
            cluster_address: "host:1".into(),
            site_url: "https://host".into(),
            wrap_key: [1; 32],
        };
        let seeds = vec![
            ("config", json(&config)),
            ("general", json(&ConfigChange::SetGeneral(config.general.clone()))),
            ("policy", json(&ConfigChange::PutPolicy(policy))),
            ("remove", json(&ConfigChange::RemovePolicy(config.policies[0].id))),
            ("node", json(&node)),
        ];
        replay("config_json", config_json, seeds);
    }

    #[test]
    fn every_input_of_names_passes() {
        let seeds = [
            ("dn", "CN=a\\,b,OU=People,DC=x\nou=people,dc=x"),
            ("account", "CORP\\alice"),
            ("address", "alice@example.com"),
            ("id", "0190a3c4-0000-4000-8000-000000000001"),
            ("answer", " \u{fb01}sh  \u{130}stanbul "),
            ("password", "Correct-Horse-7\ncorrect"),
        ];
        replay("names", names, seeds.map(|(name, text)| (name, text.as_bytes().to_vec())).into());
    }
}
