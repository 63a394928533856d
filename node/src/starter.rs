//! The policy that a realm starts with: the default workflows, a question list and sensible rules. Everything in
//! it can be changed on the Admin site afterwards.

use crate::env::SystemEntropy;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{PolicyId, QuestionId, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::UserScope;
use passquorum_domain::workflow::Workflow;

const QUESTIONS: [(QuestionKind, &str); 6] = [
    (QuestionKind::Mandatory, "What was the name of your first school?"),
    (QuestionKind::Mandatory, "In which town did your parents meet?"),
    (QuestionKind::Optional, "What was the name of your first pet?"),
    (QuestionKind::Optional, "What was the first film you saw in a cinema?"),
    (QuestionKind::Optional, "What is the middle name of your oldest cousin?"),
    (QuestionKind::Optional, "Which street did you live in when you were ten?"),
];

/// A policy of this name for these users.
pub(crate) fn policy(name: &str, scope: UserScope, level: FeatureLevel) -> ManagementPolicy {
    let question = |(kind, text): (QuestionKind, &str)| Question {
        id: QuestionId(fresh_uuid(&SystemEntropy)),
        kind,
        text: text.to_owned(),
    };
    ManagementPolicy {
        id: PolicyId(fresh_uuid(&SystemEntropy)),
        name: name.to_owned(),
        scope: vec![scope],
        qa: QaPolicy {
            questions: QUESTIONS.into_iter().map(question).collect(),
            optional_to_register: 1,
            user_defined_to_register: 0,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        },
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
