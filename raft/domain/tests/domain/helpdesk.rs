//! The helpdesk in the replicated state: what a policy may say of it at which level, and whom a lock keeps from what.

use crate::commands::{START, close_ticket, command, create_realm, open_ticket, user};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, ConnectionUse, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::helpdesk::{CallerCheck, CallerQuestions, HelpdeskPolicy, HelpdeskTask, Verification};
use passquorum_domain::ids::{AttemptId, ConnectionId, NodeId, PolicyId, QuestionId, Revision, WorkflowId};
use passquorum_domain::lockout::{AttemptTarget, LockoutSettings};
use passquorum_domain::mail::Notices;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::RoleScope;
use passquorum_domain::state::State;
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::workflow::{Activity, AskedQuestions, QuestionAuthentication, Workflow, WorkflowKind};
use uuid::Uuid;

fn policy(helpdesk: HelpdeskPolicy) -> ManagementPolicy {
    let question =
        Question { id: QuestionId(Uuid::nil()), kind: QuestionKind::Mandatory, text: "Where?".to_owned() };
    ManagementPolicy {
        id: PolicyId(Uuid::from_u128(7)),
        name: "Everyone".to_owned(),
        scope: Vec::new(),
        qa: QaPolicy {
            questions: vec![question],
            optional_to_register: 0,
            user_defined_to_register: 0,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        },
        lockout: LockoutSettings { threshold: 1, ..LockoutSettings::DEFAULT },
        password_rules: Vec::new(),
        workflows: Vec::new(),
        notices: Notices::default(),
        helpdesk,
    }
}

fn helpers() -> HelpdeskPolicy {
    let group = DistinguishedName::parse("CN=Desk,DC=x").unwrap();
    let groups = vec![RoleScope { connection: ConnectionId(Uuid::nil()), group }];
    HelpdeskPolicy { groups, ..HelpdeskPolicy::default() }
}

#[test]
fn what_a_policy_says_of_its_helpdesk_needs_the_third_level_and_has_no_place_in_the_compact_form() {
    let put = |helpdesk| ConfigChange::PutPolicy(Box::new(policy(helpdesk)));
    assert_eq!(put(HelpdeskPolicy::default()).needs(), FeatureLevel::FIRST);
    let others = [
        helpers(),
        HelpdeskPolicy { tasks: HelpdeskTask::ALL.into(), ..HelpdeskPolicy::default() },
        HelpdeskPolicy { verification: Some(Verification::PROPOSED), ..HelpdeskPolicy::default() },
    ];
    let compact = |policy: &ManagementPolicy| {
        bincode::serde::encode_to_vec(policy, bincode::config::standard()).unwrap()
    };
    let plain = policy(HelpdeskPolicy::default());
    assert!(!serde_json::to_string(&plain).unwrap().contains("helpdesk"));
    for helpdesk in others {
        assert_eq!(put(helpdesk.clone()).needs(), FeatureLevel::THIRD, "{helpdesk:?}");
        let said = policy(helpdesk);
        assert_eq!(compact(&said), compact(&plain));
        let document = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<ManagementPolicy>(&document).unwrap(), said);
    }
    for kind in [TicketKind::MustChange, TicketKind::EnforceUpdate] {
        assert_eq!(kind.needs(), FeatureLevel::THIRD);
    }
    assert_eq!(AuditEvent::CallerVerified { until: Timestamp(1) }.needs(), FeatureLevel::THIRD);
}

#[test]
fn each_thing_that_is_wrong_with_a_helpdesk_is_named_by_its_place() {
    let wrong = |helpdesk| {
        let mut config = RealmConfig::empty();
        config.policies.push(policy(helpdesk));
        config.problems().into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    assert_eq!(wrong(HelpdeskPolicy::default()), Vec::<String>::new());
    assert_eq!(wrong(helpers()), ["policies[0].helpdesk.groups[0].connection"]);
    let verified = |questions, valid_for| {
        wrong(HelpdeskPolicy {
            verification: Some(Verification::typing(questions, valid_for)),
            ..HelpdeskPolicy::default()
        })
    };
    assert_eq!(verified(1, Span::minutes(1)), Vec::<String>::new());
    for questions in [0, 2] {
        let field = "policies[0].helpdesk.verification.questions";
        assert_eq!(verified(questions, Span::hours(1)), [field], "there is one to ask");
    }
    for valid_for in [Span::seconds(59), Span::minutes(61)] {
        assert_eq!(verified(1, valid_for), ["policies[0].helpdesk.verification.valid_for"]);
    }
    let mut config = RealmConfig::empty();
    config.policies.push(policy(helpers()));
    let uses = config.uses_of(ConnectionId(Uuid::nil()));
    assert_eq!(uses, [ConnectionUse::Policy(PolicyId(Uuid::from_u128(7)), "Everyone")]);
}

#[test]
fn answers_that_operators_see_have_to_be_kept_and_prove_nothing_to_visitors() {
    let question =
        |number, kind| Question { id: QuestionId(Uuid::from_u128(number)), kind, text: "Where?".into() };
    let verifies = |from, how| {
        let verification = Some(Verification { from, how, ..Verification::PROPOSED });
        let mut policy = policy(HelpdeskPolicy { verification, ..HelpdeskPolicy::default() });
        policy.qa.questions.push(question(77, QuestionKind::Helpdesk));
        policy
    };
    let problems = |policy: &ManagementPolicy| {
        let mut config = RealmConfig::empty();
        config.policies.push(policy.clone());
        config.problems().into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    let needs = |policy: &ManagementPolicy| ConfigChange::PutPolicy(Box::new(policy.clone())).needs();
    let how = "policies[0].helpdesk.verification.how";
    for (from, check, expected) in [
        (CallerQuestions::Helpdesk, CallerCheck::OperatorSees, vec![]),
        (CallerQuestions::Helpdesk, CallerCheck::Characters(8), vec![]),
        (CallerQuestions::Helpdesk, CallerCheck::Characters(9), vec![how]),
        (CallerQuestions::Helpdesk, CallerCheck::Characters(0), vec![how]),
        (CallerQuestions::Mandatory, CallerCheck::OperatorSees, vec![how]),
        (CallerQuestions::Both, CallerCheck::Characters(2), vec![how]),
        (CallerQuestions::Both, CallerCheck::OperatorTypes, vec![]),
    ] {
        let mut policy = verifies(from, check);
        assert_eq!(problems(&policy), expected, "{from:?} {check:?}");
        assert_eq!(needs(&policy), FeatureLevel::FOURTH);
        let compact = bincode::serde::encode_to_vec(&policy, bincode::config::standard());
        assert!(compact.is_ok());
        let document = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<ManagementPolicy>(&document).unwrap(), policy);
        if expected == [how] && !matches!(check, CallerCheck::Characters(0 | 9)) {
            policy.qa.keep_mandatory_answers = true;
            assert_eq!(problems(&policy), Vec::<String>::new(), "they are kept");
        }
    }
    let mut policy = verifies(CallerQuestions::Mandatory, CallerCheck::OperatorTypes);
    policy.workflows.push(asking(QuestionId(Uuid::from_u128(77))));
    let found = problems(&policy);
    assert_eq!(found, ["policies[0].workflows[0].activities[0].ask"]);
}

/// A workflow that asks one question.
fn asking(question: QuestionId) -> Workflow {
    let defaults = Workflow::defaults(FeatureLevel::FIRST, || WorkflowId(Uuid::from_u128(9)));
    let mut workflow =
        defaults.into_iter().find(|workflow| workflow.kind == WorkflowKind::UnlockAccount).unwrap();
    let ask = QuestionAuthentication::asking(AskedQuestions::These(vec![question]));
    workflow.activities[0] = Activity::AuthenticateWithQuestions(ask);
    workflow
}

#[test]
fn a_lock_keeps_the_person_from_acting_but_not_the_helpdesk_from_the_third_level_on() {
    let mut state = State::default();
    let mut number = 0;
    let mut act = |state: &mut State, actor: Actor, action| -> Outcome {
        number += 1;
        let command = command(number, START, action);
        state.apply(Command { actor, ..command }).outcome
    };
    let person = || Actor::User(user(3));
    act(&mut state, Actor::Realm, create_realm()).unwrap();
    let put = ConfigChange::PutPolicy(Box::new(policy(HelpdeskPolicy::default())));
    act(&mut state, Actor::Realm, Action::change_config(Revision(0), put)).unwrap();
    let guess = Action::CountAttempt {
        attempt: AttemptId(Uuid::from_u128(1)),
        target: AttemptTarget::User(user(3)),
        policy: Some(PolicyId(Uuid::from_u128(7))),
    };
    act(&mut state, Actor::Anonymous, guess).unwrap();
    let locked = |outcome: Outcome| matches!(outcome, Err(Rejection::Locked { .. }));
    let helpdesk = || Actor::Helpdesk(user(9));
    for (from, to) in
        [(FeatureLevel::FIRST, FeatureLevel::SECOND), (FeatureLevel::SECOND, FeatureLevel::THIRD)]
    {
        assert!(locked(act(&mut state, helpdesk(), open_ticket(1, 3))), "as programs of that level answer");
        let raise = Action::RaiseLevel { from, to, asked: vec![NodeId(1)] };
        act(&mut state, Actor::Realm, raise).unwrap();
    }
    assert!(locked(act(&mut state, person(), open_ticket(2, 3))));
    assert_eq!(act(&mut state, helpdesk(), open_ticket(3, 3)), Ok(Effect::Done));
    assert_eq!(act(&mut state, helpdesk(), open_ticket(4, 3)), Err(Rejection::TicketUsed), "one at a time");
    assert_eq!(act(&mut state, helpdesk(), close_ticket(3, TicketResult::Done)), Ok(Effect::Done));
    assert_eq!(act(&mut state, helpdesk(), open_ticket(3, 3)), Err(Rejection::TicketUsed), "it is used up");
}
