//! A workflow is data: an ordered list of typed activities with their settings, valid by construction.

mod activity;
mod authentication;
mod captcha;
mod defaults;
mod notification;

pub use activity::*;
pub use authentication::*;
pub use captcha::*;
pub use notification::*;

use crate::document;
use crate::feature_level::FeatureLevel;
use crate::ids::WorkflowId;
use serde::{Deserialize, Serialize};

/// The workflows that come with the product, and custom ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkflowKind {
    /// Register a Q&A profile.
    Register,
    /// Change the Q&A profile.
    ManageProfile,
    /// Set a new password without the old one.
    ForgotPassword,
    /// Change the password with the old one.
    ManagePasswords,
    /// Unlock the account.
    UnlockAccount,
    /// One that an administrator composed.
    Custom,
    /// Register the Q&A profile anew with a passcode of the helpdesk.
    UsePasscode,
    /// Choose what one is told of by mail.
    Notifications,
}

/// A workflow of a management policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its id.
    pub id: WorkflowId,
    /// Which one.
    pub kind: WorkflowKind,
    /// The name people see; at most 100 characters.
    pub name: String,
    /// What it does, for people; at most 500 characters.
    pub description: String,
    /// Whether it can be started.
    pub enabled: bool,
    /// Keep it off the front page; whoever has its address can start it.
    #[serde(default, with = "document::only", skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The steps.
    pub activities: Vec<Activity>,
}

/// Why an activity list was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowProblem {
    /// No steps.
    #[error("it has no activities")]
    Empty,
    /// An action before the user has proved who they are.
    #[error("activity {0} acts before the user is authenticated")]
    ActsUnauthenticated(usize),
    /// The old password is needed by a step, but no step asks for it.
    #[error("activity {0} needs the current password, which no earlier activity asks for")]
    NeedsPassword(usize),
    /// Nothing is done.
    #[error("no activity does anything for the user")]
    NoAction,
    /// More than one activity that does something, below the level that allows it.
    #[error("activity {0} is a second action; a workflow has one")]
    SecondAction(usize),
    /// A text to accept that is empty or too long.
    #[error("the agreement of activity {0} needs a text of 1 to 20000 characters")]
    AgreementLength(usize),
    /// A way back that stands at the end, where nothing can fail any more.
    #[error("activity {0} restarts on an error of what comes after it, but nothing does")]
    RestartsNothing(usize),
    /// A random draw of no question.
    #[error("activity {0} asks no question")]
    AsksNothing(usize),
    /// A proof of work or a pause out of its bounds.
    #[error("the CAPTCHA of activity {0} needs a difficulty of 8 to 22 bits and a pause of at most a minute")]
    CaptchaBounds(usize),
    /// No choice, or the same twice.
    #[error("activity {0} needs at least two different methods to choose from")]
    NoChoice(usize),
    /// A code that is too short or too long, or good for too long.
    #[error("the code of activity {0} needs 6 to 10 digits and a life of 1 to 30 minutes")]
    MailCodeBounds(usize),
    /// Nothing to choose.
    #[error("activity {0} offers nothing that the user could turn off")]
    NothingToTurnOff(usize),
}

impl Workflow {
    /// The feature level from which on it may be had. Up to the second one, programs know of one action in a workflow.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        if self.hidden || self.kind == WorkflowKind::Notifications {
            return FeatureLevel::FOURTH;
        }
        let actions = self.activities.iter().filter(|activity| activity.acts()).count();
        let of_all = if actions > 1 || self.kind == WorkflowKind::UsePasscode {
            FeatureLevel::THIRD
        } else {
            FeatureLevel::FIRST
        };
        self.activities.iter().map(Activity::needs).fold(of_all, FeatureLevel::max)
    }

    /// All that is wrong with the activity list by the rules of a feature level.
    #[must_use]
    pub fn problems(&self, level: FeatureLevel) -> Vec<WorkflowProblem> {
        let mut problems = Vec::new();
        if self.activities.is_empty() {
            problems.push(WorkflowProblem::Empty);
        }
        let (mut authenticated, mut knows_password, mut acted) = (false, false, false);
        for (position, activity) in (1..).zip(&self.activities) {
            problems.extend(activity.problem(position));
            knows_password |= matches!(activity, Activity::AuthenticateWithPassword(_));
            authenticated |= activity.authenticates();
            if matches!(activity, Activity::RestartOnError(_))
                && !self.activities.iter().skip(position).any(Activity::acts)
            {
                problems.push(WorkflowProblem::RestartsNothing(position));
            }
            if activity.acts() {
                if !authenticated {
                    problems.push(WorkflowProblem::ActsUnauthenticated(position));
                }
                if matches!(activity, Activity::ChangePassword(_)) && !knows_password {
                    problems.push(WorkflowProblem::NeedsPassword(position));
                }
                if std::mem::replace(&mut acted, true) && level < FeatureLevel::THIRD {
                    problems.push(WorkflowProblem::SecondAction(position));
                }
            }
        }
        if !self.activities.is_empty() && !acted {
            problems.push(WorkflowProblem::NoAction);
        }
        problems
    }
}

#[cfg(test)]
mod tests;
