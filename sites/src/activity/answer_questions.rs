//! *Authenticate with Q&A profile*. The attempt is committed as counted before the profile is even read; then every
//! answer is checked, whatever the others are. A user without a profile, and a name that is nobody's, are asked
//! questions that fit the policy, cost the same hashing, and always fail.

use crate::attempt;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::profile_store::{self, Stored};
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict, task_changed};
use crate::{decoy, limits, text};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::QuestionId;
use passquorum_domain::ports::{DirectoryError, Retry};
use passquorum_domain::qa::{AnswerHash, HashCost, HashError, QaPolicy, QaProfile};
use passquorum_domain::secret::Answer;
use passquorum_domain::workflow::{AskedQuestions, QuestionAuthentication, QuestionSort, TooFew};

/// More answers than any page asks for are not looked at.
const MOST: usize = 100;

pub(super) async fn show(
    context: &Context<'_>,
    settings: &QuestionAuthentication,
) -> Result<StepView, Failure> {
    let profile = stored(context).await?.profile();
    Ok(StepView::Questions { texts: sheet(context, settings, profile.as_ref())?.texts })
}

pub(super) async fn run(
    context: &Context<'_>,
    settings: &QuestionAuthentication,
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
        // What is shown and how the attempt ends must not depend on this record.
        let (event, subject) = (AuditEvent::ProfileRewritten, Some(context.subject()));
        if let Err(failure) = app.ports.commit(Actor::Anonymous, Action::Record { event, subject }).await {
            tracing::warn!(%failure, "a profile that another hand put there is not in the audit");
        }
    }
    let profile = stored.profile();
    let sheet = sheet(context, settings, profile.as_ref())?;
    let given = answers.len();
    let mut answers = answers;
    // Whatever is asked, as much is hashed for everyone.
    answers.truncate(sheet.texts.len());
    let right = match (profile, sheet.places) {
        (Some(profile), Some(places)) => app.hasher.run(move || profile.verify(&places, &answers)).await??,
        _ => {
            let cost = app.settings.answer_cost;
            app.hasher.run(move || spend(&answers, cost)).await??
        }
    };
    // No question asked proves nothing.
    let asked = sheet.texts.len();
    let all_right = asked > 0 && given == asked && right.len() == asked && right.iter().all(|right| *right);
    counted.decide(&app.ports, all_right).await?;
    if all_right {
        return Ok(Verdict::Passed);
    }
    if settings.name_wrong {
        for (place, _) in right.iter().enumerate().filter(|(_, right)| !**right) {
            problems.add(format!("answer-{place}"), text::WRONG_ANSWER);
        }
    }
    problems.add("", counted.left_after(text::WRONG_ANSWERS, context.policy()?, app)?);
    Ok(Verdict::Again(problems))
}

/// The questions that a person might be asked who has registered what the policy wants.
pub(super) fn example(settings: &QuestionAuthentication, qa: &QaPolicy) -> Vec<String> {
    let wanted = match &settings.ask {
        AskedQuestions::These(ids) => {
            return ids
                .iter()
                .filter_map(|id| qa.listed(*id))
                .map(|question| question.text.clone())
                .collect();
        }
        AskedQuestions::All => usize::MAX,
        AskedQuestions::Random(count) => *count as usize,
    };
    let questions = decoy::example(qa).into_iter();
    let may_ask = |sort: &QuestionSort| settings.from.is_empty() || settings.from.contains(sort);
    questions.filter(|(sort, _)| may_ask(sort)).map(|(_, text)| text).take(wanted).collect()
}

/// Whether the right answers would let a person pass, going by what they have registered.
pub(super) async fn can_pass(
    context: &Context<'_>,
    settings: &QuestionAuthentication,
) -> Result<bool, Failure> {
    let profile = stored(context).await?.profile();
    Ok(sheet(context, settings, profile.as_ref())?.places.is_some_and(|places| !places.is_empty()))
}

/// What is asked of one person in one run.
struct Sheet {
    texts: Vec<String>,
    /// Where in the profile each stands; none when nobody passes with any answer.
    places: Option<Vec<usize>>,
}

/// The questions. They look the same for whoever has no profile, or one with which nobody passes.
fn sheet(
    context: &Context<'_>,
    settings: &QuestionAuthentication,
    profile: Option<&QaProfile>,
) -> Result<Sheet, Failure> {
    let qa = &context.policy()?.qa;
    let wanted = match &settings.ask {
        AskedQuestions::These(ids) => {
            let texts = ids.iter().map(|id| qa.listed(*id).map(|question| question.text.clone()));
            let texts = texts.collect::<Option<Vec<_>>>().ok_or_else(task_changed)?;
            let place = |profile: &QaProfile| {
                let place =
                    |id: &QuestionId| profile.place_of(*id).filter(|place| may_prove(qa, profile, *place));
                ids.iter().map(place).collect()
            };
            return Ok(Sheet { texts, places: profile.and_then(place) });
        }
        AskedQuestions::All => None,
        AskedQuestions::Random(count) => Some(*count as usize),
    };
    let may_ask = |sort: Option<QuestionSort>| {
        settings.from.is_empty() || sort.is_some_and(|sort| settings.from.contains(&sort))
    };
    let own: Vec<(usize, String)> = profile
        .into_iter()
        .flat_map(|profile| profile.entries.iter().enumerate())
        .filter(|(_, entry)| qa.is_for_visitors(entry) && may_ask(qa.sort_of(&entry.question.origin)))
        .map(|(place, entry)| (place, qa.text_of(&entry.question).to_owned()))
        .collect();
    let enough = settings.too_few == TooFew::AskAll || wanted.is_none_or(|wanted| own.len() >= wanted);
    if !own.is_empty() && enough {
        let drawn = drawn(context, wanted, own)?;
        let (places, texts) = drawn.into_iter().unzip();
        return Ok(Sheet { texts, places: Some(places) });
    }
    let decoys = decoy::questions(&context.app.ports, qa, context.subject())?;
    let decoys = decoys.into_iter().filter(|(sort, _)| may_ask(Some(*sort))).map(|(_, text)| text);
    let drawn = drawn(context, wanted, decoys.enumerate().collect())?;
    Ok(Sheet { texts: drawn.into_iter().map(|(_, text)| text).collect(), places: None })
}

fn may_prove(qa: &QaPolicy, profile: &QaProfile, place: usize) -> bool {
    profile.entries.get(place).is_some_and(|entry| qa.is_for_visitors(entry))
}

fn answers_of(form: &Form, problems: &mut Problems) -> Vec<Answer> {
    let fields = (0..MOST).map(|index| format!("answer-{index}"));
    let given = fields.take_while(|field| field == "answer-0" || form.text(field).is_some());
    given.filter_map(|field| problems.take(&field, form.answer(&field))).collect()
}

fn spend(answers: &[Answer], cost: HashCost) -> Result<Vec<bool>, HashError> {
    answers.iter().map(|answer| AnswerHash::spend(answer, cost).map(|()| false)).collect()
}

/// So many of the questions, each with its place. A draw is fixed for the run and the step, so that loading the page again
/// does not show other questions.
fn drawn(
    context: &Context<'_>,
    wanted: Option<usize>,
    questions: Vec<(usize, String)>,
) -> Result<Vec<(usize, String)>, Failure> {
    let Some(wanted) = wanted else { return Ok(questions) };
    // A later step draws anew; the first keeps the name that it has always had.
    let purpose = match context.earlier_questions() {
        0 => "question".to_owned(),
        earlier => format!("question of step {earlier}"),
    };
    let rank = |place: usize| {
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        context.progress.draw(&context.app.ports, &purpose, number)
    };
    let ranked = questions.into_iter().map(|(place, text)| Ok((rank(place)?, (place, text))));
    let mut ranked = ranked.collect::<Result<Vec<_>, Failure>>()?;
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    let mut drawn: Vec<_> = ranked.into_iter().map(|(_, question)| question).take(wanted).collect();
    drawn.sort_unstable();
    Ok(drawn)
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
