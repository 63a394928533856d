//! A workflow is data: an ordered list of typed activities with their settings, valid by construction.

use crate::document;
use crate::feature_level::FeatureLevel;
use crate::ids::{QuestionId, WorkflowId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// Enable the account.
    EnableAccount(EnableAccount),
    /// Prove who one is with a passcode of the helpdesk.
    AuthenticateWithPasscode(PasscodeAuthentication),
    /// Read a text and accept it.
    AcceptAgreement(AcceptAgreement),
    /// Lead back to the first step when a later one fails.
    RestartOnError(RestartOnError),
}

/// Settings of *Authenticate with password*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordAuthentication {}

/// Settings of *Authenticate with Q&A profile*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionAuthentication {
    /// Which of the profile's questions are asked.
    pub ask: AskedQuestions,
    /// Which sorts of question they are taken from; empty for any.
    #[serde(default, with = "document::only", skip_serializing_if = "BTreeSet::is_empty")]
    pub from: BTreeSet<QuestionSort>,
    /// What happens when the profile has fewer than are to be drawn.
    #[serde(default, with = "document::only", skip_serializing_if = "TooFew::is_default")]
    pub too_few: TooFew,
    /// Tell which answers were wrong. Whoever guesses can then guess them one by one.
    #[serde(default, with = "document::only", skip_serializing_if = "std::ops::Not::not")]
    pub name_wrong: bool,
}

/// Which of the profile's questions are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedQuestions {
    /// All of them.
    All,
    /// This many, drawn for each session.
    Random(u32),
    /// These of the list. Who has not answered one of them does not pass.
    These(Vec<QuestionId>),
}

/// A sort of question that a profile may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionSort {
    /// Everyone answers it.
    Mandatory,
    /// Picked from the list.
    Optional,
    /// Written by the user.
    Own,
}

/// What happens when a profile has fewer questions than are to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooFew {
    /// All that there are are asked.
    #[default]
    AskAll,
    /// Nobody passes with such a profile, until it is brought up to date.
    Refuse,
}

impl TooFew {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl QuestionAuthentication {
    /// Asks these of the profile's questions, of any sort.
    #[must_use]
    pub fn asking(ask: AskedQuestions) -> Self {
        Self { ask, from: BTreeSet::new(), too_few: TooFew::AskAll, name_wrong: false }
    }

    fn needs(&self) -> FeatureLevel {
        let came_later = matches!(self.ask, AskedQuestions::These(_))
            || !self.from.is_empty()
            || !self.too_few.is_default()
            || self.name_wrong;
        if came_later { FeatureLevel::THIRD } else { FeatureLevel::FIRST }
    }
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

/// Settings of *Enable account*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnableAccount {}

/// Settings of *Authenticate with passcode*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasscodeAuthentication {}

/// Settings of *Display user agreement*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptAgreement {
    /// What is to be accepted: paragraphs, with an empty line between them; at most [`AcceptAgreement::MOST`] characters.
    pub text: String,
}

impl AcceptAgreement {
    /// The longest text, in characters.
    pub const MOST: usize = 20_000;
}

/// Settings of *Restart workflow if error occurs*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartOnError {}

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
}

impl Activity {
    /// Whether it proves who the user is.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        matches!(
            self,
            Self::AuthenticateWithPassword(_)
                | Self::AuthenticateWithQuestions(_)
                | Self::AuthenticateWithPasscode(_)
        )
    }

    /// Whether it does something for the user, in the directory.
    #[must_use]
    pub fn acts(&self) -> bool {
        matches!(
            self,
            Self::EditProfile(_)
                | Self::ResetPassword(_)
                | Self::ChangePassword(_)
                | Self::UnlockAccount(_)
                | Self::EnableAccount(_)
        )
    }

    fn needs(&self) -> FeatureLevel {
        match self {
            Self::AuthenticateWithQuestions(settings) => settings.needs(),
            Self::AuthenticateWithPassword(_)
            | Self::EditProfile(_)
            | Self::ResetPassword(_)
            | Self::ChangePassword(_)
            | Self::UnlockAccount(_) => FeatureLevel::FIRST,
            Self::EnableAccount(_)
            | Self::AuthenticateWithPasscode(_)
            | Self::AcceptAgreement(_)
            | Self::RestartOnError(_) => FeatureLevel::THIRD,
        }
    }
}

impl Workflow {
    /// The feature level from which on it may be had. Up to the second one, programs know of one action in a workflow.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        let actions = self.activities.iter().filter(|activity| activity.acts()).count();
        if actions > 1 || self.kind == WorkflowKind::UsePasscode {
            return FeatureLevel::THIRD;
        }
        self.activities.iter().map(Activity::needs).max().unwrap_or(FeatureLevel::FIRST)
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
            match activity {
                Activity::AuthenticateWithPassword(_) => (authenticated, knows_password) = (true, true),
                Activity::AuthenticateWithPasscode(_) => authenticated = true,
                Activity::AuthenticateWithQuestions(settings) => {
                    match &settings.ask {
                        AskedQuestions::Random(0) => problems.push(WorkflowProblem::AsksNothing(position)),
                        AskedQuestions::These(list) if list.is_empty() => {
                            problems.push(WorkflowProblem::AsksNothing(position));
                        }
                        _ => {}
                    }
                    authenticated = true;
                }
                Activity::AcceptAgreement(AcceptAgreement { text }) => {
                    if text.trim().is_empty() || text.chars().count() > AcceptAgreement::MOST {
                        problems.push(WorkflowProblem::AgreementLength(position));
                    }
                }
                Activity::RestartOnError(_) => {
                    if !self.activities.iter().skip(position).any(Activity::acts) {
                        problems.push(WorkflowProblem::RestartsNothing(position));
                    }
                }
                action => {
                    if !authenticated {
                        problems.push(WorkflowProblem::ActsUnauthenticated(position));
                    }
                    if matches!(action, Activity::ChangePassword(_)) && !knows_password {
                        problems.push(WorkflowProblem::NeedsPassword(position));
                    }
                    if std::mem::replace(&mut acted, true) && level < FeatureLevel::THIRD {
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

    /// The default workflows that a realm at this level may have, with ids from `fresh`.
    pub fn defaults(level: FeatureLevel, mut fresh: impl FnMut() -> WorkflowId) -> Vec<Self> {
        let password = || Activity::AuthenticateWithPassword(PasswordAuthentication {});
        let questions =
            || Activity::AuthenticateWithQuestions(QuestionAuthentication::asking(AskedQuestions::All));
        let edit = || Activity::EditProfile(EditProfile {});
        let mut workflow = |kind, name: &str, description: &str, activities| Self {
            id: fresh(),
            kind,
            name: name.to_owned(),
            description: description.to_owned(),
            enabled: true,
            activities,
        };
        let mut all = vec![
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
            workflow(
                WorkflowKind::UsePasscode,
                "I Have a Passcode",
                "Use the passcode that the helpdesk gave you, and choose new security questions.",
                vec![Activity::AuthenticateWithPasscode(PasscodeAuthentication {}), edit()],
            ),
        ];
        all.retain(|workflow| workflow.needs() <= level);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn defaults(level: FeatureLevel) -> Vec<Workflow> {
        Workflow::defaults(level, || WorkflowId(Uuid::nil()))
    }

    fn problems(activities: Vec<Activity>) -> Vec<WorkflowProblem> {
        Workflow { activities, ..defaults(FeatureLevel::FIRST).remove(0) }.problems(FeatureLevel::CURRENT)
    }

    fn questions(ask: AskedQuestions) -> Activity {
        Activity::AuthenticateWithQuestions(QuestionAuthentication::asking(ask))
    }

    #[test]
    fn the_default_workflows_are_valid_and_each_level_has_those_that_it_may_have() {
        for workflow in defaults(FeatureLevel::CURRENT) {
            assert_eq!(workflow.problems(FeatureLevel::CURRENT), Vec::new(), "{}", workflow.name);
        }
        let passcode = |level| defaults(level).iter().any(|w| w.kind == WorkflowKind::UsePasscode);
        assert_eq!(
            [FeatureLevel::FIRST, FeatureLevel::SECOND, FeatureLevel::THIRD].map(passcode),
            [false, false, true]
        );
        assert_eq!(defaults(FeatureLevel::FIRST).len(), 5);
    }

    #[test]
    fn an_action_without_authentication_is_refused() {
        let reset = || Activity::ResetPassword(ResetPassword { unlock: true, must_change: false });
        let agreement = |text: &str| Activity::AcceptAgreement(AcceptAgreement { text: text.into() });
        assert_eq!(problems(vec![reset()]), [WorkflowProblem::ActsUnauthenticated(1)]);
        assert_eq!(
            problems(vec![agreement("Read this."), reset()]),
            [WorkflowProblem::ActsUnauthenticated(2)]
        );
        for nothing in [AskedQuestions::Random(0), AskedQuestions::These(Vec::new())] {
            let problems = problems(vec![questions(nothing)]);
            assert_eq!(problems, [WorkflowProblem::AsksNothing(1), WorkflowProblem::NoAction]);
        }
        let empty = problems(vec![agreement(" "), questions(AskedQuestions::All), reset()]);
        assert_eq!(empty, [WorkflowProblem::AgreementLength(1)]);
    }

    #[test]
    fn changing_a_password_needs_the_old_one() {
        let change = Activity::ChangePassword(ChangePassword {});
        assert_eq!(
            problems(vec![questions(AskedQuestions::All), change]),
            [WorkflowProblem::NeedsPassword(2)]
        );
    }

    #[test]
    fn a_way_back_stands_before_what_may_fail() {
        let (back, unlock) =
            (Activity::RestartOnError(RestartOnError {}), Activity::UnlockAccount(UnlockAccount {}));
        let asks = questions(AskedQuestions::All);
        assert_eq!(problems(vec![asks.clone(), back.clone(), unlock.clone()]), []);
        assert_eq!(problems(vec![asks, unlock, back]), [WorkflowProblem::RestartsNothing(3)]);
    }

    #[test]
    fn what_programs_of_the_second_level_do_not_know_needs_the_third() {
        let of = |activities| Workflow { activities, ..defaults(FeatureLevel::FIRST).remove(0) }.needs();
        let unlock = || Activity::UnlockAccount(UnlockAccount {});
        let enable = Activity::EnableAccount(EnableAccount {});
        let draw = |ask| QuestionAuthentication::asking(ask);
        assert_eq!(of(vec![questions(AskedQuestions::Random(2)), unlock()]), FeatureLevel::FIRST);
        let later = [
            vec![questions(AskedQuestions::All), unlock(), unlock()],
            vec![questions(AskedQuestions::All), enable],
            vec![questions(AskedQuestions::These(vec![QuestionId(Uuid::nil())])), unlock()],
            vec![
                Activity::AuthenticateWithQuestions(QuestionAuthentication {
                    name_wrong: true,
                    ..draw(AskedQuestions::All)
                }),
                unlock(),
            ],
        ];
        for activities in later {
            assert_eq!(of(activities.clone()), FeatureLevel::THIRD, "{activities:?}");
        }
        let two = Workflow {
            activities: vec![questions(AskedQuestions::All), unlock(), unlock()],
            ..defaults(FeatureLevel::FIRST).remove(0)
        };
        let at = [FeatureLevel::SECOND, FeatureLevel::THIRD].map(|level| two.problems(level));
        assert_eq!(at, [vec![WorkflowProblem::SecondAction(3)], vec![]]);
    }
}
