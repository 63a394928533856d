//! The steps that a workflow may have, each with its settings. How people prove who they are stands in its own file.

use super::WorkflowProblem;
use super::authentication::{
    AuthenticationMethods, MailCodeAuthentication, PasscodeAuthentication, PasswordAuthentication,
    QuestionAuthentication,
};
use super::captcha::Captcha;
use super::notification::SubscribeToNotifications;
use crate::document;
use crate::feature_level::FeatureLevel;
use serde::{Deserialize, Serialize};

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
    /// Show that one is no robot.
    Captcha(Captcha),
    /// Prove who one is in one of several ways, whichever the user chooses.
    AuthenticationMethods(AuthenticationMethods),
    /// Prove who one is with a code that is sent by mail.
    AuthenticateWithMailCode(MailCodeAuthentication),
    /// Choose what one is told of by mail.
    SubscribeToNotifications(SubscribeToNotifications),
}

/// Settings of *Edit Q&A profile*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditProfile {
    /// Leave the step out for whoever has a profile that satisfies the policy.
    #[serde(default, with = "document::only", skip_serializing_if = "std::ops::Not::not")]
    pub only_when_out_of_date: bool,
}

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

/// Settings of *Display user agreement*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptAgreement {
    /// What is to be accepted: paragraphs, with an empty line between them; at most [`AcceptAgreement::MOST`] characters.
    /// An [`AgreementParameter`] in it is replaced when the text is shown, from the fourth feature level on.
    pub text: String,
}

impl AcceptAgreement {
    /// The longest text, in characters.
    pub const MOST: usize = 20_000;

    /// The text with a value in place of each parameter. A value that looks like a parameter stays as it is.
    #[must_use]
    pub fn filled(&self, value: impl Fn(AgreementParameter) -> String) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        while let Some((before, from)) = rest.find('#').map(|place| rest.split_at(place)) {
            out.push_str(before);
            let known = AgreementParameter::ALL.into_iter().find(|known| from.starts_with(known.name()));
            let taken = match known {
                Some(known) => {
                    out.push_str(&value(known));
                    known.name().len()
                }
                None => {
                    out.push('#');
                    1
                }
            };
            rest = from.get(taken..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }
}

/// What may stand in the text of an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgreementParameter {
    /// The name of the user's account.
    AccountName,
    /// The user's name as people write it.
    DisplayName,
    /// The name of the task.
    WorkflowName,
    /// The organisation.
    OrganisationName,
}

impl AgreementParameter {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AccountName, Self::DisplayName, Self::WorkflowName, Self::OrganisationName];

    /// How it stands in a text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountName => "#USER_ACCOUNT_NAME#",
            Self::DisplayName => "#USER_DISPLAY_NAME#",
            Self::WorkflowName => "#WORKFLOW_NAME#",
            Self::OrganisationName => "#ORGANISATION_NAME#",
        }
    }
}

/// Settings of *Restart workflow if error occurs*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartOnError {}

impl Activity {
    /// Whether it proves who the user is.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        matches!(
            self,
            Self::AuthenticateWithPassword(_)
                | Self::AuthenticateWithQuestions(_)
                | Self::AuthenticateWithPasscode(_)
                | Self::AuthenticationMethods(_)
                | Self::AuthenticateWithMailCode(_)
        )
    }

    /// Whether it does something for the user.
    #[must_use]
    pub fn acts(&self) -> bool {
        matches!(
            self,
            Self::EditProfile(_)
                | Self::ResetPassword(_)
                | Self::ChangePassword(_)
                | Self::UnlockAccount(_)
                | Self::EnableAccount(_)
                | Self::SubscribeToNotifications(_)
        )
    }

    /// Whether it may send mail to go on, so that the realm needs a server for that.
    #[must_use]
    pub fn needs_mail(&self) -> bool {
        match self {
            Self::AuthenticateWithMailCode(_) => true,
            Self::AuthenticationMethods(methods) => {
                methods.offered.iter().any(|method| method.activity().needs_mail())
            }
            _ => false,
        }
    }

    /// The security questions that it may ask.
    #[must_use]
    pub fn asked_questions(&self) -> Option<&QuestionAuthentication> {
        match self {
            Self::AuthenticateWithQuestions(settings) => Some(settings),
            Self::AuthenticationMethods(methods) => methods.asked_questions(),
            _ => None,
        }
    }

    /// What is wrong with its own settings.
    pub(super) fn problem(&self, position: usize) -> Option<WorkflowProblem> {
        let (right, problem) = match self {
            Self::AuthenticateWithQuestions(settings) => {
                (!settings.asks_nothing(), WorkflowProblem::AsksNothing(position))
            }
            Self::AcceptAgreement(AcceptAgreement { text }) => {
                let fits = !text.trim().is_empty() && text.chars().count() <= AcceptAgreement::MOST;
                (fits, WorkflowProblem::AgreementLength(position))
            }
            Self::Captcha(settings) => (settings.is_valid(), WorkflowProblem::CaptchaBounds(position)),
            Self::AuthenticateWithMailCode(settings) => {
                (settings.is_valid(), WorkflowProblem::MailCodeBounds(position))
            }
            Self::AuthenticationMethods(methods) if methods.is_valid() => {
                return methods.offered.iter().find_map(|method| method.activity().problem(position));
            }
            Self::AuthenticationMethods(_) => (false, WorkflowProblem::NoChoice(position)),
            Self::SubscribeToNotifications(settings) => {
                (!settings.offered.is_empty(), WorkflowProblem::NothingToTurnOff(position))
            }
            _ => return None,
        };
        (!right).then_some(problem)
    }

    /// The feature level from which on a workflow may have it so.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        match self {
            Self::AuthenticateWithQuestions(settings) => settings.needs(),
            Self::EditProfile(EditProfile { only_when_out_of_date: true })
            | Self::Captcha(_)
            | Self::AuthenticationMethods(_)
            | Self::AuthenticateWithMailCode(_)
            | Self::SubscribeToNotifications(_) => FeatureLevel::FOURTH,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_replaced_once_and_whatever_else_has_a_hash_stays() {
        let text = "#USER_ACCOUNT_NAME# of #ORGANISATION_NAME# (#1, #USER_X#, ##USER_DISPLAY_NAME##)";
        let filled = AcceptAgreement { text: text.into() }.filled(|parameter| match parameter {
            AgreementParameter::AccountName => "#USER_DISPLAY_NAME#".into(),
            other => format!("{other:?}"),
        });
        assert_eq!(filled, "#USER_DISPLAY_NAME# of OrganisationName (#1, #USER_X#, #DisplayName#)");
    }
}
