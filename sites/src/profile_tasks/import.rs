//! Brings profiles in: answers that an administrator has of people, as if each had registered them.

use super::{Desk, Listener, Outcome, Plan, Stopped, UserProblem, Write, about, steps};
use crate::kept_answers;
use crate::page_error::Failure;
use crate::people::{self, Person};
use crate::profile_store::Registered;
use passquorum_domain::audit::ProfileTask;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::qa::{AskedQuestion, NewAnswer, QaPolicy, QaProfile, Question, QuestionOrigin};
use passquorum_domain::secret::{Answer, SecretError};
use serde::Deserialize;
use std::sync::Arc;

/// A person's answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Brought {
    /// A logon name, UPN or mail address.
    user: String,
    answers: Vec<BroughtAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BroughtAnswer {
    /// The question's text: one of the policy's, or the person's own.
    question: String,
    answer: GivenAnswer,
}

/// Parsed as it is read, so that no plain copy stays behind. One that is none is a problem of its person's, not of the
/// whole request.
#[derive(Deserialize)]
#[serde(from = "String")]
struct GivenAnswer(Result<Answer, SecretError>);

impl From<String> for GivenAnswer {
    fn from(text: String) -> Self {
        Self(Answer::parse(text))
    }
}

/// Brings profiles in. Whoever has one keeps it, unless these are to replace it.
pub(crate) async fn import(
    desk: &Desk,
    config: &RealmConfig,
    people: Vec<Brought>,
    replace: bool,
    mut listener: Listener,
) -> Result<(), Stopped> {
    listener.progress.of = Some(people.len() as u64);
    for people in steps(people) {
        let plan = |brought| one(desk, config, brought, replace);
        desk.step(ProfileTask::Import, people, &mut listener, plan).await?;
    }
    listener.end().await
}

async fn one(desk: &Desk, config: &RealmConfig, brought: Brought, replace: bool) -> Result<Plan, Stopped> {
    let Brought { user: typed, answers } = brought;
    let failed = |code, why: String| Ok(Plan::Settled(Outcome::Failed(UserProblem::new(&typed, code, why))));
    let Ok(name) = LoginName::parse(&typed) else {
        return failed(ErrorCode::BadInput, "this is no logon name, UPN or mail address".to_owned());
    };
    let ways = match people::find(&desk.ports, config, &name).await? {
        Person::One(ways) => ways,
        Person::Nobody => return failed(ErrorCode::NotFound, "nobody has this name".to_owned()),
        Person::Several => return failed(ErrorCode::NotFound, "several people have this name".to_owned()),
    };
    let Some((policy, way)) = people::serving(config, &ways).await? else {
        return failed(ErrorCode::NotFound, "no management policy serves this person".to_owned());
    };
    let (user, directory) = (way.record.user.clone(), Arc::clone(&way.directory));
    let answers =
        match answers.into_iter().map(|given| taken(&policy.qa, given)).collect::<Result<Vec<_>, _>>() {
            Ok(answers) => answers,
            Err(why) => return failed(ErrorCode::BadInput, why),
        };
    let problems = policy.qa.problems(&answers);
    if !problems.is_empty() {
        let why: Vec<_> = problems.iter().map(ToString::to_string).collect();
        return failed(ErrorCode::BadInput, why.join(" "));
    }
    let held = match directory.read_profile(&user).await {
        Ok(held) => held,
        Err(error) => return about(&typed, error).map(Plan::Settled),
    };
    if held.value.is_some() && !replace {
        return Ok(Plan::Settled(Outcome::Unchanged));
    }
    if desk.dry_run {
        return Ok(Plan::Settled(Outcome::Changed));
    }
    let made_under = Some(RequirementsDigest::of(&policy.qa));
    let kept =
        kept_answers::of(&*desk.ports.vault, user.guid, &policy.qa, &answers).map_err(Failure::from)?;
    let profile = kept_answers::put(registered(desk, answers).await?, kept);
    let registered = Registered { profile, made_under };
    let next = Some(desk.seal(user.guid, registered, &held)?);
    Ok(Plan::Write(Write { directory, user, name: typed, held, next }))
}

/// The answer to the policy's question of this text, or else to one of the person's own.
fn taken(qa: &QaPolicy, given: BroughtAnswer) -> Result<NewAnswer, String> {
    let text = given.question.trim();
    if text.chars().any(char::is_control) {
        return Err("a question holds control characters".to_owned());
    }
    let is_meant = |question: &&Question| question.text.trim().to_lowercase() == text.to_lowercase();
    let question = match qa.questions.iter().find(is_meant) {
        Some(listed) => {
            AskedQuestion { origin: QuestionOrigin::Listed(listed.id), text: listed.text.clone() }
        }
        None => AskedQuestion { origin: QuestionOrigin::UserDefined, text: text.to_owned() },
    };
    let answer = given
        .answer
        .0
        .map_err(|error| format!("the answer to \u{201c}{}\u{201d}: {error}", question.text))?;
    Ok(NewAnswer { question, answer })
}

async fn registered(desk: &Desk, answers: Vec<NewAnswer>) -> Result<QaProfile, Failure> {
    let mut salts = vec![[0; 16]; answers.len()];
    salts.iter_mut().for_each(|salt| desk.ports.entropy.fill(salt));
    let (mut salts, cost) = (salts.into_iter(), desk.cost);
    let register = move || QaProfile::register(answers, cost, || salts.next().unwrap_or_default());
    Ok(desk.hasher.run(register).await??)
}
