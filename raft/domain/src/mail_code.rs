//! One-time codes that go by mail to a person who has to prove who they are. For one use, in the run that asked for it.
//!
//! The digits never enter the log: only their keyed hash does, over the run too. Attempts are counted as those of answers are. Who
//! is nobody's user is given a code as well, which goes nowhere, so that both cost the same.

use crate::blob::Sealed;
use crate::ids::{KeyedHash, MailId};
use crate::time::{Span, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A code that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMailCode {
    /// Whose.
    pub subject: KeyedHash,
    /// Keyed hash of the run, of whose it is, and of its digits.
    pub secret: KeyedHash,
    /// How long it is good for; at most [`MailCode::MOST_LIFE`].
    pub life: Span,
    /// The mail; none where there is nobody to write to.
    pub mail: Option<CodeMail>,
}

/// The mail that brings a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeMail {
    /// Fresh id.
    pub id: MailId,
    /// The sealed [`crate::mail::Mail`].
    pub content: Sealed,
}

/// What is kept of the codes that a person was sent lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCode {
    /// The keyed hash of the last one, until it is used.
    secret: Option<KeyedHash>,
    /// Not taken from then on.
    until: Timestamp,
    /// When it was made.
    made_at: Timestamp,
    /// When the first one was made of those that count.
    first_at: Timestamp,
    /// How many were made since.
    count: u32,
    /// Wrong tries at the last one.
    wrong: u32,
}

impl MailCode {
    /// The longest that one may be good for.
    pub const MOST_LIFE: Span = Span::minutes(30);
    /// How many a person may be sent within [`MailCode::WITHIN`].
    pub const MOST: u32 = 5;
    /// How long they count.
    pub const WITHIN: Span = Span::hours(1);
    /// How many wrong tries one code takes. The person's own counter bounds guesses too, but a right proof of another sort
    /// clears that one.
    pub const MOST_WRONG: u32 = 5;
    /// The least time between two.
    pub const PAUSE: Span = Span::seconds(30);

    /// What is kept once a code was made, given what was kept before; or when one may be made again.
    pub(crate) fn after(
        before: Option<&Self>,
        secret: KeyedHash,
        life: Span,
        at: Timestamp,
    ) -> Result<Self, Timestamp> {
        let until = at.plus(life.min(Self::MOST_LIFE));
        let fresh = Self { secret: Some(secret), until, made_at: at, first_at: at, count: 1, wrong: 0 };
        let Some(before) = before.filter(|before| at.since(before.first_at) < Self::WITHIN) else {
            return Ok(fresh);
        };
        if before.count >= Self::MOST {
            return Err(before.first_at.plus(Self::WITHIN));
        }
        if at.since(before.made_at) < Self::PAUSE {
            return Err(before.made_at.plus(Self::PAUSE));
        }
        Ok(Self { first_at: before.first_at, count: before.count.saturating_add(1), ..fresh })
    }

    /// Whether this is the code, at this time. Compares in constant time.
    pub(crate) fn is(&self, secret: &KeyedHash, at: Timestamp) -> bool {
        let same = |kept: &KeyedHash| bool::from(subtle::ConstantTimeEq::ct_eq(&kept.0[..], &secret.0[..]));
        self.secret.as_ref().is_some_and(same) && at < self.until
    }

    /// What is kept after a wrong try: not the code itself, after the last one.
    pub(crate) fn missed(self) -> Self {
        let wrong = self.wrong.saturating_add(1);
        Self { wrong, secret: self.secret.filter(|_| wrong < Self::MOST_WRONG), ..self }
    }

    /// What is kept once the code was used.
    pub(crate) fn used(self) -> Self {
        Self { secret: None, ..self }
    }

    /// Whether nothing of it matters any more.
    pub(crate) fn is_past(&self, at: Timestamp) -> bool {
        at >= self.until && at.since(self.first_at) >= Self::WITHIN
    }
}

/// The digits of a code.
#[derive(Debug, Clone)]
pub struct MailCodeText(SecretString);

impl MailCodeText {
    /// Digits made of random bytes. They are as good as equally likely: 2^128 is much more than 10^10.
    #[must_use]
    pub fn made_of(random: [u8; 16], digits: u8) -> Self {
        let mut left = u128::from_be_bytes(random);
        let mut text = Zeroizing::new(String::with_capacity(usize::from(digits)));
        for _ in 0..digits {
            text.extend(char::from_digit(u32::try_from(left % 10).unwrap_or_default(), 10));
            left /= 10;
        }
        Self(SecretString::from(text.as_str()))
    }

    /// Reads what was typed: blanks and hyphens do not matter. Nothing if it is not so many digits.
    #[must_use]
    pub fn parse(typed: &str, digits: u8) -> Option<Self> {
        let mut text = Zeroizing::new(String::with_capacity(usize::from(digits)));
        for letter in typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            if !letter.is_ascii_digit() || text.len() >= usize::from(digits) {
                return None;
            }
            text.push(letter);
        }
        (text.len() == usize::from(digits)).then(|| Self(SecretString::from(text.as_str())))
    }

    /// The digits, for the mail and for hashing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: KeyedHash = KeyedHash([1; 32]);

    fn after(before: Option<&MailCode>, at: u64) -> Result<MailCode, Timestamp> {
        MailCode::after(before, SECRET, Span::minutes(10), Timestamp(at))
    }

    #[test]
    fn codes_follow_one_another_slowly_and_only_so_many_within_an_hour() {
        let mut code = after(None, 0).unwrap();
        assert_eq!(after(Some(&code), 29_999), Err(Timestamp(30_000)));
        for number in 1..5 {
            code = after(Some(&code), number * 30_000).unwrap();
        }
        let hour = 3_600_000;
        assert_eq!(after(Some(&code), hour - 1), Err(Timestamp(hour)));
        assert!(!code.is_past(Timestamp(hour - 1)) && code.is_past(Timestamp(hour)));
        assert_eq!(after(Some(&code), hour).unwrap(), after(None, hour).unwrap());
    }

    #[test]
    fn a_code_is_good_until_its_end_or_until_it_is_used() {
        let code = MailCode::after(None, SECRET, Span::hours(9), Timestamp(0)).unwrap();
        assert!(code.is(&SECRET, Timestamp(1_799_999)) && !code.is(&SECRET, Timestamp(1_800_000)));
        assert!(!code.is(&KeyedHash([2; 32]), Timestamp(0)));
        assert!(!code.clone().used().is(&SECRET, Timestamp(0)));
        let tried = (1..MailCode::MOST_WRONG).fold(code, |code, _| code.missed());
        assert!(tried.is(&SECRET, Timestamp(0)));
        assert!(!tried.missed().is(&SECRET, Timestamp(0)), "it takes so many wrong tries and no more");
    }

    proptest! {
        #[test]
        fn what_was_made_is_read_however_it_is_typed(random: [u8; 16], digits in 6_u8..=10) {
            let text = MailCodeText::made_of(random, digits);
            let (first, rest) = text.expose().split_at(3);
            let typed = format!(" {first} - {rest}");
            let read = MailCodeText::parse(&typed, digits).unwrap();
            prop_assert_eq!(read.expose(), text.expose());
            prop_assert!(MailCodeText::parse(&typed, digits + 1).is_none());
            prop_assert!(MailCodeText::parse(&typed, digits - 1).is_none());
        }
    }
}
