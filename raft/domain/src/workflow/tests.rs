//! Which lists of activities are valid, and from which level on.

use super::*;
use crate::ids::QuestionId;
use crate::time::Span;
use std::collections::BTreeSet;
use uuid::Uuid;

fn defaults(level: FeatureLevel) -> Vec<Workflow> {
    Workflow::defaults(level, || WorkflowId(Uuid::nil()))
}

fn problems(activities: Vec<Activity>) -> Vec<WorkflowProblem> {
    Workflow { activities, ..defaults(FeatureLevel::FIRST).remove(0) }.problems(FeatureLevel::CURRENT)
}

fn questions(ask: AskedQuestions) -> Activity {
    Activity::AuthenticateWithQuestions(QuestionAuthentication::asking(ask))
}

#[test]
fn the_default_workflows_are_valid_and_each_level_has_those_that_it_may_have() {
    for workflow in defaults(FeatureLevel::CURRENT) {
        assert_eq!(workflow.problems(FeatureLevel::CURRENT), Vec::new(), "{}", workflow.name);
    }
    let passcode = |level| defaults(level).iter().any(|w| w.kind == WorkflowKind::UsePasscode);
    assert_eq!(
        [FeatureLevel::FIRST, FeatureLevel::SECOND, FeatureLevel::THIRD].map(passcode),
        [false, false, true]
    );
    assert_eq!(defaults(FeatureLevel::FIRST).len(), 5);
}

#[test]
fn an_action_without_authentication_is_refused() {
    let reset = || Activity::ResetPassword(ResetPassword { unlock: true, must_change: false });
    let agreement = |text: &str| Activity::AcceptAgreement(AcceptAgreement { text: text.into() });
    assert_eq!(problems(vec![reset()]), [WorkflowProblem::ActsUnauthenticated(1)]);
    assert_eq!(problems(vec![agreement("Read this."), reset()]), [WorkflowProblem::ActsUnauthenticated(2)]);
    for nothing in [AskedQuestions::Random(0), AskedQuestions::These(Vec::new())] {
        let problems = problems(vec![questions(nothing)]);
        assert_eq!(problems, [WorkflowProblem::AsksNothing(1), WorkflowProblem::NoAction]);
    }
    let empty = problems(vec![agreement(" "), questions(AskedQuestions::All), reset()]);
    assert_eq!(empty, [WorkflowProblem::AgreementLength(1)]);
}

#[test]
fn changing_a_password_needs_the_old_one() {
    let change = Activity::ChangePassword(ChangePassword {});
    assert_eq!(problems(vec![questions(AskedQuestions::All), change]), [WorkflowProblem::NeedsPassword(2)]);
}

#[test]
fn a_way_back_stands_before_what_may_fail() {
    let (back, unlock) =
        (Activity::RestartOnError(RestartOnError {}), Activity::UnlockAccount(UnlockAccount {}));
    let asks = questions(AskedQuestions::All);
    assert_eq!(problems(vec![asks.clone(), back.clone(), unlock.clone()]), []);
    assert_eq!(problems(vec![asks, unlock, back]), [WorkflowProblem::RestartsNothing(3)]);
}

#[test]
fn what_programs_of_the_second_level_do_not_know_needs_the_third() {
    let of = |activities| Workflow { activities, ..defaults(FeatureLevel::FIRST).remove(0) }.needs();
    let unlock = || Activity::UnlockAccount(UnlockAccount {});
    let enable = Activity::EnableAccount(EnableAccount {});
    let draw = |ask| QuestionAuthentication::asking(ask);
    assert_eq!(of(vec![questions(AskedQuestions::Random(2)), unlock()]), FeatureLevel::FIRST);
    let later = [
        vec![questions(AskedQuestions::All), unlock(), unlock()],
        vec![questions(AskedQuestions::All), enable],
        vec![questions(AskedQuestions::These(vec![QuestionId(Uuid::nil())])), unlock()],
        vec![
            Activity::AuthenticateWithQuestions(QuestionAuthentication {
                name_wrong: true,
                ..draw(AskedQuestions::All)
            }),
            unlock(),
        ],
    ];
    for activities in later {
        assert_eq!(of(activities.clone()), FeatureLevel::THIRD, "{activities:?}");
    }
    let two = Workflow {
        activities: vec![questions(AskedQuestions::All), unlock(), unlock()],
        ..defaults(FeatureLevel::FIRST).remove(0)
    };
    let at = [FeatureLevel::SECOND, FeatureLevel::THIRD].map(|level| two.problems(level));
    assert_eq!(at, [vec![WorkflowProblem::SecondAction(3)], vec![]]);
}
fn captcha(difficulty: u8, pause: Span) -> Activity {
    Activity::Captcha(Captcha { difficulty, pause })
}

fn mail_code(digits: u8, life: Span) -> AuthenticationMethod {
    AuthenticationMethod::MailCode(MailCodeAuthentication { digits, life })
}

#[test]
fn settings_out_of_their_bounds_are_refused_where_they_stand() {
    let (unlock, asks) = (|| Activity::UnlockAccount(UnlockAccount {}), || questions(AskedQuestions::All));
    for (difficulty, pause, right) in [
        (8, Span(0), true),
        (22, Span::minutes(1), true),
        (7, Span(0), false),
        (23, Span(0), false),
        (16, Span(60_001), false),
    ] {
        let expected = if right { vec![] } else { vec![WorkflowProblem::CaptchaBounds(1)] };
        assert_eq!(problems(vec![captcha(difficulty, pause), asks(), unlock()]), expected);
    }
    let minutes = Span::minutes;
    for (digits, life, right) in
        [(6, minutes(1), true), (10, minutes(30), true), (5, minutes(9), false), (6, minutes(31), false)]
    {
        let expected = if right { vec![] } else { vec![WorkflowProblem::MailCodeBounds(1)] };
        assert_eq!(problems(vec![mail_code(digits, life).activity(), unlock()]), expected);
    }
    let nothing = Activity::SubscribeToNotifications(SubscribeToNotifications { offered: BTreeSet::new() });
    assert_eq!(problems(vec![asks(), nothing]), [WorkflowProblem::NothingToTurnOff(2)]);
}

#[test]
fn methods_are_a_choice_among_different_ones_each_valid_and_prove_no_password() {
    let password = AuthenticationMethod::Password(PasswordAuthentication {});
    let asks = |ask| AuthenticationMethod::Questions(QuestionAuthentication::asking(ask));
    let of = |offered: &[&AuthenticationMethod], then: Activity| {
        let offered = offered.iter().map(|method| (*method).clone()).collect();
        problems(vec![Activity::AuthenticationMethods(AuthenticationMethods { offered }), then])
    };
    let unlock = || Activity::UnlockAccount(UnlockAccount {});
    let (all, none) = (asks(AskedQuestions::All), asks(AskedQuestions::Random(0)));
    let code = mail_code(6, Span::minutes(5));
    assert_eq!(of(&[&all, &password, &code], unlock()), []);
    for too_few in [&[][..], &[&password], &[&all, &all]] {
        assert_eq!(of(too_few, unlock()), [WorkflowProblem::NoChoice(1)]);
    }
    assert_eq!(of(&[&password, &none], unlock()), [WorkflowProblem::AsksNothing(1)]);
    let short = mail_code(4, Span::minutes(5));
    assert_eq!(of(&[&password, &short], unlock()), [WorkflowProblem::MailCodeBounds(1)]);
    let change = Activity::ChangePassword(ChangePassword {});
    assert_eq!(of(&[&password, &code], change), [WorkflowProblem::NeedsPassword(2)]);
}

#[test]
fn what_programs_of_the_third_level_do_not_know_needs_the_fourth() {
    let usual = || defaults(FeatureLevel::FIRST).remove(0);
    let with = |activity| Workflow { activities: vec![questions(AskedQuestions::All), activity], ..usual() };
    let only = |only_when_out_of_date| with(Activity::EditProfile(EditProfile { only_when_out_of_date }));
    assert_eq!(only(false).needs(), FeatureLevel::FIRST);
    let later = [
        only(true),
        with(Activity::Captcha(Captcha::default())),
        with(Activity::SubscribeToNotifications(SubscribeToNotifications::usual())),
        with(Activity::AuthenticateWithMailCode(MailCodeAuthentication::default())),
        with(Activity::AuthenticationMethods(AuthenticationMethods { offered: Vec::new() })),
        Workflow { hidden: true, ..usual() },
        Workflow { kind: WorkflowKind::Notifications, ..usual() },
    ];
    for workflow in later {
        assert_eq!(workflow.needs(), FeatureLevel::FOURTH, "{workflow:?}");
    }
    let has = |level| defaults(level).iter().any(|workflow| workflow.kind == WorkflowKind::Notifications);
    assert_eq!([FeatureLevel::THIRD, FeatureLevel::FOURTH].map(has), [false, true]);
}

#[test]
fn the_compact_form_has_no_byte_of_what_came_later() {
    let bytes =
        |workflow: &Workflow| bincode::serde::encode_to_vec(workflow, bincode::config::standard()).unwrap();
    let plain = Workflow {
        activities: vec![Activity::EditProfile(EditProfile::default())],
        ..defaults(FeatureLevel::FIRST).remove(0)
    };
    let later = Workflow {
        hidden: true,
        activities: vec![Activity::EditProfile(EditProfile { only_when_out_of_date: true })],
        ..plain.clone()
    };
    assert_eq!(bytes(&plain), bytes(&later));
}
