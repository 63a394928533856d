//! What pages say beside their own templates: failures and field messages, in plain language for the visitor.

use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::qa::ProfileProblem;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::workflow::NotificationEvent;

pub(crate) const NODE_HOLDS_NO_KEY: &str =
    "This server has not received the keys it needs yet, so it cannot serve you. Nothing was changed.";
pub(crate) const NOT_THIS_NODE: &str =
    "This node only reads what you want to change. Nothing was changed. Do it on one of these:";
pub(crate) const NAME_THE_DOMAIN: &str = "One of your organisation's directories cannot be reached at the moment. Nothing was \
     changed. If your account is in another one, type its domain before your name, such as CORP\\jdoe.";
pub(crate) const WRONG_ANSWERS: &str = "We could not verify you with these answers.";
pub(crate) const WRONG_ANSWER: &str = "This answer is not right.";
pub(crate) const WRONG_PASSCODE: &str = "This passcode is not right, was used already, or is out of date.";
pub(crate) const CALLER_NOT_VERIFIED: &str =
    "The caller could not be verified with this. It counts as if they had answered themselves.";
pub(crate) const NO_PASSWORD_CAN_BE_MADE: &str =
    "No password could be made that meets the rules for this user. Type one.";
pub(crate) const CHECK_OVER: &str = "This check is out of date. Here is a new one.";
pub(crate) const CHECK_WRONG: &str = "This is not right. Here is another question.";
pub(crate) const CHECK_NOT_DONE: &str =
    "Your browser has not done its part, and no answer was typed. Answer the question to go on.";
pub(crate) const WRONG_CODE: &str = "This code is not right, was used already, or is out of date.";
pub(crate) const NO_CODE_SENT: &str = "No code was sent yet. Have one sent first.";
pub(crate) const CHOOSE_METHOD: &str = "Choose one of these.";
pub(crate) const ACCEPT_FIRST: &str = "Accept the text above to go on.";
pub(crate) const WRONG_PASSWORD: &str =
    "The user name or password is not right, or this account cannot sign in at the moment.";
pub(crate) const SOURCE_IS_FULL: &str = "Too many requests from your network address are being answered at the moment. Try again in a few seconds.";
pub(crate) const FIELD_EMPTY: &str = "Fill in this field.";
pub(crate) const FIELD_TOO_LONG: &str = "This is longer than allowed (256 characters).";
pub(crate) const FIELD_CONTROL: &str = "This holds a character that cannot be used here.";
pub(crate) const NAME_INVALID: &str = "Enter your user name, such as jdoe, CORP\\jdoe or jdoe@example.com.";
pub(crate) const CONFIRMATION_DIFFERS: &str = "The two new passwords are not the same.";
pub(crate) const SAME_AS_CURRENT: &str = "The new password is the same as the current one.";
pub(crate) const DOMAIN_REFUSES_PASSWORD: &str = "Your organisation does not accept this password. It may be too \
     short, too simple, used before, or changed too recently. Choose another one.";
pub(crate) const CHOOSE_QUESTION: &str = "Choose a question from the list.";
pub(crate) const TASK_NOT_OFFERED: &str = "This task is not offered here.";
pub(crate) const TASK_CHANGED: &str =
    "An administrator changed the settings of this task while you were at it. This step was not done.";
pub(crate) const STEP_NOT_DONE: &str =
    "This step could not be done at the moment. What you did in the steps before it stands.";
pub(crate) const PROFILE_CHANGED: &str =
    "Your security questions were changed somewhere else at the same time, so this change was not saved.";
pub(crate) const ATTEMPT_UNSURE: &str = "We could not confirm that your attempt was recorded, so it was not checked. \
     It may count as one attempt.";
pub(crate) const TICKET_UNSURE: &str = "We could not confirm that this step was recorded, so it was not \
     done. Wait two minutes before you try again.";

/// What is wrong with one field of a registration.
pub(crate) fn profile_problem(problem: &ProfileProblem) -> String {
    match problem {
        ProfileProblem::UnknownQuestion { .. } => "This question is not on the list any more.".to_owned(),
        ProfileProblem::RepeatedQuestion { .. } => "You have chosen this question twice.".to_owned(),
        ProfileProblem::QuestionLength { min, .. } => format!("Write a question of {min} to 300 characters."),
        ProfileProblem::AnswerTooShort { min, .. } => format!("Use at least {min} characters."),
        ProfileProblem::SameAnswer { .. } => "You have given this answer to another question.".to_owned(),
        ProfileProblem::AnswerInQuestion { .. } => "The question already holds this answer.".to_owned(),
        whole => whole.to_string(),
    }
}

/// An answer that comes before its time.
pub(crate) fn too_early(left: Span) -> String {
    let seconds = left.0.div_ceil(1000).max(1);
    format!("That was quicker than a person types. Send it again in {seconds} seconds.")
}

/// A code that is none.
pub(crate) fn not_a_code(digits: u8) -> String {
    format!("A code has {digits} digits.")
}

/// Codes are not sent one after the other.
pub(crate) fn too_many_codes(left: Option<Span>) -> String {
    let left = in_words(left.unwrap_or_default());
    format!("A code was sent a moment ago, or several within an hour. You can have another one in {left}.")
}

/// What is told of by mail.
pub(crate) fn notification(event: NotificationEvent) -> &'static str {
    match event {
        NotificationEvent::Password => "My password was changed",
        NotificationEvent::Account => "My account was unlocked or enabled",
        NotificationEvent::Questions => "My security questions were changed",
        NotificationEvent::Other => "Another task was done",
        NotificationEvent::Failure => "A task failed",
        NotificationEvent::Helpdesk => "The helpdesk did something for me",
    }
}

/// What happened, for the visitor.
pub(crate) fn what_happened(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoQuorum => {
            "The service cannot confirm changes at the moment, because most of its servers cannot be reached. \
             Nothing was changed and nothing is lost."
        }
        ErrorCode::NoVoter => {
            "The service cannot be reached at the moment. Nothing was changed and nothing is lost."
        }
        ErrorCode::Busy => "Too many people use the service at this moment. Nothing was changed.",
        ErrorCode::UnknownOutcome => {
            "Your request was sent, but no answer came. We do not know whether it took effect."
        }
        ErrorCode::Locked => {
            "There were too many attempts, so this service is locked for this user for a while."
        }
        ErrorCode::TooManyRequests => "Too many attempts came from your network address.",
        ErrorCode::TicketUsed => {
            "This step was taken already, or another change for the same user is under way. It was not done again."
        }
        ErrorCode::NotFound => "There is no such page here.",
        ErrorCode::BadInput => "The request cannot be understood.",
        ErrorCode::TooLarge => "You sent more than this page accepts.",
        ErrorCode::Unauthenticated => "You are not signed in.",
        ErrorCode::Forbidden => "You are not allowed to do this.",
        ErrorCode::Csrf => {
            "This form does not belong to your present visit, so nothing was done. It may have been open for too \
             long, or cookies are turned off."
        }
        ErrorCode::SessionExpired => {
            "Your time for this task is over, or the task was not started in this browser."
        }
        ErrorCode::DirectoryUnreachable => {
            "Your organisation's directory cannot be reached at the moment. Nothing was changed."
        }
        ErrorCode::DirectoryRefused => {
            "Your organisation's directory refused the request. Nothing was changed."
        }
        ErrorCode::ForeignValue | ErrorCode::ProfileRewritten => {
            "Your security questions cannot be saved, because another program uses their place in the directory. \
             Nothing was changed."
        }
        ErrorCode::Internal => "Something failed on our side.",
        other => other.meaning(),
    }
}

/// What the visitor can do.
pub(crate) fn what_to_do(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoQuorum | ErrorCode::NoVoter | ErrorCode::Busy => {
            "Wait a moment and try again. If it stays so, or if it is urgent, call the helpdesk and tell them the code \
             below."
        }
        ErrorCode::UnknownOutcome => {
            "Check whether it took effect before you try again. If you are not sure, ask the helpdesk and tell them \
             the code and the request number below."
        }
        ErrorCode::TicketUsed => "Start again from the first page.",
        ErrorCode::NotFound => "Go to the start page and choose what you want to do.",
        ErrorCode::BadInput => "Go back, load the page again and fill in the form.",
        ErrorCode::TooLarge => "Go back and enter less.",
        ErrorCode::Csrf => "Load the page again and repeat the step. Cookies must be allowed for this site.",
        ErrorCode::DirectoryUnreachable | ErrorCode::Internal => {
            "Try again in a few minutes. If it stays so, tell the helpdesk the code and the request number below."
        }
        ErrorCode::DirectoryRefused | ErrorCode::ForeignValue | ErrorCode::ProfileRewritten => {
            "Ask the helpdesk and tell them the code and the request number below."
        }
        other => other.remedy(),
    }
}

/// A span as people say it: `about 14 minutes`.
pub(crate) fn in_words(span: Span) -> String {
    let minutes = span.0.div_ceil(60_000).max(1);
    match minutes {
        1 => "1 minute".to_owned(),
        2..=119 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes.div_ceil(60)),
    }
}

/// An instant as `2026-03-04 09:05 UTC`.
pub(crate) fn utc(at: Timestamp) -> String {
    const FORM: &[time::format_description::BorrowedFormatItem<'_>] =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    i64::try_from(at.0 / 1000)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|instant| instant.format(FORM).ok())
        .unwrap_or_else(|| format!("{} ms", at.0))
}

/// The heading of the page for a failure.
pub(crate) fn failure_title(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoQuorum | ErrorCode::NoVoter | ErrorCode::Busy | ErrorCode::DirectoryUnreachable => {
            "Not available at the moment"
        }
        ErrorCode::UnknownOutcome => "We do not know the outcome",
        ErrorCode::Locked | ErrorCode::TooManyRequests => "Locked for a while",
        ErrorCode::TicketUsed => "Already done",
        ErrorCode::NotFound => "Page not found",
        ErrorCode::TooLarge => "Too much text",
        ErrorCode::BadInput => "Request not understood",
        ErrorCode::Unauthenticated | ErrorCode::TokenInvalid => "Please sign in",
        ErrorCode::Forbidden | ErrorCode::NotThisNode => "Not allowed",
        ErrorCode::Csrf => "Please repeat this step",
        ErrorCode::SessionExpired => "Please start again",
        ErrorCode::StaleRevision => "Changed meanwhile",
        _ => "Something went wrong",
    }
}

/// The label of a Self-Service field, by its name.
pub(crate) fn field_label(field: &str) -> Option<String> {
    let fixed = match field {
        "name" => "User name",
        "password" => "Password",
        "current" => "Current password",
        "new" => "New password",
        "confirm" => "New password again",
        "sum" => "Answer",
        "code" => "Code",
        _ => {
            let (kind, number) = field.split_once('-')?;
            let number = number.parse::<usize>().ok()?.saturating_add(1);
            return match kind {
                "answer" => Some(format!("Answer {number}")),
                "question" => Some(format!("Question {number}")),
                _ => None,
            };
        }
    };
    Some(fixed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the document says that people read is what they read.
    #[test]
    fn the_document_of_results_has_these_words() {
        const DOCUMENT: &str = include_str!("../../ops/directory-results.md");
        let refused =
            [ErrorCode::DirectoryRefused, ErrorCode::DirectoryUnreachable, ErrorCode::UnknownOutcome];
        for text in [WRONG_PASSWORD, DOMAIN_REFUSES_PASSWORD].into_iter().chain(refused.map(what_happened)) {
            assert!(DOCUMENT.contains(&format!("*{text}*")), "{text}");
        }
        for code in refused {
            assert!(DOCUMENT.contains(code.as_str()), "{code}");
        }
    }
}
