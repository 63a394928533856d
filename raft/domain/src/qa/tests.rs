//! Registrations, and what operators may see of them.

use super::*;
use uuid::Uuid;

fn id(n: u128) -> QuestionId {
    QuestionId(Uuid::from_u128(n))
}

fn policy() -> QaPolicy {
    let question = |n, kind, text: &str| Question { id: id(n), kind, text: text.to_owned() };
    QaPolicy {
        questions: vec![
            question(1, QuestionKind::Mandatory, "First school?"),
            question(2, QuestionKind::Optional, "First pet?"),
            question(3, QuestionKind::Optional, "Favourite film?"),
        ],
        optional_to_register: 1,
        user_defined_to_register: 0,
        min_question_length: 10,
        min_answer_length: 3,
        reject_same_answer: true,
        reject_answer_in_question: true,
        keep_mandatory_answers: false,
    }
}

fn given(n: u128, text: &str, answer: &str) -> NewAnswer {
    NewAnswer {
        question: AskedQuestion { origin: QuestionOrigin::Listed(id(n)), text: text.to_owned() },
        answer: Answer::parse(answer.to_owned()).unwrap(),
    }
}

#[test]
fn a_complete_registration_verifies_and_a_wrong_answer_does_not() {
    let answers = vec![given(1, "First school?", "Northside"), given(2, "First pet?", "Rex the dog")];
    assert_eq!(policy().problems(&answers), Vec::new());
    let profile = QaProfile::register(answers, HashCost::STANDARD, || [7; 16]).unwrap();
    let answer = |text: &str| Answer::parse(text.to_owned()).unwrap();
    let verify = |asked: &[usize], answers: &[&str]| {
        profile.verify(asked, &answers.iter().map(|text| answer(text)).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(verify(&[0, 1], &[" NORTHSIDE", "rex  the dog"]), [true, true]);
    assert_eq!(verify(&[0, 1], &["Northside", "Max"]), [true, false]);
    assert_eq!(verify(&[1, 0], &["Northside", "Rex the dog"]), [false, false], "each to its own question");
    assert_eq!(verify(&[5], &["x"]), [false]);
    assert_eq!((profile.place_of(id(2)), profile.place_of(id(3))), (Some(1), None));
    assert!(policy().is_met_by(&profile));
}

#[test]
fn every_problem_is_named_at_once() {
    let answers =
        vec![given(2, "First pet?", "pet"), given(3, "Favourite film?", "PET"), given(9, "Gone?", "ab")];
    let problems = policy().problems(&answers);
    assert!(problems.contains(&ProfileProblem::MissingMandatory { text: "First school?".into() }));
    assert!(problems.contains(&ProfileProblem::OptionalCount { wanted: 1 }));
    assert!(problems.contains(&ProfileProblem::AnswerInQuestion { index: 0 }));
    assert!(problems.contains(&ProfileProblem::SameAnswer { index: 1 }));
    assert!(problems.contains(&ProfileProblem::UnknownQuestion { index: 2 }));
    assert!(problems.contains(&ProfileProblem::AnswerTooShort { index: 2, min: 3 }));
}

#[test]
fn what_operators_may_see_proves_nothing_to_the_sites_unless_the_policy_says_so() {
    let mut policy = policy();
    policy.questions.push(Question { id: id(4), kind: QuestionKind::Helpdesk, text: "Staff id?".into() });
    assert_eq!((policy.needs(), policy.answers_to_register()), (FeatureLevel::FOURTH, 3));
    let answers =
        [given(1, "First school?", "Northside"), given(2, "First pet?", "Rex"), given(4, "Id?", "Q77")];
    assert_eq!(
        policy.problems(&answers[..2]),
        [ProfileProblem::MissingMandatory { text: "Staff id?".into() }]
    );
    let mut profile = QaProfile::register(answers.to_vec(), HashCost::LEAST, || [7; 16]).unwrap();
    assert!(!policy.is_met_by(&profile), "the helpdesk's answer is not kept");
    let kept = || Some(Sealed(crate::blob::Blob::from(&b"sealed"[..])));
    profile.entries[2].kept = kept();
    assert!(policy.is_met_by(&profile));
    let visitors = |policy: &QaPolicy, profile: &QaProfile| {
        profile.entries.iter().map(|entry| policy.is_for_visitors(entry)).collect::<Vec<_>>()
    };
    assert_eq!(visitors(&policy, &profile), [true, true, false]);
    // A helpdesk question that became another, or left the list, was shown to operators.
    for kind in [Some(QuestionKind::Mandatory), Some(QuestionKind::Optional), None] {
        let mut later = policy.clone();
        match kind {
            Some(kind) => later.questions[3].kind = kind,
            None => drop(later.questions.pop()),
        }
        assert_eq!(visitors(&later, &profile), [true, true, false], "{kind:?}");
    }
    profile.entries[0].kept = kept();
    assert_eq!(visitors(&policy, &profile), [false, true, false], "kept under a policy that kept answers");
    policy.keep_mandatory_answers = true;
    assert_eq!(visitors(&policy, &profile), [true, true, false]);
    assert!(policy.is_met_by(&profile));
    profile.entries[0].kept = None;
    assert!(!policy.is_met_by(&profile));
}
