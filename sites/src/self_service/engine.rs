//! What the pages ask for, done here: by the workflow engine, with the realm key and the directories.

use super::computer::FIELD;
use super::{LANGUAGE, PAGE_LANGUAGE, Wanted, offered};
use crate::app::App;
use crate::csrf;
use crate::extract::Form;
use crate::gateway::{Answer, Ask, KeptRun, Run, SelfService, Shown, Step, Visitor};
use crate::limits::{self, Origin};
use crate::locale::Texts;
use crate::page_error::Failure;
use crate::people::{self, Person};
use crate::text;
use crate::workflow::{self, Moved, Plan, Progress, Stage, Subject, Within, plan};
use async_trait::async_trait;
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{ClientController, LoginName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::Language;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::workflow::{Activity, Workflow, WorkflowKind};

/// The Self-Service site's work on a node that holds the realm key.
#[derive(Clone)]
pub(crate) struct Engine(pub(crate) App);

#[async_trait]
impl SelfService for Engine {
    async fn ask(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure> {
        let texts = self.texts(visitor, &ask);
        match self.answer(visitor, ask).await {
            Ok(Answer::Again { run, problems, shown }) => Ok(Answer::Again {
                run,
                problems: problems.said_in(&texts),
                shown: shown.map_err(|failure| failure.said_in(&texts)),
            }),
            Ok(Answer::Failed { run, failure }) => {
                Ok(Answer::Failed { run, failure: failure.said_in(&texts) })
            }
            Ok(other) => Ok(other),
            Err(failure) => Err(failure.said_in(&texts)),
        }
    }
}

impl Engine {
    /// The texts in the language of the page that asks: a form names it, and what only looks goes by what the run was begun
    /// with.
    fn texts(&self, visitor: &Visitor, ask: &Ask) -> Texts {
        let language = match ask {
            Ask::Enter => None,
            Ask::Show { run } => {
                Progress::read(&self.0.ports, visitor.browser(), run).and_then(|progress| progress.language)
            }
            Ask::Begin { form, .. }
            | Ask::BeginCustom { form, .. }
            | Ask::Submit { form, .. }
            | Ask::SubmitOnly { form, .. } => language_of(form, PAGE_LANGUAGE),
        };
        let locales = &self.0.settings.locales;
        language.and_then(|language| locales.nearest(&language)).unwrap_or_else(Texts::english)
    }

    async fn answer(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::Enter => Ok(Answer::Entered { csrf: self.token(visitor)? }),
            Ask::Begin { task, form } => self.begin(visitor, Wanted::Kind(task), &form).await,
            Ask::BeginCustom { workflow, form } => self.begin(visitor, Wanted::Custom(workflow), &form).await,
            Ask::Show { run } => {
                let progress = self.read(visitor, &run)?;
                self.show(visitor, &progress, None).await.map(Answer::Shown)
            }
            Ask::Submit { run, form } => self.submit(visitor, None, &run, &form).await,
            Ask::SubmitOnly { task, run, form } => self.submit(visitor, Some(task), &run, &form).await,
        }
    }

    fn token(&self, visitor: &Visitor) -> Result<String, Failure> {
        Ok(csrf::token(&self.0.ports, visitor.browser())?)
    }

    fn check(&self, visitor: &Visitor, form: &Form) -> Result<(), Failure> {
        csrf::check(&self.0.ports, visitor.browser(), form.text(csrf::FIELD))
    }

    fn read(&self, visitor: &Visitor, run: &KeptRun) -> Result<Progress, Failure> {
        Progress::read(&self.0.ports, visitor.browser(), run)
            .ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
    }

    fn keep(&self, visitor: &Visitor, progress: &Progress) -> Result<KeptRun, Failure> {
        progress.keep(&self.0.ports, visitor.browser())
    }

    async fn begin(&self, visitor: &Visitor, task: Wanted, form: &Form) -> Result<Answer, Failure> {
        self.check(visitor, form)?;
        let typed = form.text("name").unwrap_or("").trim();
        let name = LoginName::parse(typed).map_err(|_| Failure::bad_input(text::NAME_INVALID))?;
        let asked = Asked { name: &name, typed, near: form.text(FIELD).and_then(ClientController::parse) };
        let mut progress = self.0.on_the_grid(begin(&self.0, visitor.origin(), task, &asked)).await?;
        progress.language = language_of(form, LANGUAGE);
        Ok(Answer::Begun(self.keep(visitor, &progress)?))
    }

    async fn show(
        &self,
        visitor: &Visitor,
        progress: &Progress,
        form: Option<&Form>,
    ) -> Result<Box<Shown>, Failure> {
        let stage = Stage::of(&self.0, progress).await?;
        let step = match progress.ending {
            Some(ending) => Step::Ended(ending),
            None => {
                let showing = workflow::show(&self.0, &stage, progress, visitor.origin(), form);
                let view = self.guarded(&stage, progress, showing).await?;
                Step::Open { view, csrf: self.token(visitor)? }
            }
        };
        Ok(Box::new(Shown { run: Run::of(progress, &stage), step }))
    }

    async fn submit(
        &self,
        visitor: &Visitor,
        only: Option<WorkflowKind>,
        run: &KeptRun,
        form: &Form,
    ) -> Result<Answer, Failure> {
        self.check(visitor, form)?;
        let mut progress = self.read(visitor, run)?;
        // Mail is written in the language of the page where it is asked for.
        progress.language = language_of(form, LANGUAGE).or(progress.language);
        let progress = &progress;
        // A task that was begun through another door of the same browser goes on there.
        if only.is_some_and(|only| only != progress.kind) {
            return Err(Failure::new(ErrorCode::SessionExpired));
        }
        if progress.ending.is_some() || form.text("step") != Some(progress.marker().as_str()) {
            return Ok(Answer::Elsewhere);
        }
        let stage = Stage::of(&self.0, progress).await?;
        let taking = workflow::submit(&self.0, &stage, progress, visitor.origin(), form);
        Ok(match self.guarded(&stage, progress, taking).await? {
            Moved::On(next) => Answer::Moved(self.keep(visitor, &next)?),
            Moved::Again(next, problems) => {
                // Whatever comes of showing the step again, the browser must learn that a ticket is used up.
                let run = self.keep(visitor, &next)?;
                Answer::Again { run, problems, shown: self.show(visitor, &next, Some(form)).await }
            }
            Moved::Failed(next, failure) => Answer::Failed { run: self.keep(visitor, &next)?, failure },
        })
    }

    /// Runs a step: on the time grid as long as the person has not proved who they are.
    async fn guarded<T>(
        &self,
        stage: &Stage,
        progress: &Progress,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if !stage.has_proved(progress) || stage.present(progress).is_some_and(Activity::authenticates) {
            self.0.on_the_grid(step).await
        } else {
            step.await
        }
    }
}

fn language_of(form: &Form, field: &str) -> Option<Language> {
    form.text(field).and_then(|tag| tag.parse().ok())
}

/// Who wants to begin a run.
struct Asked<'a> {
    name: &'a LoginName,
    typed: &'a str,
    /// The domain controller that the visitor's computer uses.
    near: Option<ClientController>,
}

/// Begins a run: finds the user, the policy and the workflow, by a linearizable read.
async fn begin(app: &App, origin: Origin, task: Wanted, asked: &Asked<'_>) -> Result<Progress, Failure> {
    let Asked { name, typed, near } = asked;
    let ports = &app.ports;
    let state = ports.current().await?;
    let config = state.config().ok_or(Rejection::NoRealm)?;
    let now = ports.now();
    let source = AttemptTarget::Source(limits::source_hash(ports, origin)?);
    if let Some(until) = state.locked_until(source, now) {
        return Err(limits::too_many_until(until));
    }
    let most = config.general.source_limit.threshold;
    app.crowd.begin(origin, most, now).map_err(|wait| limits::too_many_until(now.plus(wait)))?;
    let (policy, workflow, subject) = match served(app, config, task, name, near.as_ref()).await? {
        Ok(served) => served,
        Err(why) => {
            not_served(app, origin, name, why).await?;
            let hash = people::nobody(ports, config, name)?;
            // Of any policy, as users are, and always the same one.
            let KeyedHash([high, low, ..]) = hash;
            let (policy, workflow) = offered(config, task, u16::from_be_bytes([high, low]).into())?;
            (policy, workflow, Subject::Nobody { hash })
        }
    };
    if let Some(until) = state.locked_until(AttemptTarget::User(subject.hash()), now) {
        return Err(Failure { until: Some(until), ..Failure::new(ErrorCode::Locked) });
    }
    let activities = plan(&workflow.activities);
    let position = workflow::step_from(&activities, 0);
    Ok(Progress {
        run: fresh_uuid(&*ports.entropy),
        expires: now.plus(config.general.session),
        policy: policy.id,
        kind: workflow.kind,
        name: workflow.name.clone(),
        plan: if state.level() < FeatureLevel::THIRD {
            Plan::Carried { activities }
        } else {
            Plan::Kept { revision: config.revision, workflow: workflow.id }
        },
        subject,
        typed: typed.chars().take(64).collect(),
        position,
        tickets: 0,
        ending: None,
        language: None,
        update: false,
        within: Within::default(),
        left_out: Vec::new(),
    })
}

/// Why a name is led on without ever passing; for the audit only.
#[derive(Debug, Clone, Copy)]
enum NotServed {
    NoSuchUser,
    Ambiguous,
    OutsideEveryScope,
    TaskNotOffered,
}

type Served<'c> = (&'c ManagementPolicy, &'c Workflow, Subject);

async fn served<'c>(
    app: &App,
    config: &'c RealmConfig,
    task: Wanted,
    name: &LoginName,
    near: Option<&ClientController>,
) -> Result<Result<Served<'c>, NotServed>, Failure> {
    let found = people::find_near(&app.ports, config, name, near).await;
    let ways = match found.map_err(|error| people::cannot_ask(error, config, name))? {
        Person::One(ways) => ways,
        Person::Nobody => return Ok(Err(NotServed::NoSuchUser)),
        Person::Several => return Ok(Err(NotServed::Ambiguous)),
    };
    let Some((policy, way)) = people::serving(config, &ways).await? else {
        return Ok(Err(NotServed::OutsideEveryScope));
    };
    let Some(workflow) = task.of(policy) else { return Ok(Err(NotServed::TaskNotOffered)) };
    let hash = people::subject(&app.ports, ways.guid())?;
    Ok(Ok((policy, workflow, Subject::User { user: way.record.user.clone(), hash })))
}

/// Records it.
async fn not_served(app: &App, origin: Origin, name: &LoginName, why: NotServed) -> Result<(), Failure> {
    let note = format!("{name} from {origin}: {why:?}");
    app.ports.record(Actor::Anonymous, AuditEvent::NotServed(Site::SelfService), None, &note).await
}
