//! The outbox: mails that wait in the log for the leader to send them.
//!
//! A mail is queued sealed and closed once. Between the two the leader claims it anew for each attempt: the claim is
//! committed before the server is asked, and nobody tries again before it ends. So a mail is sent more than once only when
//! the node that sent it could not commit that until its claim was over; all of these have one `Message-ID`.

use super::address::MailAddress;
use super::language::Language;
use crate::blob::Sealed;
use crate::ids::{KeyedHash, MailId};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// What a mail says, and to whom: sealed under [`crate::ports::Purpose::Mail`] with the mail's id, before it is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: MailAddress,
    /// Its `Message-ID`, without the angle brackets: the same at each attempt.
    pub message_id: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// The language.
    pub language: Language,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A mail in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// Its id.
    pub id: MailId,
    /// Whom it is about.
    pub subject: Option<KeyedHash>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// After this it is not sent any more.
    pub not_after: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands.
    pub state: MailState,
}

/// Where a mail stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailState {
    /// It is to be sent.
    Waiting {
        /// The sealed [`Mail`].
        content: Sealed,
        /// Who tries, or tried last.
        claim: Option<MailClaim>,
    },
    /// Nothing more is done about it, and what it said is gone.
    Closed {
        /// How it ended.
        result: MailResult,
        /// When.
        at: Timestamp,
    },
}

/// The right to send one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailClaim {
    /// The term of the leader that has it.
    pub term: u64,
    /// When it ends: until then nobody else tries, and it is the pause before the next attempt.
    pub until: Timestamp,
}

/// How a mail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailResult {
    /// A server took it.
    Sent,
    /// A server refused it for good, with this code. Its words may name people, so they are not kept.
    Refused {
        /// The SMTP code.
        code: u16,
    },
    /// No server took it in time.
    Expired,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutboxCount {
    /// Mails that wait.
    pub waiting: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Mails that are closed and not yet forgotten.
    pub closed: usize,
}

impl QueuedMail {
    /// Mails that may wait at a time.
    pub const MOST_WAITING: usize = 2_000;
    /// Bytes of all that wait.
    pub const MOST_BYTES: usize = 16 * 1024 * 1024;
    /// Bytes of one.
    pub const LARGEST: usize = 32 * 1024;
    /// Closed ones that are remembered.
    pub const MOST_CLOSED: usize = 1_000;
    /// How long closed ones are remembered.
    pub const KEEP_CLOSED: Span = Span::hours(24);
    /// The longest that a mail may wait.
    pub const LONGEST: Span = Span::hours(24 * 7);
    /// How long one attempt may take over all servers, and the first pause.
    pub const ATTEMPT: Span = Span::minutes(1);
    /// The longest pause.
    pub const LONGEST_PAUSE: Span = Span::minutes(30);

    /// Whether it waits and nobody has it now.
    #[must_use]
    pub fn is_due(&self, at: Timestamp) -> bool {
        at < self.not_after && self.is_free(at)
    }

    fn is_free(&self, at: Timestamp) -> bool {
        matches!(&self.state, MailState::Waiting { claim, .. } if claim.is_none_or(|claim| at >= claim.until))
    }

    /// Whether its time is over. One that is being tried is let be until that has ended.
    pub(crate) fn is_overdue(&self, at: Timestamp) -> bool {
        at >= self.not_after && self.is_free(at)
    }

    pub(crate) fn is_past(&self, at: Timestamp) -> bool {
        self.closed_at().is_some_and(|closed| at.since(closed) > Self::KEEP_CLOSED)
    }

    pub(crate) fn closed_at(&self) -> Option<Timestamp> {
        match &self.state {
            MailState::Closed { at, .. } => Some(*at),
            MailState::Waiting { .. } => None,
        }
    }

    /// The sealed content, while it waits.
    #[must_use]
    pub fn content(&self) -> Option<&Sealed> {
        match &self.state {
            MailState::Waiting { content, .. } => Some(content),
            MailState::Closed { .. } => None,
        }
    }

    /// How long the next attempt has the mail for itself: as long as one may take, and twice as long after each.
    #[must_use]
    pub fn next_pause(&self) -> Span {
        let doubled = Self::ATTEMPT.0.saturating_mul(1_u64.checked_shl(self.attempts).unwrap_or(u64::MAX));
        Span(doubled.min(Self::LONGEST_PAUSE.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut mail = QueuedMail {
            id: MailId(uuid::Uuid::nil()),
            subject: None,
            queued_at: Timestamp(0),
            not_after: Timestamp(0),
            attempts: 0,
            state: MailState::Closed { result: MailResult::Expired, at: Timestamp(0) },
        };
        let pauses: Vec<u64> = [0, 1, 2, 5, 6, 63, 64, u32::MAX]
            .into_iter()
            .map(|attempts| {
                mail.attempts = attempts;
                mail.next_pause().0 / 1000
            })
            .collect();
        assert_eq!(pauses, [60, 120, 240, 1800, 1800, 1800, 1800, 1800]);
    }
}
