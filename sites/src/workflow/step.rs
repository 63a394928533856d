//! What a step shows, and how taking it ends.

use crate::page_error::Failure;
use crate::view::Problems;
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::qa::Question;
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
