//! What pages say beside their own templates: failures and field messages, in plain language for the visitor.

use crate::locale::{Key, Message};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::policy::Violation;
use passquorum_domain::qa::ProfileProblem;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::workflow::NotificationEvent;

pub(crate) const NODE_HOLDS_NO_KEY: Key = Key("node-holds-no-key");
pub(crate) const NOT_THIS_NODE: Key = Key("not-this-node");
pub(crate) const NAME_THE_DOMAIN: Key = Key("name-the-domain");
pub(crate) const WRONG_ANSWERS: Key = Key("wrong-answers");
pub(crate) const WRONG_ANSWER: Key = Key("wrong-answer");
pub(crate) const WRONG_PASSCODE: Key = Key("wrong-passcode");
pub(crate) const CALLER_NOT_VERIFIED: Key = Key("caller-not-verified");
pub(crate) const NO_PASSWORD_CAN_BE_MADE: Key = Key("no-password-can-be-made");
pub(crate) const CHECK_OVER: Key = Key("check-over");
pub(crate) const CHECK_WRONG: Key = Key("check-wrong");
pub(crate) const CHECK_NOT_DONE: Key = Key("check-not-done");
pub(crate) const WRONG_CODE: Key = Key("wrong-code");
pub(crate) const NO_CODE_SENT: Key = Key("no-code-sent");
pub(crate) const CHOOSE_METHOD: Key = Key("choose-method");
pub(crate) const ACCEPT_FIRST: Key = Key("accept-first");
pub(crate) const WRONG_PASSWORD: Key = Key("wrong-password");
pub(crate) const SOURCE_IS_FULL: Key = Key("source-is-full");
pub(crate) const FIELD_EMPTY: Key = Key("field-empty");
pub(crate) const FIELD_TOO_LONG: Key = Key("field-too-long");
pub(crate) const FIELD_CONTROL: Key = Key("field-control");
pub(crate) const NAME_INVALID: Key = Key("name-invalid");
pub(crate) const CONFIRMATION_DIFFERS: Key = Key("confirmation-differs");
pub(crate) const SAME_AS_CURRENT: Key = Key("same-as-current");
pub(crate) const DOMAIN_REFUSES_PASSWORD: Key = Key("domain-refuses-password");
pub(crate) const CHOOSE_QUESTION: Key = Key("choose-question");
pub(crate) const TASK_NOT_OFFERED: Key = Key("task-not-offered");
pub(crate) const TASK_CHANGED: Key = Key("task-changed");
pub(crate) const STEP_NOT_DONE: Key = Key("step-not-done");
pub(crate) const PROFILE_CHANGED: Key = Key("profile-changed");
pub(crate) const ATTEMPT_UNSURE: Key = Key("attempt-unsure");
pub(crate) const TICKET_UNSURE: Key = Key("ticket-unsure");

/// What is wrong with one field of a registration, or with all of it.
pub(crate) fn profile_problem(problem: &ProfileProblem) -> Message {
    match problem {
        ProfileProblem::UnknownQuestion { .. } => Key("question-unknown").into(),
        ProfileProblem::RepeatedQuestion { .. } => Key("question-twice").into(),
        ProfileProblem::QuestionLength { min, .. } => Key("question-length").with("min", *min),
        ProfileProblem::AnswerTooShort { min, .. } => Key("answer-too-short").with("min", *min),
        ProfileProblem::SameAnswer { .. } => Key("answer-twice").into(),
        ProfileProblem::AnswerInQuestion { .. } => Key("answer-in-question").into(),
        ProfileProblem::MissingMandatory { text, .. } => {
            Key("question-unanswered").with("question", text.clone())
        }
        ProfileProblem::OptionalCount { wanted } => Key("optional-count").with("wanted", *wanted),
        ProfileProblem::UserDefinedCount { wanted } => Key("own-count").with("wanted", *wanted),
    }
}

/// A rule that a new password breaks.
pub(crate) fn violation(violation: &Violation) -> Message {
    match violation {
        Violation::TooShort { min } => Key("password-too-short").with("min", *min),
        Violation::TooLong { max } => Key("password-too-long").with("max", *max),
        Violation::TooFewKinds { min_kinds } => Key("password-kinds").with("kinds", *min_kinds),
        Violation::HoldsName => Key("password-holds-name").into(),
    }
}

/// An answer that comes before its time.
pub(crate) fn too_early(left: Span) -> Message {
    Key("too-early").with("count", left.0.div_ceil(1000).max(1))
}

/// A code that is none.
pub(crate) fn not_a_code(digits: u8) -> Message {
    Key("code-digits").with("count", digits)
}

/// Codes are not sent one after the other.
pub(crate) fn too_many_codes(left: Option<Span>) -> Message {
    Key("too-many-codes").with("span", in_words(left.unwrap_or_default()))
}

/// What is told of by mail.
pub(crate) fn notification(event: NotificationEvent) -> Key {
    match event {
        NotificationEvent::Password => Key("notification-password"),
        NotificationEvent::Account => Key("notification-account"),
        NotificationEvent::Questions => Key("notification-questions"),
        NotificationEvent::Other => Key("notification-other"),
        NotificationEvent::Failure => Key("notification-failure"),
        NotificationEvent::Helpdesk => Key("notification-helpdesk"),
    }
}

/// What happened, for the visitor.
pub(crate) fn what_happened(code: ErrorCode) -> Message {
    match code {
        ErrorCode::NoQuorum => Key("happened-no-quorum").into(),
        ErrorCode::NoVoter => Key("happened-no-voter").into(),
        ErrorCode::Busy => Key("happened-busy").into(),
        ErrorCode::UnknownOutcome => Key("happened-unknown-outcome").into(),
        ErrorCode::Locked => Key("happened-locked").into(),
        ErrorCode::TooManyRequests => Key("happened-too-many-requests").into(),
        ErrorCode::TicketUsed => Key("happened-ticket-used").into(),
        ErrorCode::NotFound => Key("happened-not-found").into(),
        ErrorCode::BadInput => Key("happened-bad-input").into(),
        ErrorCode::TooLarge => Key("happened-too-large").into(),
        ErrorCode::Unauthenticated => Key("happened-unauthenticated").into(),
        ErrorCode::Forbidden => Key("happened-forbidden").into(),
        ErrorCode::Csrf => Key("happened-csrf").into(),
        ErrorCode::SessionExpired => Key("happened-session-expired").into(),
        ErrorCode::DirectoryUnreachable => Key("happened-directory-unreachable").into(),
        ErrorCode::DirectoryRefused => Key("happened-directory-refused").into(),
        ErrorCode::ForeignValue | ErrorCode::ProfileRewritten => Key("happened-foreign-value").into(),
        ErrorCode::Internal => Key("happened-internal").into(),
        other => other.meaning().into(),
    }
}

/// What the visitor can do.
pub(crate) fn what_to_do(code: ErrorCode) -> Message {
    match code {
        ErrorCode::NoQuorum | ErrorCode::NoVoter | ErrorCode::Busy => Key("remedy-no-quorum").into(),
        ErrorCode::UnknownOutcome => Key("remedy-unknown-outcome").into(),
        ErrorCode::TicketUsed => Key("remedy-ticket-used").into(),
        ErrorCode::NotFound => Key("remedy-not-found").into(),
        ErrorCode::BadInput => Key("remedy-bad-input").into(),
        ErrorCode::TooLarge => Key("remedy-too-large").into(),
        ErrorCode::Locked => Key("remedy-locked").into(),
        ErrorCode::TooManyRequests => Key("remedy-too-many-requests").into(),
        ErrorCode::SessionExpired => Key("remedy-session-expired").into(),
        ErrorCode::Unauthenticated => Key("remedy-unauthenticated").into(),
        ErrorCode::Forbidden => Key("remedy-forbidden").into(),
        ErrorCode::Csrf => Key("remedy-csrf").into(),
        ErrorCode::DirectoryUnreachable | ErrorCode::Internal => Key("remedy-directory-unreachable").into(),
        ErrorCode::DirectoryRefused | ErrorCode::ForeignValue | ErrorCode::ProfileRewritten => {
            Key("remedy-directory-refused").into()
        }
        other => other.remedy().into(),
    }
}

/// A span as people say it: `about 14 minutes`.
pub(crate) fn in_words(span: Span) -> Message {
    let minutes = span.0.div_ceil(60_000).max(1);
    if minutes < 120 {
        Key("span-minutes").with("count", minutes)
    } else {
        Key("span-hours").with("count", minutes.div_ceil(60))
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
pub(crate) fn failure_title(code: ErrorCode) -> Message {
    match code {
        ErrorCode::NoQuorum | ErrorCode::NoVoter | ErrorCode::Busy | ErrorCode::DirectoryUnreachable => {
            Key("title-no-quorum").into()
        }
        ErrorCode::UnknownOutcome => Key("title-unknown-outcome").into(),
        ErrorCode::Locked | ErrorCode::TooManyRequests => Key("title-locked").into(),
        ErrorCode::TicketUsed => Key("title-ticket-used").into(),
        ErrorCode::NotFound => Key("title-not-found").into(),
        ErrorCode::TooLarge => Key("title-too-large").into(),
        ErrorCode::BadInput => Key("title-bad-input").into(),
        ErrorCode::Unauthenticated | ErrorCode::TokenInvalid => Key("title-unauthenticated").into(),
        ErrorCode::Forbidden | ErrorCode::NotThisNode => Key("title-forbidden").into(),
        ErrorCode::Csrf => Key("title-csrf").into(),
        ErrorCode::SessionExpired => Key("title-session-expired").into(),
        ErrorCode::StaleRevision => Key("title-stale-revision").into(),
        _ => Key("title-other").into(),
    }
}

/// The label of a field, by its name.
pub(crate) fn field_label(field: &str) -> Option<Message> {
    Some(match field {
        "name" => Key("label-user-name").into(),
        "password" => Key("label-password").into(),
        "current" => Key("label-current-password").into(),
        "new" => Key("label-new-password").into(),
        "confirm" => Key("label-new-password-again").into(),
        "sum" => Key("label-sum").into(),
        "code" => Key("code").into(),
        _ => {
            let (kind, number) = field.split_once('-')?;
            let number = number.parse::<u64>().ok()?.saturating_add(1);
            match kind {
                "answer" => Key("label-answer").with("number", number),
                "question" => Key("label-question").with("number", number),
                _ => return None,
            }
        }
    })
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
        let fields = [WRONG_PASSWORD, DOMAIN_REFUSES_PASSWORD].map(Message::from);
        for text in fields.into_iter().chain(refused.map(what_happened)) {
            assert!(DOCUMENT.contains(&format!("*{text}*")), "{text}");
        }
        for code in refused {
            assert!(DOCUMENT.contains(code.as_str()), "{code}");
        }
    }
}
