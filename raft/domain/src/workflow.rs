//! A workflow is data: an ordered list of typed activities with their settings, valid by construction.

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
}

/// One step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// Prove who one is with the current directory password.
    AuthenticateWithPassword(PasswordAuthentication),
    /// Prove who one is with security questions.
    AuthenticateWithQuestions(QuestionAuthentication),
    /// Write the Q&A profile.
    EditProfile(EditProfile),
    /// Set a new password without the old one.
    ResetPassword(ResetPassword),
    /// Change the password with the old one.
    ChangePassword(ChangePassword),
    /// Unlock the account.
    UnlockAccount(UnlockAccount),
}

/// Settings of *Authenticate with password*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordAuthentication {}

/// Settings of *Authenticate with Q&A profile*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionAuthentication {
    /// Which of the profile's questions are asked.
    pub ask: AskedQuestions,
}

/// Which of the profile's questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedQuestions {
    /// All of them.
    All,
    /// This many, drawn for each session.
    Random(u32),
}

/// Settings of *Edit Q&A profile*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditProfile {}

/// Settings of *Reset password*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// Also unlock an account that the domain has locked.
    pub unlock: bool,
    /// The user must change it again at next logon.
    pub must_change: bool,
}

/// Settings of *Change password*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {}

/// Settings of *Unlock account*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockAccount {}

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
    /// More than one activity that does something, which one ticket could not cover.
    #[error("activity {0} is a second action; a workflow has one")]
    SecondAction(usize),
    /// A random draw of no question.
    #[error("activity {0} asks no question")]
    AsksNothing(usize),
}

impl Activity {
    /// Whether it proves who the user is.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        matches!(self, Self::AuthenticateWithPassword(_) | Self::AuthenticateWithQuestions(_))
    }
}

impl Workflow {
    /// All that is wrong with the activity list.
    #[must_use]
    pub fn problems(&self) -> Vec<WorkflowProblem> {
        let mut problems = Vec::new();
        if self.activities.is_empty() {
            problems.push(WorkflowProblem::Empty);
        }
        let (mut authenticated, mut knows_password, mut acted) = (false, false, false);
        for (position, activity) in (1..).zip(&self.activities) {
            match activity {
                Activity::AuthenticateWithPassword(_) => (authenticated, knows_password) = (true, true),
                Activity::AuthenticateWithQuestions(settings) => {
                    if settings.ask == AskedQuestions::Random(0) {
                        problems.push(WorkflowProblem::AsksNothing(position));
                    }
                    authenticated = true;
                }
                action => {
                    if !authenticated {
                        problems.push(WorkflowProblem::ActsUnauthenticated(position));
                    }
                    if matches!(action, Activity::ChangePassword(_)) && !knows_password {
                        problems.push(WorkflowProblem::NeedsPassword(position));
                    }
                    if std::mem::replace(&mut acted, true) {
                        problems.push(WorkflowProblem::SecondAction(position));
                    }
                }
            }
        }
        if !self.activities.is_empty() && !acted {
            problems.push(WorkflowProblem::NoAction);
        }
        problems
    }

    /// The five default workflows, with ids from `fresh`.
    pub fn defaults(mut fresh: impl FnMut() -> WorkflowId) -> Vec<Self> {
        let password = || Activity::AuthenticateWithPassword(PasswordAuthentication {});
        let questions =
            || Activity::AuthenticateWithQuestions(QuestionAuthentication { ask: AskedQuestions::All });
        let edit = || Activity::EditProfile(EditProfile {});
        let mut workflow = |kind, name: &str, description: &str, activities| Self {
            id: fresh(),
            kind,
            name: name.to_owned(),
            description: description.to_owned(),
            enabled: true,
            activities,
        };
        vec![
            workflow(
                WorkflowKind::ForgotPassword,
                "Forgot My Password",
                "Answer your security questions and choose a new password.",
                vec![
                    questions(),
                    Activity::ResetPassword(ResetPassword { unlock: true, must_change: false }),
                ],
            ),
            workflow(
                WorkflowKind::UnlockAccount,
                "Unlock My Account",
                "Answer your security questions and unlock your account. Your password stays.",
                vec![questions(), Activity::UnlockAccount(UnlockAccount {})],
            ),
            workflow(
                WorkflowKind::ManagePasswords,
                "Manage My Passwords",
                "Change a password that you still know.",
                vec![password(), Activity::ChangePassword(ChangePassword {})],
            ),
            workflow(
                WorkflowKind::Register,
                "Register",
                "Choose security questions, so that you can help yourself later.",
                vec![password(), edit()],
            ),
            workflow(
                WorkflowKind::ManageProfile,
                "Manage My Profile",
                "Change your security questions and answers.",
                vec![password(), edit()],
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_default_workflows_are_valid() {
        for workflow in Workflow::defaults(|| WorkflowId(Uuid::nil())) {
            assert_eq!(workflow.problems(), Vec::new(), "{}", workflow.name);
        }
    }

    #[test]
    fn an_action_without_authentication_is_refused() {
        let mut workflow = Workflow::defaults(|| WorkflowId(Uuid::nil())).remove(0);
        workflow.activities.remove(0);
        assert_eq!(workflow.problems(), vec![WorkflowProblem::ActsUnauthenticated(1)]);
        workflow.activities = vec![Activity::AuthenticateWithQuestions(QuestionAuthentication {
            ask: AskedQuestions::Random(0),
        })];
        assert_eq!(workflow.problems(), vec![WorkflowProblem::AsksNothing(1), WorkflowProblem::NoAction]);
    }

    #[test]
    fn changing_a_password_needs_the_old_one() {
        let mut workflow = Workflow::defaults(|| WorkflowId(Uuid::nil())).remove(0);
        workflow.activities.pop();
        workflow.activities.push(Activity::ChangePassword(ChangePassword {}));
        assert_eq!(workflow.problems(), vec![WorkflowProblem::NeedsPassword(2)]);
    }
}
