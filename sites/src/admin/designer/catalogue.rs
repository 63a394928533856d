//! The activities that a workflow may be made of: what each does, and its settings as a form and back. A new activity does
//! not compile until it is here.

use super::settings;
use crate::admin::fields::Fields;
use crate::admin::inputs::Input;
use passquorum_domain::qa::QaPolicy;
use passquorum_domain::workflow::{
    AcceptAgreement, Activity, AskedQuestions, AuthenticationMethod, AuthenticationMethods, Captcha,
    ChangePassword, EditProfile, EnableAccount, MailCodeAuthentication, PasscodeAuthentication,
    PasswordAuthentication, QuestionAuthentication, ResetPassword, RestartOnError, SubscribeToNotifications,
    UnlockAccount,
};

/// An activity without its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActivityKind {
    Questions,
    Password,
    Passcode,
    Agreement,
    Profile,
    Reset,
    Change,
    Unlock,
    Enable,
    Restart,
    Captcha,
    Methods,
    MailCode,
    Notifications,
}

impl ActivityKind {
    pub(super) const ALL: [Self; 14] = [
        Self::Questions,
        Self::Password,
        Self::MailCode,
        Self::Methods,
        Self::Passcode,
        Self::Reset,
        Self::Change,
        Self::Unlock,
        Self::Enable,
        Self::Profile,
        Self::Notifications,
        Self::Captcha,
        Self::Agreement,
        Self::Restart,
    ];

    pub(super) fn of(activity: &Activity) -> Self {
        match activity {
            Activity::AuthenticateWithPassword(_) => Self::Password,
            Activity::AuthenticateWithQuestions(_) => Self::Questions,
            Activity::AuthenticateWithPasscode(_) => Self::Passcode,
            Activity::EditProfile(_) => Self::Profile,
            Activity::ResetPassword(_) => Self::Reset,
            Activity::ChangePassword(_) => Self::Change,
            Activity::UnlockAccount(_) => Self::Unlock,
            Activity::EnableAccount(_) => Self::Enable,
            Activity::AcceptAgreement(_) => Self::Agreement,
            Activity::RestartOnError(_) => Self::Restart,
            Activity::Captcha(_) => Self::Captcha,
            Activity::AuthenticationMethods(_) => Self::Methods,
            Activity::AuthenticateWithMailCode(_) => Self::MailCode,
            Activity::SubscribeToNotifications(_) => Self::Notifications,
        }
    }

    /// What it is called in forms.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Password => "password",
            Self::Passcode => "passcode",
            Self::Agreement => "agreement",
            Self::Profile => "profile",
            Self::Reset => "reset",
            Self::Change => "change",
            Self::Unlock => "unlock",
            Self::Enable => "enable",
            Self::Restart => "restart",
            Self::Captcha => "captcha",
            Self::Methods => "methods",
            Self::MailCode => "mail-code",
            Self::Notifications => "notifications",
        }
    }

    pub(super) fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Questions => "Authenticate with Q&A profile",
            Self::Password => "Authenticate with password",
            Self::Passcode => "Authenticate with passcode",
            Self::Agreement => "Display user agreement",
            Self::Profile => "Edit Q&A profile",
            Self::Reset => "Reset password",
            Self::Change => "Change password",
            Self::Unlock => "Unlock account",
            Self::Enable => "Enable account",
            Self::Restart => "Restart workflow if an error occurs",
            Self::Captcha => "Display CAPTCHA",
            Self::Methods => "Authentication methods",
            Self::MailCode => "Authenticate with a code by mail",
            Self::Notifications => "Subscribe to notifications",
        }
    }

    /// One sentence on what it does.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Questions => "Asks security questions; wrong answers count towards the lockout.",
            Self::Password => "Asks for the domain password; wrong ones count towards the lockout.",
            Self::Passcode => "Asks for a passcode of the helpdesk, which this use spends.",
            Self::Agreement => "Shows a text and goes on once it is accepted.",
            Self::Profile => "Lets the user choose the security questions and answers anew.",
            Self::Reset => "Sets a new password without the old one.",
            Self::Change => "Changes the password; the present one is asked for on the same page.",
            Self::Unlock => "Unlocks an account that the domain has locked.",
            Self::Enable => "Enables a disabled account, whoever disabled it.",
            Self::Restart => "Leads back to the first step when something after it fails.",
            Self::Captcha => "Makes whoever goes on show that they are no robot; no third party is asked.",
            Self::Methods => "Lets the user choose one of several ways to prove who they are.",
            Self::MailCode => "Sends a code to the user's mail address and asks for it.",
            Self::Notifications => "Lets the user choose what they are told of by mail.",
        }
    }

    /// The activity as it is added: with the mildest settings.
    pub(super) fn blank(self) -> Activity {
        match self {
            Self::Questions => {
                Activity::AuthenticateWithQuestions(QuestionAuthentication::asking(AskedQuestions::All))
            }
            Self::Password => Activity::AuthenticateWithPassword(PasswordAuthentication {}),
            Self::Passcode => Activity::AuthenticateWithPasscode(PasscodeAuthentication {}),
            Self::Agreement => Activity::AcceptAgreement(AcceptAgreement { text: String::new() }),
            Self::Profile => Activity::EditProfile(EditProfile::default()),
            Self::Reset => Activity::ResetPassword(ResetPassword { unlock: true, must_change: false }),
            Self::Change => Activity::ChangePassword(ChangePassword {}),
            Self::Unlock => Activity::UnlockAccount(UnlockAccount {}),
            Self::Enable => Activity::EnableAccount(EnableAccount {}),
            Self::Restart => Activity::RestartOnError(RestartOnError {}),
            Self::Captcha => Activity::Captcha(Captcha::default()),
            Self::Methods => Activity::AuthenticationMethods(AuthenticationMethods {
                offered: vec![
                    AuthenticationMethod::Questions(QuestionAuthentication::asking(AskedQuestions::All)),
                    AuthenticationMethod::MailCode(MailCodeAuthentication::default()),
                ],
            }),
            Self::MailCode => Activity::AuthenticateWithMailCode(MailCodeAuthentication::default()),
            Self::Notifications => Activity::SubscribeToNotifications(SubscribeToNotifications::usual()),
        }
    }
}

/// An activity's settings as inputs whose names begin with `at`.
pub(super) fn inputs(at: &str, activity: &Activity, qa: &QaPolicy) -> Vec<Input> {
    match activity {
        Activity::AuthenticateWithQuestions(questions) => settings::question_inputs(at, questions, qa),
        Activity::AuthenticateWithMailCode(code) => settings::mail_code_inputs(at, *code),
        Activity::AuthenticationMethods(methods) => settings::method_inputs(at, methods, qa),
        Activity::SubscribeToNotifications(notifications) => settings::notification_inputs(at, notifications),
        Activity::ResetPassword(reset) => vec![
            Input::check(
                format!("{at}.unlock"),
                "Unlock the account too",
                "Otherwise an account that the domain has locked stays so until the domain lifts it.",
                reset.unlock,
            ),
            Input::check(
                format!("{at}.must_change"),
                "Demand another change at the next logon",
                "The new password then serves for one logon.",
                reset.must_change,
            ),
        ],
        Activity::EditProfile(edit) => vec![Input::check(
            format!("{at}.only_when_out_of_date"),
            "Only for whoever's profile does not satisfy the policy",
            "The others do not see this step.",
            edit.only_when_out_of_date,
        )],
        Activity::AcceptAgreement(agreement) => vec![Input::text(
            format!("{at}.text"),
            "Text to accept",
            "At most 20000 characters. An empty line begins a new paragraph. #USER_ACCOUNT_NAME#, #USER_DISPLAY_NAME#, #WORKFLOW_NAME# and #ORGANISATION_NAME# are replaced.",
            &agreement.text,
        )],
        Activity::Captcha(captcha) => vec![
            Input::number(
                format!("{at}.difficulty"),
                "Difficulty (bits)",
                "8 to 22. Each more doubles the work of the browser; 16 is not noticed, 22 takes a slow phone half a minute.",
                captcha.difficulty,
            ),
            Input::number(
                format!("{at}.pause"),
                "Pause without a script (seconds)",
                "Whoever answers a question instead waits so long; at most 60.",
                captcha.pause.0 / 1000,
            ),
        ],
        Activity::AuthenticateWithPassword(PasswordAuthentication {})
        | Activity::AuthenticateWithPasscode(PasscodeAuthentication {})
        | Activity::ChangePassword(ChangePassword {})
        | Activity::UnlockAccount(UnlockAccount {})
        | Activity::EnableAccount(EnableAccount {})
        | Activity::RestartOnError(RestartOnError {}) => Vec::new(),
    }
}

/// Reads [`inputs`] back.
pub(super) fn read(fields: &mut Fields, at: &str, kind: ActivityKind) -> Activity {
    match kind.blank() {
        Activity::AuthenticateWithQuestions(_) => {
            Activity::AuthenticateWithQuestions(settings::read_questions(fields, at))
        }
        Activity::AuthenticateWithMailCode(_) => {
            Activity::AuthenticateWithMailCode(settings::read_mail_code(fields, at))
        }
        Activity::AuthenticationMethods(_) => {
            Activity::AuthenticationMethods(settings::read_methods(fields, at))
        }
        Activity::SubscribeToNotifications(_) => {
            Activity::SubscribeToNotifications(settings::read_notifications(fields, at))
        }
        Activity::ResetPassword(_) => Activity::ResetPassword(ResetPassword {
            unlock: fields.is_checked(&format!("{at}.unlock")),
            must_change: fields.is_checked(&format!("{at}.must_change")),
        }),
        Activity::EditProfile(_) => Activity::EditProfile(EditProfile {
            only_when_out_of_date: fields.is_checked(&format!("{at}.only_when_out_of_date")),
        }),
        Activity::AcceptAgreement(_) => Activity::AcceptAgreement(AcceptAgreement {
            text: fields.text(&format!("{at}.text")).replace("\r\n", "\n"),
        }),
        Activity::Captcha(usual) => Activity::Captcha(Captcha {
            difficulty: fields.number(&format!("{at}.difficulty"), usual.difficulty),
            pause: fields.seconds(&format!("{at}.pause"), usual.pause),
        }),
        without_settings @ (Activity::AuthenticateWithPassword(_)
        | Activity::AuthenticateWithPasscode(_)
        | Activity::ChangePassword(_)
        | Activity::UnlockAccount(_)
        | Activity::EnableAccount(_)
        | Activity::RestartOnError(_)) => without_settings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::inputs::{Section, posted};
    use passquorum_domain::ids::QuestionId;
    use passquorum_domain::qa::{Question, QuestionKind};
    use passquorum_domain::time::Span;
    use passquorum_domain::workflow::{NotificationEvent, QuestionSort, TooFew};
    use uuid::Uuid;

    fn qa() -> QaPolicy {
        let question = |id| Question {
            id: QuestionId(Uuid::from_u128(id)),
            kind: QuestionKind::Mandatory,
            text: format!("Question {id}?"),
        };
        QaPolicy {
            questions: vec![question(1), question(2), question(3)],
            optional_to_register: 0,
            user_defined_to_register: 0,
            min_question_length: 1,
            min_answer_length: 1,
            reject_same_answer: false,
            reject_answer_in_question: false,
            keep_mandatory_answers: false,
        }
    }

    #[test]
    fn every_activity_has_words_and_a_key_of_its_own() {
        for kind in ActivityKind::ALL {
            assert_eq!(ActivityKind::of(&kind.blank()), kind);
            assert_eq!(ActivityKind::parse(kind.key()), Some(kind));
            assert!(kind.about().ends_with('.') && !kind.label().is_empty(), "{kind:?}");
        }
        let sentences: std::collections::BTreeSet<_> = ActivityKind::ALL.map(ActivityKind::about).into();
        assert_eq!(sentences.len(), ActivityKind::ALL.len());
    }

    #[test]
    fn settings_that_are_sent_back_untouched_are_the_same() {
        let id = |id| QuestionId(Uuid::from_u128(id));
        let asks = |ask, from: &[QuestionSort], too_few, name_wrong| {
            let from = from.iter().copied().collect();
            QuestionAuthentication { ask, from, too_few, name_wrong }
        };
        let mut activities: Vec<_> = ActivityKind::ALL.map(ActivityKind::blank).into();
        activities.extend([
            Activity::AuthenticateWithQuestions(asks(
                AskedQuestions::Random(7),
                &[QuestionSort::Own],
                TooFew::Refuse,
                false,
            )),
            Activity::AuthenticateWithQuestions(asks(
                AskedQuestions::These(vec![id(3), id(1)]),
                &[],
                TooFew::AskAll,
                true,
            )),
            Activity::AuthenticationMethods(AuthenticationMethods {
                offered: vec![
                    AuthenticationMethod::Password(PasswordAuthentication {}),
                    AuthenticationMethod::MailCode(MailCodeAuthentication {
                        digits: 9,
                        life: Span::minutes(2),
                    }),
                    AuthenticationMethod::Questions(asks(
                        AskedQuestions::Random(1),
                        &[],
                        TooFew::AskAll,
                        true,
                    )),
                ],
            }),
            Activity::EditProfile(EditProfile { only_when_out_of_date: true }),
            Activity::Captcha(Captcha { difficulty: 20, pause: Span(9_000) }),
            Activity::SubscribeToNotifications(SubscribeToNotifications {
                offered: [NotificationEvent::Helpdesk].into(),
            }),
            Activity::ResetPassword(ResetPassword { unlock: false, must_change: true }),
            Activity::AcceptAgreement(AcceptAgreement { text: "One.\n\nTwo.".into() }),
        ]);
        for activity in activities {
            let sections = [Section::new("", "", inputs("a.0", &activity, &qa()))];
            let mut fields = posted(&sections);
            assert_eq!(read(&mut fields, "a.0", ActivityKind::of(&activity)), activity);
            assert!(fields.take_problems().is_empty());
        }
    }
}
