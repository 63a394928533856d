//! The workflow engine: (activities, progress, input) to the next step.
//!
//! Progress lives in a sealed cookie, so any node can take any step. A running workflow keeps the activities it began
//! with: the cookie names the revision of the configuration that they stand in. The policy's questions, rules and lockout
//! are read anew at each step, since a tightened lockout must hold at once. If the policy itself is gone, or the revision is
//! so old that it is not kept any more, the task must be started again.
//!
//! Invariants: the position moves on only when an activity passed; an action is reached only by a known user who
//! passed every activity before it; one state of the cookie stands for one ticket, so replaying it acts at most once.

mod rehearse;
mod session;
mod step;
mod ticket;
mod update;

pub(crate) use rehearse::{Trial, Tried, rehearse};
pub(crate) use session::{Plan, Progress, Subject, Within};
pub(crate) use step::{Ending, ProfileSlot, SlotKind, StepView, Verdict};
pub(crate) use ticket::{Deed, TicketEnd, carry_out, under_ticket};

use crate::activity;
use crate::app::App;
use crate::extract::Form;
use crate::limits::Origin;
use crate::notify::{Notice, Task};
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::UserRef;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::Directory;
use passquorum_domain::state::State;
use passquorum_domain::ticket::TicketKind;
use passquorum_domain::workflow::{Activity, EditProfile};
use std::sync::Arc;

/// What an activity works with.
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) progress: &'a Progress,
    pub(crate) origin: Origin,
    stage: &'a Stage,
}

/// What a run goes by at present.
pub(crate) struct Stage {
    config: Arc<RealmConfig>,
    activities: Vec<Activity>,
}

impl Stage {
    /// Reads it, linearizable.
    pub(crate) async fn of(app: &App, progress: &Progress) -> Result<Self, Failure> {
        let state = app.ports.current().await?;
        let config = state.config().cloned().ok_or(Rejection::NoRealm)?;
        let activities = match (activities(&state, progress), progress.ending) {
            (Some(activities), _) if progress.update => update::inserted(activities),
            (Some(activities), _) => activities,
            // How it ended is told all the same.
            (None, Some(_)) => Vec::new(),
            (None, None) => return Err(task_changed()),
        };
        Ok(Self { config, activities })
    }

    /// All of the run's activities.
    pub(crate) fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// The activity that the run is at, unless it is over.
    pub(crate) fn present(&self, progress: &Progress) -> Option<&Activity> {
        self.activities.get(progress.position).filter(|_| progress.ending.is_none())
    }

    /// Whether the person has passed a step that proves who they are. Changing a password proves it on its own page.
    pub(crate) fn has_proved(&self, progress: &Progress) -> bool {
        let proves =
            |activity: &Activity| activity.authenticates() || matches!(activity, Activity::ChangePassword(_));
        self.before(progress).iter().any(proves)
    }

    /// Whether something was done before the present step.
    fn has_acted(&self, progress: &Progress) -> bool {
        let before = self.before(progress).iter().enumerate();
        before.filter(|(place, _)| !progress.left_out.contains(place)).any(|(_, activity)| activity.acts())
    }

    fn before(&self, progress: &Progress) -> &[Activity] {
        self.activities.get(..progress.position).unwrap_or_default()
    }

    /// The progress at the next step that has a page; at the end of the run after the last.
    fn after(&self, mut progress: Progress) -> Progress {
        progress.within = Within::default();
        progress.position = step_from(&self.activities, progress.position.saturating_add(1));
        if progress.position >= self.activities.len() {
            progress.ending = Some(Ending::Done);
        }
        progress
    }

    /// The progress after something failed: at the first step, where the workflow wants that and it can help. A passcode that
    /// was taken is not asked for again, since it is spent.
    fn after_failure(&self, mut progress: Progress, failure: &Failure) -> Progress {
        let before = self.before(&progress);
        let restarts = before.iter().any(|activity| matches!(activity, Activity::RestartOnError(_)));
        if restarts && !ends_all(failure.code) {
            let passcode =
                before.iter().rposition(|activity| matches!(activity, Activity::AuthenticateWithPasscode(_)));
            progress.within = Within::default();
            progress.left_out.clear();
            progress.position =
                step_from(&self.activities, passcode.map_or(0, |place| place.saturating_add(1)));
            // Whoever proves themselves again is looked at again.
            progress.update &= passcode.is_some();
        }
        progress
    }

    /// The failure of a step after one that did something: the usual words would say that nothing was changed.
    fn told(&self, progress: &Progress, failure: Failure) -> Failure {
        let says_nothing_was_changed = matches!(
            failure.code,
            ErrorCode::NoQuorum
                | ErrorCode::NoVoter
                | ErrorCode::Busy
                | ErrorCode::DirectoryUnreachable
                | ErrorCode::DirectoryRefused
                | ErrorCode::ForeignValue
        );
        if says_nothing_was_changed && self.has_acted(progress) {
            failure.saying(text::STEP_NOT_DONE)
        } else {
            failure
        }
    }
}

/// The first activity from this place on that has a page.
pub(crate) fn step_from(activities: &[Activity], place: usize) -> usize {
    let marks = activities.iter().skip(place).take_while(|a| matches!(a, Activity::RestartOnError(_)));
    place.saturating_add(marks.count())
}

/// What no new beginning helps against: the person is locked out, or nothing can be reached.
fn ends_all(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Locked
            | ErrorCode::TooManyRequests
            | ErrorCode::DirectoryUnreachable
            | ErrorCode::NoQuorum
            | ErrorCode::NoVoter
            | ErrorCode::UnknownOutcome
    )
}

pub(crate) fn task_changed() -> Failure {
    Failure::new(ErrorCode::SessionExpired).saying(text::TASK_CHANGED)
}

/// The activities that a run began with; none when they are not kept any more.
fn activities(state: &State, progress: &Progress) -> Option<Vec<Activity>> {
    let (revision, workflow) = match &progress.plan {
        Plan::Carried { activities } => return Some(activities.clone()),
        Plan::Kept { revision, workflow } => (*revision, *workflow),
    };
    let present = state.config().filter(|config| config.revision == revision);
    let config = present.or_else(|| state.revision(revision).map(|kept| &kept.config))?;
    let workflows = &config.policy(progress.policy)?.workflows;
    workflows.iter().find(|kept| kept.id == workflow).map(|workflow| plan(&workflow.activities))
}

impl Context<'_> {
    /// The policy that serves the user, as it is now.
    pub(crate) fn policy(&self) -> Result<&ManagementPolicy, Failure> {
        self.stage.config.policy(self.progress.policy).ok_or_else(task_changed)
    }

    /// The user, when the typed name is one's.
    pub(crate) fn user(&self) -> Option<&UserRef> {
        match &self.progress.subject {
            Subject::User { user, .. } => Some(user),
            Subject::Nobody { .. } => None,
        }
    }

    /// The user, for an action: only a known user can have passed the activities before it.
    pub(crate) fn known_user(&self) -> Result<&UserRef, Failure> {
        self.user().ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
    }

    /// What counters and tickets are kept under.
    pub(crate) fn subject(&self) -> KeyedHash {
        self.progress.subject.hash()
    }

    /// How many steps before this one ask security questions.
    pub(crate) fn earlier_questions(&self) -> usize {
        let before = self.stage.before(self.progress);
        before.iter().filter(|activity| activity.asked_questions().is_some()).count()
    }

    /// The realm's configuration, as it is now.
    pub(crate) fn config(&self) -> &RealmConfig {
        &self.stage.config
    }

    /// Whether the person has passed a step that proves who they are.
    pub(crate) fn has_proved(&self) -> bool {
        self.stage.has_proved(self.progress)
    }

    /// Who and where from, for the audit.
    pub(crate) fn note(&self) -> String {
        format!("{:?} from {}", self.progress.typed, self.origin)
    }

    /// Who is to be told how what is done for a known user ends.
    fn notice(&self, action: TicketKind) -> Option<Notice> {
        let progress = self.progress;
        let task = Task {
            policy: self.stage.config.policy(progress.policy)?,
            action,
            kind: progress.kind,
            name: &progress.name,
            language: progress.language.as_ref(),
        };
        Notice::of(&self.stage.config, self.user()?, self.subject(), &task)
    }

    /// The user's domain.
    pub(crate) async fn directory(&self, user: &UserRef) -> Result<Arc<dyn Directory>, Failure> {
        Ok(self.app.ports.directories.open(user.connection).await?)
    }
}

/// Where a submitted step leads.
pub(crate) enum Moved {
    /// Another step, or the end.
    On(Progress),
    /// The same step again, with what is wrong.
    Again(Progress, Problems),
    /// A failure that used something up, so the progress must be kept with it.
    Failed(Progress, Failure),
}

/// What the present step shows. `form` is what was submitted, when the step is shown again.
pub(crate) async fn show(
    app: &App,
    stage: &Stage,
    progress: &Progress,
    origin: Origin,
    form: Option<&Form>,
) -> Result<StepView, Failure> {
    let context = Context { app, progress, origin, stage };
    activity::show(&context, present(stage, progress)?, form).await
}

/// Takes the present step with what was submitted.
pub(crate) async fn submit(
    app: &App,
    stage: &Stage,
    progress: &Progress,
    origin: Origin,
    form: &Form,
) -> Result<Moved, Failure> {
    let context = Context { app, progress, origin, stage };
    let verdict = match activity::run(&context, present(stage, progress)?, form).await {
        Ok(verdict) => verdict,
        Err(failure) => {
            let again = stage.after_failure(progress.clone(), &failure);
            let failure = stage.told(progress, failure);
            return if again.position == progress.position {
                Err(failure)
            } else {
                Ok(Moved::Failed(again, failure))
            };
        }
    };
    let mut next = progress.clone();
    Ok(match verdict {
        Verdict::Passed => {
            next.update |= update::is_due(&context).await;
            Moved::On(on(app, stage, next, origin).await)
        }
        Verdict::Acted => Moved::On(on(app, stage, next.with_next_ticket(), origin).await),
        Verdict::Stays(within) => {
            next.within = within;
            Moved::On(next)
        }
        Verdict::Again(problems) => Moved::Again(next, problems),
        Verdict::Refused(problems) => Moved::Again(next.with_next_ticket(), problems),
        Verdict::Failed(failure) => Moved::Failed(
            stage.after_failure(next.with_next_ticket(), &failure),
            stage.told(progress, failure),
        ),
        Verdict::Finished(ending) => {
            next.ending = Some(ending);
            Moved::On(next)
        }
    })
}

/// The progress after a step that was passed, past those that this person need not take.
async fn on(app: &App, stage: &Stage, progress: Progress, origin: Origin) -> Progress {
    let mut next = stage.after(progress);
    while let Some(Activity::EditProfile(EditProfile { only_when_out_of_date: true })) = stage.present(&next)
    {
        let context = Context { app, progress: &next, origin, stage };
        if !update::satisfies(&context).await {
            break;
        }
        next.left_out.push(next.position);
        next = stage.after(next);
    }
    next
}

fn present<'s>(stage: &'s Stage, progress: &Progress) -> Result<&'s Activity, Failure> {
    stage.present(progress).ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
}

/// The steps of an activity list. A password that is asked for only to be changed is asked for on that step's page: so it
/// need not be carried from one step to the next, and no cookie ever holds a password.
pub(crate) fn plan(activities: &[Activity]) -> Vec<Activity> {
    let changed_next = |position: usize| {
        let next_action = activities.iter().skip(position).find(|activity| activity.acts());
        matches!(next_action, Some(Activity::ChangePassword(_)))
    };
    let merged = |(position, activity): &(usize, &Activity)| {
        matches!(activity, Activity::AuthenticateWithPassword(_)) && changed_next(*position)
    };
    activities.iter().enumerate().filter(|item| !merged(item)).map(|(_, activity)| activity.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ids::WorkflowId;
    use passquorum_domain::workflow::{
        ChangePassword, EditProfile, PasswordAuthentication, Workflow, WorkflowKind,
    };

    #[test]
    fn the_current_password_is_asked_for_where_it_is_changed() {
        for workflow in Workflow::defaults(FeatureLevel::CURRENT, || WorkflowId(uuid::Uuid::nil())) {
            let plan = plan(&workflow.activities);
            if workflow.kind == WorkflowKind::ManagePasswords {
                assert_eq!(plan, vec![Activity::ChangePassword(ChangePassword {})]);
            } else {
                assert_eq!(plan, workflow.activities);
            }
        }
    }

    #[test]
    fn a_password_that_lets_somebody_do_something_else_first_is_asked_for_before_that() {
        let activities = vec![
            Activity::AuthenticateWithPassword(PasswordAuthentication {}),
            Activity::EditProfile(EditProfile::default()),
            Activity::ChangePassword(ChangePassword {}),
        ];
        assert_eq!(plan(&activities), activities);
    }
}
