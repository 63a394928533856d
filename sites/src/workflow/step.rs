//! What a step shows, and how taking it ends.

use super::Within;
use crate::page_error::Failure;
use crate::view::Problems;
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::qa::Question;
use passquorum_domain::workflow::{AuthenticationMethod, NotificationEvent};
use serde::{Deserialize, Serialize};

/// What a step asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum StepView {
    /// Answers to these questions.
    Questions {
        /// Their texts.
        texts: Vec<String>,
    },
    /// The present password.
    Password,
    /// Security questions to register.
    Profile {
        /// What is to be filled in.
        slots: Vec<ProfileSlot>,
        /// Fewest characters of an answer.
        min_answer: u32,
        /// Fewest characters of an own question.
        min_question: u32,
    },
    /// A new password.
    NewPassword {
        /// Whether the present one is asked for too.
        ask_current: bool,
        /// What it must meet.
        rules: Vec<PasswordRule>,
        /// Names it must not hold, when they may be shown.
        names: Vec<String>,
    },
    /// A confirmation that the account be unlocked.
    Unlock,
    /// A confirmation that the account be enabled.
    Enable,
    /// A passcode of the helpdesk.
    Passcode,
    /// A text to accept.
    Agreement {
        /// Its paragraphs.
        paragraphs: Vec<String>,
    },
    /// Work for the browser, or a question.
    Captcha {
        /// What the work is about.
        challenge: String,
        /// How many zero bits are to be found.
        bits: u8,
        /// What is to be added up.
        terms: (u8, u8),
        /// How many seconds an answer takes at least.
        pause: u32,
    },
    /// A choice of ways to prove who one is.
    Methods {
        /// In order; the first is chosen at first.
        offered: Vec<AuthenticationMethod>,
    },
    /// What one of several ways asks for; another one may be chosen.
    Chosen(Box<Self>),
    /// A code that goes by mail.
    MailCode {
        /// Where to, in part.
        to: String,
        /// Whether it is under way.
        sent: bool,
        /// How many digits it has.
        digits: u8,
        /// How many minutes it is good for.
        minutes: u64,
    },
    /// What to be told of by mail.
    Notifications {
        /// What may be turned off, and whether it is on.
        offered: Vec<(NotificationEvent, bool)>,
        /// What everyone is told of.
        always: Vec<NotificationEvent>,
    },
}

/// One question and answer of the registration form.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProfileSlot {
    /// Where the question comes from.
    pub(crate) kind: SlotKind,
    /// The question chosen or written so far: an id or a text.
    pub(crate) chosen: String,
    /// Whether the helpdesk may be shown the answer.
    #[serde(default)]
    pub(crate) is_kept: bool,
}

/// Where a slot's question comes from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum SlotKind {
    /// Given.
    Mandatory(Question),
    /// Picked from these.
    Optional(Vec<Question>),
    /// Written by the user.
    Own,
}

/// How taking a step ended.
pub(crate) enum Verdict {
    /// The person has proved who they are, or agreed; on to the next activity.
    Passed,
    /// The same activity goes on with another page.
    Stays(Within),
    /// The directory did what was asked, under a ticket, which is used up; on to the next activity.
    Acted,
    /// Something is wrong with the input; the same step again.
    Again(Problems),
    /// The directory refused the input under a ticket, which is used up; the same step again with another one.
    Refused(Problems),
    /// The ticket is used up and nothing was done.
    Failed(Failure),
    /// The task is over before its end.
    Finished(Ending),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    /// Done.
    Done,
    /// Sent to the directory, but no answer came.
    Unknown,
}
