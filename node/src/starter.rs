//! The policy that a realm starts with: the default workflows, a question list and sensible rules. Everything in
//! it can be changed on the Admin site afterwards.

use crate::env::SystemEntropy;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{PolicyId, QuestionId, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::qa::QaPolicy;
use passquorum_domain::scope::UserScope;
use passquorum_domain::workflow::Workflow;

/// A policy of this name for these users.
pub(crate) fn policy(name: &str, scope: UserScope, level: FeatureLevel) -> ManagementPolicy {
    ManagementPolicy {
        id: PolicyId(fresh_uuid(&SystemEntropy)),
        name: name.to_owned(),
        scope: vec![scope],
        qa: QaPolicy::proposed(|| QuestionId(fresh_uuid(&SystemEntropy))),
        lockout: LockoutSettings::DEFAULT,
        notices: passquorum_domain::mail::Notices::default(),
        helpdesk: passquorum_domain::helpdesk::HelpdeskPolicy::default(),
        password_rules: vec![
            PasswordRule::Length(LengthRule { min: 10, max: 128 }),
            PasswordRule::Complexity(ComplexityRule { min_kinds: 3, forbid_names: true }),
        ],
        workflows: Workflow::defaults(level, || WorkflowId(fresh_uuid(&SystemEntropy))),
    }
}
