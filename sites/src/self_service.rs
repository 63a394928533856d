//! The Self-Service site: choose a task, say who one is, take its steps.
//!
//! `GET /self-service/` lists the tasks; `/self-service/start/{task}` asks for the user name; `/self-service/step`
//! shows and takes every step, from what the progress cookie says. The same stands behind two more [`door`]s, for the small
//! window of a logon screen.
//!
//! The pages here are the same on every node. What they ask for is done behind the port [`SelfService`]: by the
//! [`engine`] on a node that holds the realm key, else by a voter.

pub(crate) mod computer;
pub(crate) mod door;
pub(crate) mod engine;
mod home;
mod identify;
pub(crate) mod preview;
mod step;

use crate::app::App;
use crate::extract::{Form, Visit};
use crate::gateway::{Answer, Ask, KeptRun, Run, SelfService, Shown, Visitor};
use crate::locale::{Key, Spoken};
use crate::page_error::Failure;
use crate::text;
use crate::workflow::Ending;
use axum::Router;
use axum::routing::get;
use door::Door;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::WorkflowId;
use passquorum_domain::workflow::{Activity, Workflow, WorkflowKind};
use std::sync::Arc;

/// The fields of a form in which the visitor's languages go to whoever does the task, since voters of every release read
/// forms: the one that mail is written in, and the one of the page.
const LANGUAGE: &str = "language";
const PAGE_LANGUAGE: &str = "page-language";

fn with_language(form: Form, visit: &Visit) -> Form {
    let Spoken { texts, wanted } = &visit.spoken;
    form.with(LANGUAGE, wanted.clone().map(String::from))
        .with(PAGE_LANGUAGE, Some(texts.language().to_string()))
}

/// What the pages are made with.
#[derive(Clone)]
struct Front {
    app: App,
    port: Arc<dyn SelfService>,
    door: Door,
}

pub(crate) fn routes(app: &App, port: Arc<dyn SelfService>) -> Router<App> {
    Door::ALL.into_iter().fold(Router::new(), |doors, door| {
        let start = format!("{}start/{{task}}", door.home());
        let behind = Router::new()
            .route(door.home(), get(home::show))
            .route(&start, get(identify::show).post(identify::submit))
            .route(door.step(), get(step::show).post(step::submit));
        doors.merge(behind.with_state(Front { app: app.clone(), port: Arc::clone(&port), door }))
    })
}

impl Front {
    async fn ask(&self, visit: &Visit, ask: Ask) -> Result<Answer, Failure> {
        self.port.ask(&Visitor::of(visit), ask).await
    }

    async fn enter(&self, visit: &Visit) -> Result<String, Failure> {
        match self.ask(visit, Ask::Enter).await? {
            Answer::Entered { csrf } => Ok(csrf),
            _ => Err(Self::other_answer()),
        }
    }

    async fn begin(&self, visit: &Visit, task: Wanted, form: Form) -> Result<KeptRun, Failure> {
        let form = with_language(form, visit);
        let ask = match task {
            Wanted::Kind(task) => Ask::Begin { task, form },
            Wanted::Custom(workflow) => Ask::BeginCustom { workflow, form },
        };
        match self.ask(visit, ask).await? {
            Answer::Begun(run) => Ok(run),
            _ => Err(Self::other_answer()),
        }
    }

    async fn show(&self, visit: &Visit, run: KeptRun) -> Result<Box<Shown>, Failure> {
        match self.ask(visit, Ask::Show { run }).await? {
            Answer::Shown(shown) => Ok(shown),
            _ => Err(Self::other_answer()),
        }
    }

    async fn submit(&self, visit: &Visit, run: KeptRun, form: Form) -> Result<Answer, Failure> {
        let form = with_language(form, visit);
        // Below the third level a voter may be of the release before, which does not know the other question.
        let is_known = self.app.ports.consensus.local().level() >= FeatureLevel::THIRD;
        let ask = match self.door.only() {
            Some(task) if is_known => Ask::SubmitOnly { task, run, form },
            _ => Ask::Submit { run, form },
        };
        self.ask(visit, ask).await
    }

    /// Whether tasks of administrators' own can be begun here. Below the fourth level a voter may be of the release before,
    /// which does not know the question.
    fn offers_own(&self) -> bool {
        let level = self.app.ports.consensus.local().level();
        level >= FeatureLevel::FOURTH && self.door.offers(WorkflowKind::Custom)
    }

    fn other_answer() -> Failure {
        Failure::internal("what a page asked for was answered with something else")
    }
}

/// A task that somebody wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The one of this kind.
    Kind(WorkflowKind),
    /// One of an administrator's own.
    Custom(WorkflowId),
}

impl Wanted {
    /// The workflow that a policy has for it.
    fn of(self, policy: &ManagementPolicy) -> Option<&Workflow> {
        match self {
            Self::Kind(kind) => policy.workflow(kind),
            Self::Custom(id) => policy.custom(id),
        }
    }
}

/// The first policy that offers the task, beginning with one of them: for its texts, and for a name that is nobody's.
fn offered(
    config: &RealmConfig,
    task: Wanted,
    from: usize,
) -> Result<(&ManagementPolicy, &Workflow), Failure> {
    // One without a scope serves nobody: who is shown it would be known for a name that is nobody's.
    let (serving, idle): (Vec<_>, Vec<_>) =
        config.policies.iter().partition(|policy| !policy.scope.is_empty());
    let count = serving.len();
    let turned = serving.iter().copied().cycle().skip(from.checked_rem(count).unwrap_or(0)).take(count);
    turned
        .chain(idle)
        .find_map(|policy| task.of(policy).map(|workflow| (policy, workflow)))
        .ok_or_else(|| Failure::new(ErrorCode::NotFound).saying(text::TASK_NOT_OFFERED))
}

/// The tasks in the order in which people need them, with their names in addresses.
const TASKS: [(WorkflowKind, &str); 7] = [
    (WorkflowKind::ForgotPassword, "forgot-password"),
    (WorkflowKind::UnlockAccount, "unlock-account"),
    (WorkflowKind::ManagePasswords, "change-password"),
    (WorkflowKind::Register, "register"),
    (WorkflowKind::ManageProfile, "manage-profile"),
    (WorkflowKind::UsePasscode, "use-passcode"),
    (WorkflowKind::Notifications, "my-notifications"),
];

/// One part of the bar that shows where one is.
struct Part {
    label: Key,
    done: bool,
    here: bool,
}

/// The bar for a plan of activities; `here` counts the name page as 0.
fn parts(plan: &[Activity], here: usize) -> Vec<Part> {
    let ends = |label| std::iter::once(Some(label));
    let labels = ends(Key("part-user-name")).chain(plan.iter().map(label)).chain(ends(Key("part-done")));
    let part = |(position, label): (usize, Option<Key>)| {
        Some(Part { label: label?, done: position < here, here: position == here })
    };
    labels.enumerate().filter_map(part).collect()
}

fn parts_of(run: &Run, ending: Option<Ending>) -> Vec<Part> {
    let end = run.activities.len().saturating_add(1);
    let here = if ending.is_some() { end } else { run.position.saturating_add(1).min(end) };
    parts(&run.activities, here)
}

/// What the bar says of an activity; nothing of one without a page.
fn label(activity: &Activity) -> Option<Key> {
    Some(match activity {
        Activity::AuthenticateWithPassword(_) => Key("part-password"),
        Activity::AuthenticateWithQuestions(_) => Key("part-questions"),
        Activity::AuthenticateWithPasscode(_) => Key("part-passcode"),
        Activity::EditProfile(_) => Key("part-questions"),
        Activity::ResetPassword(_) | Activity::ChangePassword(_) => Key("part-new-password"),
        Activity::UnlockAccount(_) => Key("part-unlock"),
        Activity::EnableAccount(_) => Key("part-enable"),
        Activity::AcceptAgreement(_) => Key("part-agreement"),
        Activity::Captcha(_) => Key("part-captcha"),
        Activity::AuthenticationMethods(_) => Key("part-methods"),
        Activity::AuthenticateWithMailCode(_) => Key("part-mail-code"),
        Activity::SubscribeToNotifications(_) => Key("part-notifications"),
        Activity::RestartOnError(_) => return None,
    })
}
