//! *Edit Q&A profile*: mandatory questions, a choice of optional ones, and questions of one's own. What is wrong is
//! said all at once, field by field; answers are never shown again.

use crate::extract::Form;
use crate::kept_answers;
use crate::page_error::Failure;
use crate::profile_store::{self, Registered};
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, ProfileSlot, SlotKind, StepView, TicketEnd, Verdict, under_ticket};
use passquorum_domain::ids::QuestionId;
use passquorum_domain::ports::DirectoryReason;
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::qa::{
    AskedQuestion, NewAnswer, ProfileProblem, QaPolicy, QaProfile, QuestionKind, QuestionOrigin,
};
use passquorum_domain::ticket::TicketKind;

pub(super) async fn show(context: &Context<'_>, form: Option<&Form>) -> Result<StepView, Failure> {
    let qa = &context.policy()?.qa;
    let mut slots = slots(qa);
    match form {
        Some(form) => {
            for (index, slot) in slots.iter_mut().enumerate() {
                slot.chosen = form.text(&format!("question-{index}")).unwrap_or("").to_owned();
            }
        }
        None => {
            let user = context.known_user()?;
            let held = context.directory(user).await?.read_profile(user).await?;
            let profile = profile_store::open(&context.app.ports, user.guid, &held).profile();
            if let Some(profile) = profile {
                keep_choices(&mut slots, &profile);
            }
        }
    }
    Ok(StepView::Profile { slots, min_answer: qa.min_answer_length, min_question: qa.min_question_length })
}

/// The form as somebody sees it who registers for the first time.
pub(super) fn example(qa: &QaPolicy) -> StepView {
    StepView::Profile {
        slots: slots(qa),
        min_answer: qa.min_answer_length,
        min_question: qa.min_question_length,
    }
}

/// The form, empty.
fn slots(qa: &QaPolicy) -> Vec<ProfileSlot> {
    let optional: Vec<_> = qa.of_kind(QuestionKind::Optional).cloned().collect();
    let of_kind = |kind| qa.of_kind(kind).cloned().map(SlotKind::Mandatory);
    let given = of_kind(QuestionKind::Mandatory).chain(of_kind(QuestionKind::Helpdesk));
    let picked = (0..qa.optional_to_register).map(|_| SlotKind::Optional(optional.clone()));
    let own = (0..qa.user_defined_to_register).map(|_| SlotKind::Own);
    let is_kept = |kind: &SlotKind| match kind {
        SlotKind::Mandatory(question) => qa.keeps_answers(question.kind),
        SlotKind::Optional(_) | SlotKind::Own => false,
    };
    let slot = |kind| ProfileSlot { is_kept: is_kept(&kind), kind, chosen: String::new() };
    given.chain(picked).chain(own).map(slot).collect()
}

/// Puts the questions of a registered profile into the form.
fn keep_choices(slots: &mut [ProfileSlot], profile: &QaProfile) {
    let questions = || profile.entries.iter().map(|entry| &entry.question);
    let mut listed = questions().filter_map(|question| match question.origin {
        QuestionOrigin::Listed(id) => Some(id),
        QuestionOrigin::UserDefined => None,
    });
    let mut own = questions().filter(|question| question.origin == QuestionOrigin::UserDefined);
    for slot in slots {
        match &slot.kind {
            SlotKind::Mandatory(_) => {}
            SlotKind::Optional(list) => {
                let id = listed.find(|id| list.iter().any(|question| question.id == *id));
                slot.chosen = id.map(|id| id.to_string()).unwrap_or_default();
            }
            SlotKind::Own => {
                slot.chosen = own.next().map(|question| question.text.clone()).unwrap_or_default()
            }
        }
    }
}

pub(super) async fn run(context: &Context<'_>, form: &Form) -> Result<Verdict, Failure> {
    let qa = &context.policy()?.qa;
    let mut problems = Problems::default();
    let answers = answers_of(qa, form, &mut problems);
    if !problems.is_empty() {
        return Ok(Verdict::Again(problems));
    }
    let app = context.app;
    let user = context.known_user()?.clone();
    let directory = context.directory(&user).await?;
    let expected = directory.read_profile(&user).await?;
    let mut salts = (0..answers.len())
        .map(|_| {
            let mut salt = [0; 16];
            app.ports.entropy.fill(&mut salt);
            salt
        })
        .collect::<Vec<_>>()
        .into_iter();
    let cost = app.settings.answer_cost;
    let kept = kept_answers::of(&*app.ports.vault, user.guid, qa, &answers)?;
    let register = move || QaProfile::register(answers, cost, || salts.next().unwrap_or_default());
    let profile = kept_answers::put(app.hasher.run(register).await??, kept);
    let registered = Registered { profile, made_under: Some(RequirementsDigest::of(qa)) };
    let level = app.ports.consensus.local().level();
    let sealed = profile_store::seal(&*app.ports.vault, level, user.guid, registered, &expected)?;
    let work = async move { directory.write_profile(&user, &expected, Some(&sealed)).await };
    Ok(match under_ticket(context, TicketKind::WriteProfile, work).await? {
        TicketEnd::Refused(error) if error.reason == DirectoryReason::Changed => {
            Verdict::Failed(Failure::from(error).saying(text::PROFILE_CHANGED))
        }
        end => end.verdict(),
    })
}

/// The answers, when the form is right as a whole; else every problem, by field.
fn answers_of(qa: &QaPolicy, form: &Form, problems: &mut Problems) -> Vec<NewAnswer> {
    let mut answers = Vec::new();
    let mut fields = Vec::new();
    for (index, slot) in slots(qa).into_iter().enumerate() {
        let question = question_of(&slot.kind, index, form, problems);
        let field = format!("answer-{index}");
        let answer = problems.take(&field, form.answer(&field));
        match (question, answer) {
            (Some(question), Some(answer)) => {
                answers.push(NewAnswer { question, answer });
                fields.push(index);
            }
            (Some(question), None) if is_too_short(qa, &question) => {
                let problem = ProfileProblem::QuestionLength { index, min: qa.min_question_length };
                problems.add(format!("question-{index}"), text::profile_problem(&problem));
            }
            _ => {}
        }
    }
    let whole = problems.is_empty();
    for problem in qa.problems(&answers) {
        match field_of(&problem, &fields) {
            Some(field) => problems.add(field, text::profile_problem(&problem)),
            None if whole => problems.add("", text::profile_problem(&problem)),
            None => {}
        }
    }
    problems.order_by(place);
    answers
}

/// An own question whose answer is missing is not seen by the policy's check, but is to be named all the same.
fn is_too_short(qa: &QaPolicy, question: &AskedQuestion) -> bool {
    question.origin == QuestionOrigin::UserDefined
        && question.text.chars().count() < qa.min_question_length as usize
}

/// A field's place in the form: slot by slot, the question before its answer; what concerns the whole comes first.
fn place(field: &str) -> (Option<usize>, bool) {
    let parts = field.split_once('-');
    (parts.and_then(|(_, slot)| slot.parse().ok()), parts.is_some_and(|(kind, _)| kind == "answer"))
}

fn question_of(kind: &SlotKind, index: usize, form: &Form, problems: &mut Problems) -> Option<AskedQuestion> {
    let field = format!("question-{index}");
    let given = form.text(&field).unwrap_or("").trim();
    let listed = |id: QuestionId, text: &str| AskedQuestion {
        origin: QuestionOrigin::Listed(id),
        text: text.to_owned(),
    };
    match kind {
        SlotKind::Mandatory(question) => Some(listed(question.id, &question.text)),
        SlotKind::Optional(list) => {
            let question = list.iter().find(|question| question.id.to_string() == given);
            if question.is_none() {
                problems.add(field, text::CHOOSE_QUESTION);
            }
            question.map(|question| listed(question.id, &question.text))
        }
        SlotKind::Own if given.chars().any(char::is_control) => {
            problems.add(field, text::FIELD_CONTROL);
            None
        }
        SlotKind::Own => Some(AskedQuestion { origin: QuestionOrigin::UserDefined, text: given.to_owned() }),
    }
}

/// The form field that a problem belongs to; none for the form as a whole.
fn field_of(problem: &ProfileProblem, fields: &[usize]) -> Option<String> {
    let (name, index) = match problem {
        ProfileProblem::MissingMandatory { .. }
        | ProfileProblem::OptionalCount { .. }
        | ProfileProblem::UserDefinedCount { .. } => return None,
        ProfileProblem::UnknownQuestion { index }
        | ProfileProblem::RepeatedQuestion { index }
        | ProfileProblem::QuestionLength { index, .. } => ("question", index),
        ProfileProblem::AnswerTooShort { index, .. }
        | ProfileProblem::SameAnswer { index }
        | ProfileProblem::AnswerInQuestion { index } => ("answer", index),
    };
    fields.get(*index).map(|slot| format!("{name}-{slot}"))
}
