//! A workflow tried on a person without doing any of it: what each step would show them, whether they could come past it,
//! and what it would do. The directory is read and nothing else; no attempt is counted, no ticket opened.

use super::{Context, Plan, Progress, Stage, StepView, Subject, Within, plan, update};
use crate::activity;
use crate::app::App;
use crate::limits::Origin;
use crate::page_error::Failure;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::directory::UserRef;
use passquorum_domain::ids::{KeyedHash, PolicyId};
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::workflow::{Activity, EditProfile, Workflow};
use std::sync::Arc;

/// One activity of the trial.
pub(crate) struct Tried {
    pub(crate) activity: Activity,
    /// Whether the person would come to it.
    pub(crate) reached: bool,
    /// Whether it is left out for them, since they need not take it.
    pub(crate) left_out: bool,
    /// What it would show them; nothing of one without a page.
    pub(crate) view: Option<Result<StepView, Failure>>,
    /// Why they could not come past it, whatever they give.
    pub(crate) obstacle: Option<String>,
}

/// Whom a workflow is tried on, and by whom.
pub(crate) struct Trial<'a> {
    /// The configuration as it would be.
    pub(crate) config: Arc<RealmConfig>,
    pub(crate) policy: PolicyId,
    pub(crate) workflow: &'a Workflow,
    pub(crate) user: &'a UserRef,
    pub(crate) subject: KeyedHash,
    /// The name as typed.
    pub(crate) typed: String,
    /// Where the administrator comes from.
    pub(crate) origin: Origin,
    /// Whether they can begin at all.
    pub(crate) begins: bool,
}

/// Tries every activity in turn.
pub(crate) async fn rehearse(app: &App, trial: Trial<'_>) -> Result<Vec<Tried>, Failure> {
    let ports = &app.ports;
    let activities = plan(&trial.workflow.activities);
    let mut progress = Progress {
        run: fresh_uuid(&*ports.entropy),
        expires: ports.now().plus(trial.config.general.session),
        policy: trial.policy,
        kind: trial.workflow.kind,
        name: trial.workflow.name.clone(),
        plan: Plan::Carried { activities: activities.clone() },
        subject: Subject::User { user: trial.user.clone(), hash: trial.subject },
        typed: trial.typed,
        position: 0,
        tickets: 0,
        ending: None,
        language: None,
        update: false,
        within: Within::default(),
        left_out: Vec::new(),
    };
    let mut stage = Stage { config: trial.config, activities };
    let mut tried = Vec::new();
    let mut reached = trial.begins;
    while let Some(activity) = stage.present(&progress).cloned() {
        let context = Context { app, progress: &progress, origin: trial.origin, stage: &stage };
        let only_if_needed = Activity::EditProfile(EditProfile { only_when_out_of_date: true });
        if activity == only_if_needed && update::satisfies(&context).await {
            tried.push(Tried { activity, reached, left_out: true, view: None, obstacle: None });
            progress.left_out.push(progress.position);
            progress.position = progress.position.saturating_add(1);
            continue;
        }
        // All of these read and no more: what is counted, sent or changed is so when a step is taken.
        let view = match &activity {
            Activity::RestartOnError(_) => None,
            shown => Some(activity::show(&context, shown, None).await),
        };
        let obstacle = match &view {
            Some(Err(failure)) => Some(failure.what().to_string()),
            _ => activity::obstacle(&context, &activity).await?.map(str::to_owned),
        };
        let passes = obstacle.is_none();
        if passes && !progress.update && update::is_due(&context).await {
            stage.activities = update::inserted(stage.activities);
            progress.update = true;
        }
        tried.push(Tried { activity, reached, left_out: false, view, obstacle });
        reached &= passes;
        progress.position = progress.position.saturating_add(1);
    }
    Ok(tried)
}
