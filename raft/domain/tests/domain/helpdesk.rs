//! The helpdesk in the replicated state: what a policy may say of it at which level, and whom a lock keeps from what.

use crate::commands::{START, close_ticket, command, create_realm, open_ticket, user};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, ConnectionUse, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::helpdesk::{HelpdeskPolicy, HelpdeskTask, Verification};
use passquorum_domain::ids::{AttemptId, ConnectionId, NodeId, PolicyId, QuestionId, Revision};
use passquorum_domain::lockout::{AttemptTarget, LockoutSettings};
use passquorum_domain::mail::Notices;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::RoleScope;
use passquorum_domain::state::State;
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
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
            verification: Some(Verification { questions, valid_for }),
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
