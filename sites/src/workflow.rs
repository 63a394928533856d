//! The workflow engine: (activities, progress, input) to the next step.
//!
//! Progress lives in a sealed cookie, so any node can take any step. A running workflow keeps the activity list it
//! began with, which travels in the cookie; the policy's questions, rules and lockout are read anew at each step,
//! since a tightened lockout must hold at once. If the policy itself is gone, the task must be started again.
//!
//! Invariants: the position moves on only when an activity passed; an action is reached only by a known user who
//! passed every activity before it; one state of the cookie stands for one ticket, so replaying it acts at most once.

mod session;
mod step;
mod ticket;

pub(crate) use session::{Progress, Subject};
pub(crate) use step::{Ending, ProfileSlot, SlotKind, StepView, Verdict};
pub(crate) use ticket::{TicketEnd, under_ticket};

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
use passquorum_domain::ports::Directory;
use passquorum_domain::workflow::Activity;
use std::sync::Arc;

/// What an activity works with.
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) progress: &'a Progress,
    pub(crate) origin: Origin,
    config: Arc<RealmConfig>,
}

impl Context<'_> {
    /// The policy that serves the user, as it is now.
    pub(crate) fn policy(&self) -> Result<&ManagementPolicy, Failure> {
        self.config
            .policy(self.progress.policy)
            .ok_or_else(|| Failure::new(ErrorCode::SessionExpired).saying(text::TASK_CHANGED))
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

    /// Who and where from, for the audit.
    pub(crate) fn note(&self) -> String {
        format!("{:?} from {}", self.progress.typed, self.origin)
    }

    /// Who is to be told how the task of a known user ends.
    pub(crate) fn notice(&self) -> Option<Notice> {
        let progress = self.progress;
        let task = Task {
            policy: self.config.policy(progress.policy)?.notices,
            kind: progress.kind,
            name: &progress.name,
            language: progress.language.as_ref(),
        };
        Notice::of(&self.config, self.user()?, self.subject(), &task)
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
    progress: &Progress,
    origin: Origin,
    form: Option<&Form>,
) -> Result<StepView, Failure> {
    let context = Context { app, progress, origin, config: app.ports.current_config().await? };
    activity::show(&context, present(progress)?, form).await
}

/// Takes the present step with what was submitted.
pub(crate) async fn submit(
    app: &App,
    progress: &Progress,
    origin: Origin,
    form: &Form,
) -> Result<Moved, Failure> {
    let context = Context { app, progress, origin, config: app.ports.current_config().await? };
    let verdict = activity::run(&context, present(progress)?, form).await?;
    let mut next = progress.clone();
    Ok(match verdict {
        Verdict::Passed => {
            next.position = next.position.saturating_add(1);
            Moved::On(next)
        }
        Verdict::Again(problems) => Moved::Again(next, problems),
        Verdict::Refused(problems) => Moved::Again(next.with_next_ticket(), problems),
        Verdict::Failed(failure) => Moved::Failed(next.with_next_ticket(), failure),
        Verdict::Finished(ending) => {
            next.ending = Some(ending);
            Moved::On(next)
        }
    })
}

fn present(progress: &Progress) -> Result<&Activity, Failure> {
    progress.present().ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
}

/// The steps of an activity list. A password that a later step changes is asked for on that step's page: so it need
/// not be carried from one step to the next, and no cookie ever holds a password.
pub(crate) fn plan(activities: &[Activity]) -> Vec<Activity> {
    let changes_after = |position: usize| {
        activities.iter().skip(position).any(|activity| matches!(activity, Activity::ChangePassword(_)))
    };
    let merged = |(position, activity): &(usize, &Activity)| {
        matches!(activity, Activity::AuthenticateWithPassword(_)) && changes_after(*position)
    };
    activities.iter().enumerate().filter(|item| !merged(item)).map(|(_, activity)| activity.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::ids::WorkflowId;
    use passquorum_domain::workflow::{ChangePassword, Workflow, WorkflowKind};

    #[test]
    fn the_current_password_is_asked_for_where_it_is_changed() {
        for workflow in Workflow::defaults(|| WorkflowId(uuid::Uuid::nil())) {
            let plan = plan(&workflow.activities);
            if workflow.kind == WorkflowKind::ManagePasswords {
                assert_eq!(plan, vec![Activity::ChangePassword(ChangePassword {})]);
            } else {
                assert_eq!(plan, workflow.activities);
            }
        }
    }
}
