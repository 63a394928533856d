//! A management policy as a form, and back. Names of inputs are the paths that the configuration's checks use, so that
//! a problem finds its input.

use super::fields::Fields;
use super::helpdesk_form;
use super::inputs::{Input, Section};
use passquorum_domain::config::{ManagementPolicy, Problem, RealmConfig};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::helpdesk::HelpdeskPolicy;
use passquorum_domain::ids::{ConnectionId, PolicyId, QuestionId, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::mail::Notices;
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::qa::QaPolicy;
use passquorum_domain::scope::UserScope;
use passquorum_domain::workflow::{Workflow, WorkflowKind};
use std::collections::BTreeSet;
use uuid::Uuid;

const DEFAULT_LENGTH: LengthRule = LengthRule { min: 12, max: 128 };
const DEFAULT_COMPLEXITY: ComplexityRule = ComplexityRule { min_kinds: 3, forbid_names: true };

const KEEP: &str = "qa.keep_mandatory_answers";

/// A policy to begin with.
pub(super) fn blank(id: PolicyId, level: FeatureLevel, mut fresh: impl FnMut() -> Uuid) -> ManagementPolicy {
    ManagementPolicy {
        id,
        name: String::new(),
        scope: Vec::new(),
        qa: QaPolicy::proposed(|| QuestionId(fresh())),
        lockout: LockoutSettings::DEFAULT,
        notices: Notices::default(),
        helpdesk: HelpdeskPolicy::default(),
        password_rules: vec![
            PasswordRule::Length(DEFAULT_LENGTH),
            PasswordRule::Complexity(DEFAULT_COMPLEXITY),
        ],
        workflows: Workflow::defaults(level, || WorkflowId(fresh())),
    }
}

/// The form with a policy's values.
pub(super) fn sections(policy: &ManagementPolicy, config: &RealmConfig) -> Vec<Section> {
    let mut sections = vec![Section::new(
        "Policy",
        "",
        vec![Input::line("name", "Name", "1 to 100 characters.", &policy.name)],
    )];
    sections.extend(config.connections.iter().map(|connection| {
        let title = format!("Who is served in {}", connection.alias);
        let note = "One distinguished name a line. Denial wins over allowance; groups count nested members.";
        Section::new(title, note, scope_inputs(policy, connection.id))
    }));
    sections.push(Section::new(
        "Password rules",
        "They add to what the domain demands.",
        rule_inputs(policy),
    ));
    sections.push(Section::new(
        "Mail",
        "Who is told how a task ended. Nobody is, while no mail server is configured.",
        vec![
            Input::check(
                "notices.user",
                "Tell the user",
                "At the address in the directory.",
                policy.notices.user,
            ),
            Input::check(
                "notices.administrators",
                "Tell the administrators",
                "At the addresses in the mail settings.",
                policy.notices.administrators,
            ),
        ],
    ));
    sections.push(Section::new("Security questions", "", qa_inputs(&policy.qa)));
    sections.push(Section::new(
        "Lockout",
        "Wrong answers are counted across all nodes. Times are in seconds: 900 is 15 minutes.",
        lockout_inputs("lockout", &policy.lockout),
    ));
    let workflows = policy.workflows.iter().map(|workflow| {
        Input::check(workflow_field(workflow), &workflow.name, &workflow.description, workflow.enabled)
    });
    sections.push(Section::new("Workflows", "What users can start.", workflows.collect()));
    sections.push(helpdesk_form::section(&policy.helpdesk, config));
    sections
}

fn scope_field(connection: ConnectionId, part: &str) -> String {
    format!("scope.{connection}.{part}")
}

/// By its kind, of which a policy has one; custom ones by their id.
fn workflow_field(workflow: &Workflow) -> String {
    match workflow.kind {
        WorkflowKind::Custom => format!("workflow.{}", workflow.id),
        kind => format!("workflow.{kind:?}"),
    }
}

fn scope_inputs(policy: &ManagementPolicy, connection: ConnectionId) -> Vec<Input> {
    let scope = policy.scope.iter().find(|scope| scope.connection == connection);
    let part = |part, label, names: Option<&Vec<_>>| {
        Input::lines(scope_field(connection, part), label, "", names.into_iter().flatten())
    };
    vec![
        part("allowed_groups", "Allowed groups", scope.map(|scope| &scope.allowed_groups)),
        part("allowed_ous", "Allowed OUs", scope.map(|scope| &scope.allowed_ous)),
        part("denied_groups", "Denied groups", scope.map(|scope| &scope.denied_groups)),
        part("denied_ous", "Denied OUs", scope.map(|scope| &scope.denied_ous)),
    ]
}

/// The three numbers of a lockout, under the path of its field.
pub(super) fn lockout_inputs(at: &str, settings: &LockoutSettings) -> Vec<Input> {
    let seconds = |span: passquorum_domain::time::Span| span.0 / 1000;
    vec![
        Input::number(format!("{at}.threshold"), "Attempts before the lock", "", settings.threshold),
        Input::number(format!("{at}.duration"), "Lock lasts (seconds)", "", seconds(settings.duration)),
        Input::number(
            format!("{at}.reset_after"),
            "Failures are forgotten after (seconds)",
            "",
            seconds(settings.reset_after),
        ),
    ]
}

/// Reads [`lockout_inputs`] back.
pub(super) fn lockout(fields: &mut Fields, at: &str, present: &LockoutSettings) -> LockoutSettings {
    LockoutSettings {
        threshold: fields.number(&format!("{at}.threshold"), present.threshold),
        duration: fields.seconds(&format!("{at}.duration"), present.duration),
        reset_after: fields.seconds(&format!("{at}.reset_after"), present.reset_after),
    }
}

fn length(policy: &ManagementPolicy) -> Option<LengthRule> {
    policy.password_rules.iter().find_map(|rule| match rule {
        PasswordRule::Length(rule) => Some(*rule),
        PasswordRule::Complexity(_) => None,
    })
}

fn complexity(policy: &ManagementPolicy) -> Option<ComplexityRule> {
    policy.password_rules.iter().find_map(|rule| match rule {
        PasswordRule::Complexity(rule) => Some(*rule),
        PasswordRule::Length(_) => None,
    })
}

fn rule_inputs(policy: &ManagementPolicy) -> Vec<Input> {
    let (length, complexity) = (length(policy), complexity(policy));
    let (bounds, kinds) = (length.unwrap_or(DEFAULT_LENGTH), complexity.unwrap_or(DEFAULT_COMPLEXITY));
    vec![
        Input::check("length", "Bound the length", "", length.is_some()),
        Input::number("length.min", "Fewest characters", "", bounds.min),
        Input::number("length.max", "Most characters", "At most 256.", bounds.max),
        Input::check("complexity", "Demand a mix of characters", "", complexity.is_some()),
        Input::number(
            "complexity.min_kinds",
            "Kinds of character",
            "Of four: capital letters, small letters, digits, others.",
            kinds.min_kinds,
        ),
        Input::check("complexity.forbid_names", "Refuse the user's names", "", kinds.forbid_names),
    ]
}

fn qa_inputs(qa: &QaPolicy) -> Vec<Input> {
    vec![
        Input::number(
            "qa.optional_to_register",
            "Optional questions to choose",
            "From the question list.",
            qa.optional_to_register,
        ),
        Input::number(
            "qa.user_defined_to_register",
            "Questions of their own to write",
            "Whoever types a user's name is shown them, and can tell by them who has registered: 0 tells nobody.",
            qa.user_defined_to_register,
        ),
        Input::number(
            "qa.min_question_length",
            "Shortest question of their own",
            "Characters.",
            qa.min_question_length,
        ),
        Input::number("qa.min_answer_length", "Shortest answer", "Characters.", qa.min_answer_length),
        Input::check(
            "qa.reject_same_answer",
            "Refuse the same answer to two questions",
            "",
            qa.reject_same_answer,
        ),
        Input::check(
            "qa.reject_answer_in_question",
            "Refuse an answer that stands in its question",
            "",
            qa.reject_answer_in_question,
        ),
        Input::check(
            KEEP,
            "Keep the answers to mandatory questions for the helpdesk",
            "Operators can then be shown them, or ask for single characters. Whoever sees them could reset the password where a task asks for nothing else: helpdesk questions are the safer choice. Users are told, and have to register anew.",
            qa.keep_mandatory_answers,
        ),
    ]
}

/// The policy as the form has it; what cannot be read stays as it is and is noted in the fields' problems. The question
/// list and the workflows' activities are not in this form and stay.
pub(super) fn read(
    fields: &mut Fields,
    present: &ManagementPolicy,
    config: &RealmConfig,
) -> ManagementPolicy {
    let scopes = config.connections.iter().map(|connection| {
        let mut part = |part| fields.distinguished_names(&scope_field(connection.id, part));
        UserScope {
            connection: connection.id,
            allowed_groups: part("allowed_groups"),
            allowed_ous: part("allowed_ous"),
            denied_groups: part("denied_groups"),
            denied_ous: part("denied_ous"),
        }
    });
    let first = scopes.filter(|scope| !is_empty(scope)).collect::<Vec<_>>();
    let scope = first.into_iter().chain(beyond_the_first(&present.scope, |scope| scope.connection)).collect();
    let qa = QaPolicy {
        questions: present.qa.questions.clone(),
        optional_to_register: fields.number("qa.optional_to_register", present.qa.optional_to_register),
        user_defined_to_register: fields
            .number("qa.user_defined_to_register", present.qa.user_defined_to_register),
        min_question_length: fields.number("qa.min_question_length", present.qa.min_question_length),
        min_answer_length: fields.number("qa.min_answer_length", present.qa.min_answer_length),
        reject_same_answer: fields.is_checked("qa.reject_same_answer"),
        reject_answer_in_question: fields.is_checked("qa.reject_answer_in_question"),
        keep_mandatory_answers: fields.is_checked(KEEP),
    };
    let workflows = present.workflows.iter().map(|workflow| Workflow {
        enabled: fields.is_checked(&workflow_field(workflow)),
        ..workflow.clone()
    });
    ManagementPolicy {
        id: present.id,
        name: fields.text("name"),
        scope,
        qa,
        workflows: workflows.collect(),
        password_rules: rules(fields, present),
        lockout: lockout(fields, "lockout", &present.lockout),
        notices: Notices {
            user: fields.is_checked("notices.user"),
            administrators: fields.is_checked("notices.administrators"),
        },
        helpdesk: helpdesk_form::read(fields, &present.helpdesk, config),
    }
}

/// What the form has no inputs for, since an import may give more than one of a sort: it stays.
fn beyond_the_first<T: Clone, K: Ord>(items: &[T], sort: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.iter().filter(|item| !seen.insert(sort(item))).cloned().collect()
}

fn is_empty(scope: &UserScope) -> bool {
    [&scope.allowed_groups, &scope.allowed_ous, &scope.denied_groups, &scope.denied_ous]
        .iter()
        .all(|names| names.is_empty())
}

fn rules(fields: &mut Fields, present: &ManagementPolicy) -> Vec<PasswordRule> {
    let mut rules = Vec::new();
    if fields.is_checked("length") {
        let present = length(present).unwrap_or(DEFAULT_LENGTH);
        rules.push(PasswordRule::Length(LengthRule {
            min: fields.number("length.min", present.min),
            max: fields.number("length.max", present.max),
        }));
    }
    if fields.is_checked("complexity") {
        let present = complexity(present).unwrap_or(DEFAULT_COMPLEXITY);
        rules.push(PasswordRule::Complexity(ComplexityRule {
            min_kinds: fields.number("complexity.min_kinds", present.min_kinds),
            forbid_names: fields.is_checked("complexity.forbid_names"),
        }));
    }
    let is_length = |rule: &PasswordRule| matches!(rule, PasswordRule::Length(_));
    rules.extend(beyond_the_first(&present.password_rules, is_length));
    rules
}

/// The configuration's problems with this policy, under the names of the form's inputs.
pub(super) fn located(problems: Vec<Problem>, policy: &ManagementPolicy) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| Problem { field: input_of(&problem.field, policy), ..problem })
        .collect()
}

fn input_of(field: &str, policy: &ManagementPolicy) -> String {
    let path =
        field.strip_prefix("policies[").and_then(|rest| rest.split_once("].")).map_or(field, |(_, p)| p);
    let rule = |path: &str| {
        let index: usize = path.strip_prefix("password_rules[")?.split(']').next()?.parse().ok()?;
        Some(match policy.password_rules.get(index)? {
            PasswordRule::Length(_) => "length.min".to_owned(),
            PasswordRule::Complexity(_) => "complexity.min_kinds".to_owned(),
        })
    };
    rule(path).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::inputs::posted;
    use super::*;
    use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection};
    use passquorum_domain::directory::DistinguishedName;
    use passquorum_domain::helpdesk::{HelpdeskTask, Verification};

    fn realm() -> (RealmConfig, ManagementPolicy) {
        let connection = ConnectionId(Uuid::from_u128(1));
        let mut config = RealmConfig::empty();
        config.connections.push(DomainConnection {
            id: connection,
            alias: "EXAMPLE".into(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".into(),
            former_profile_attribute: None,
        });
        let mut number = 0;
        let mut policy = blank(PolicyId(Uuid::from_u128(2)), FeatureLevel::CURRENT, || {
            number += 1;
            Uuid::from_u128(number)
        });
        policy.name = "Everyone".into();
        policy.scope.push(UserScope {
            connection,
            allowed_groups: vec![DistinguishedName::parse("CN=Staff,DC=x").unwrap()],
            allowed_ous: Vec::new(),
            denied_groups: Vec::new(),
            denied_ous: vec![DistinguishedName::parse("OU=Admins,DC=x").unwrap()],
        });
        (config, policy)
    }

    #[test]
    fn a_form_that_is_sent_back_untouched_changes_nothing() {
        let (config, policy) = realm();
        let mut fields = posted(&sections(&policy, &config));
        assert_eq!(read(&mut fields, &policy, &config), policy);
        assert!(fields.take_problems().is_empty());
    }

    #[test]
    fn what_an_import_gave_beyond_the_form_stays() {
        let (config, mut policy) = realm();
        policy.scope.push(UserScope { denied_ous: Vec::new(), ..policy.scope[0].clone() });
        policy.password_rules.push(PasswordRule::Length(LengthRule { min: 9, max: 99 }));
        policy.lockout.duration.0 = 1_500;
        let verification = Verification::typing(1, passquorum_domain::time::Span(90_500));
        policy.helpdesk.verification = Some(verification);
        policy.helpdesk.tasks = HelpdeskTask::ALL.into();
        let mut fields = posted(&sections(&policy, &config));
        assert_eq!(read(&mut fields, &policy, &config), policy);
    }

    #[test]
    fn each_problem_of_the_configuration_finds_its_input() {
        let (config, mut policy) = realm();
        policy.name = String::new();
        policy.lockout.threshold = 0;
        policy.qa.min_answer_length = 0;
        let verification = Verification::typing(9, passquorum_domain::time::Span::hours(2));
        policy.helpdesk.verification = Some(verification);
        policy.password_rules = vec![
            PasswordRule::Length(LengthRule { min: 9, max: 3 }),
            PasswordRule::Complexity(ComplexityRule { min_kinds: 9, forbid_names: false }),
        ];
        let problems = config.with(ConfigChange::PutPolicy(Box::new(policy.clone()))).unwrap_err();
        let names: Vec<String> = sections(&policy, &config)
            .into_iter()
            .flat_map(|section| section.inputs)
            .map(|input| input.name)
            .collect();
        let located = located(problems, &policy);
        assert_eq!(located.len(), 7);
        for problem in located {
            assert!(names.contains(&problem.field), "{} has no input", problem.field);
        }
    }
}
