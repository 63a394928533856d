//! *Authenticate with Q&A profile*. The attempt is committed as counted before the profile is even read; then every
//! answer is checked, whatever the others are. A user without a profile, and a name that is nobody's, are asked
//! questions that fit the policy, cost the same hashing, and always fail.

use crate::attempt;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::profile_store::{self, Stored};
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict};
use crate::{decoy, limits, text};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{DirectoryError, Retry};
use passquorum_domain::qa::{AnswerHash, HashCost, HashError};
use passquorum_domain::secret::Answer;
use passquorum_domain::workflow::{AskedQuestions, QuestionAuthentication};

/// More answers than any page asks for are not looked at.
const MOST: usize = 100;

pub(super) async fn show(
    context: &Context<'_>,
    settings: QuestionAuthentication,
) -> Result<StepView, Failure> {
    let texts: Vec<String> = match stored(context).await?.profile() {
        Some(profile) => profile.entries.into_iter().map(|entry| entry.question.text).collect(),
        None => decoy::questions(&context.app.ports, &context.policy()?.qa, context.subject())?,
    };
    let asked = asked(context, settings, texts.len())?;
    let texts = asked.iter().filter_map(|index| texts.get(*index).cloned()).collect();
    Ok(StepView::Questions { texts })
}

pub(super) async fn run(
    context: &Context<'_>,
    settings: QuestionAuthentication,
    form: &Form,
) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let answers = answers_of(form, &mut problems);
    if !problems.is_empty() {
        return Ok(Verdict::Again(problems));
    }
    let app = context.app;
    limits::count_source(&app.ports, context.origin).await?;
    let counted =
        attempt::count(&app.ports, context.subject(), Some(context.policy()?.id), &context.note()).await?;
    let stored = stored(context).await?;
    if matches!(stored, Stored::Rewritten(_)) {
        let (event, subject) = (AuditEvent::ProfileRewritten, Some(context.subject()));
        app.ports.commit(Actor::Anonymous, Action::Record { event, subject }).await?;
    }
    let profile = stored.profile();
    let right = match profile {
        Some(profile) => {
            let asked = asked(context, settings, profile.entries.len())?;
            app.hasher.run(move || profile.verify(&asked, &answers)).await??
        }
        None => {
            let cost = app.settings.answer_cost;
            app.hasher.run(move || spend(&answers, cost)).await??
        }
    };
    counted.decide(&app.ports, right).await?;
    if right {
        return Ok(Verdict::Passed);
    }
    problems.add("", counted.left_after(text::WRONG_ANSWERS, context.policy()?, app)?);
    Ok(Verdict::Again(problems))
}

fn answers_of(form: &Form, problems: &mut Problems) -> Vec<Answer> {
    let fields = (0..MOST).map(|index| format!("answer-{index}"));
    let given = fields.take_while(|field| field == "answer-0" || form.text(field).is_some());
    given.filter_map(|field| problems.take(&field, form.answer(&field))).collect()
}

fn spend(answers: &[Answer], cost: HashCost) -> Result<bool, HashError> {
    answers.iter().try_for_each(|answer| AnswerHash::spend(answer, cost))?;
    Ok(false)
}

/// Which of `count` questions are asked. A draw is fixed for the run, so that loading the page again does not show
/// other questions.
fn asked(
    context: &Context<'_>,
    settings: QuestionAuthentication,
    count: usize,
) -> Result<Vec<usize>, Failure> {
    let mut order: Vec<usize> = (0..count).collect();
    if let AskedQuestions::Random(wanted) = settings.ask {
        let rank = |index: &usize| {
            context.progress.draw(&context.app.ports, "question", u32::try_from(*index).unwrap_or(u32::MAX))
        };
        let mut ranked =
            order.iter().map(|index| Ok((rank(index)?, *index))).collect::<Result<Vec<_>, Failure>>()?;
        ranked.sort_unstable();
        order = ranked.into_iter().map(|(_, index)| index).take(wanted as usize).collect();
        order.sort_unstable();
    }
    Ok(order)
}

/// What is stored of the user's profile, if there is a user. What is not a profile of ours counts as none: to say more
/// would tell that the user exists.
async fn stored(context: &Context<'_>) -> Result<Stored, Failure> {
    let Some(user) = context.user() else { return Ok(Stored::Nothing) };
    let directory = context.directory(user).await?;
    match directory.read_profile(user).await {
        Ok(held) => Ok(profile_store::open(&context.app.ports, user.guid, &held)),
        Err(error) if says_nothing_is_there(&error) => {
            tracing::warn!(subject = %context.subject(), %error, "a profile cannot be read");
            Ok(Stored::Foreign)
        }
        Err(error) => Err(error.into()),
    }
}

fn says_nothing_is_there(error: &DirectoryError) -> bool {
    error.retry == Retry::Pointless
        && matches!(
            error.reason.code(),
            ErrorCode::DirectoryRefused | ErrorCode::ForeignValue | ErrorCode::NotFound
        )
}
