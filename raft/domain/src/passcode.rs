//! Passcodes: what the helpdesk gives to a person who has nothing else to prove who they are with. For one use.
//!
//! The text never enters the log: only its keyed hash does. Attempts are counted as those of answers are.

use crate::ids::KeyedHash;
use crate::time::{Span, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A passcode that was assigned and not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passcode {
    /// Keyed hash of whose it is and its text.
    pub secret: KeyedHash,
    /// Not taken from then on.
    pub until: Timestamp,
}

impl Passcode {
    /// The longest that one may be good for.
    pub const MOST_LIFE: Span = Span::hours(7 * 24);

    /// Whether this is it, at this time. Compares in constant time.
    #[must_use]
    pub fn is(&self, secret: &KeyedHash, at: Timestamp) -> bool {
        let same: bool = subtle::ConstantTimeEq::ct_eq(&self.secret.0[..], &secret.0[..]).into();
        same && at < self.until
    }
}

/// The text of a passcode: digits and capital letters without those that look alike (Crockford's base 32).
#[derive(Debug, Clone)]
pub struct PasscodeText(SecretString);

/// Why a typed passcode cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passcode has {} to {} letters and digits", PasscodeText::LEAST, PasscodeText::MOST)]
pub struct NotAPasscode;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl PasscodeText {
    /// Fewest characters: 40 bits, of which five attempts in a quarter of an hour find nothing.
    pub const LEAST: usize = 8;
    /// Most characters.
    pub const MOST: usize = 32;
    /// What is proposed.
    pub const USUAL: usize = 10;

    /// One made of random bytes, a character of each. Its length is brought within the bounds.
    #[must_use]
    pub fn made_of(random: &[u8; Self::MOST], length: usize) -> Self {
        let length = length.clamp(Self::LEAST, Self::MOST);
        let draw = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
        let text: Zeroizing<String> = Zeroizing::new(random.iter().take(length).filter_map(draw).collect());
        Self(SecretString::from(text.as_str()))
    }

    /// Reads what was typed: small letters, spaces and hyphens do not matter, and what looks like a digit is one.
    pub fn parse(typed: &str) -> Result<Self, NotAPasscode> {
        let mut text = Zeroizing::new(String::with_capacity(Self::MOST.saturating_add(1)));
        for letter in typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || text.len() >= Self::MOST {
                return Err(NotAPasscode);
            }
            text.push(letter);
        }
        if text.len() < Self::LEAST { Err(NotAPasscode) } else { Ok(Self(SecretString::from(text.as_str()))) }
    }

    /// The text, for the operator's page and for hashing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// In groups of five, as it is read out.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(Self::MOST.saturating_mul(2)));
        for (place, letter) in self.expose().chars().enumerate() {
            if place > 0 && place % 5 == 0 {
                out.push('-');
            }
            out.push(letter);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_read_out_is_taken_however_it_is_typed() {
        let made = PasscodeText::made_of(
            &[
                0, 1, 31, 10, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0,
            ],
            10,
        );
        assert_eq!(made.grouped().as_str(), "01ZA4-56789");
        for typed in ["01ZA4-56789", "o1za4 56789", " OLZA456789 ", "oizA4-5-6789"] {
            assert_eq!(PasscodeText::parse(typed).unwrap().expose(), made.expose(), "{typed}");
        }
        assert!(!format!("{made:?}").contains("01ZA4"));
    }

    #[test]
    fn what_cannot_be_one_is_refused() {
        for typed in ["", "0123456", "0123456u", "01234567\u{1f511}", &"0".repeat(33)] {
            assert_eq!(PasscodeText::parse(typed).unwrap_err(), NotAPasscode, "{typed}");
        }
    }

    #[test]
    fn it_is_taken_until_its_end_and_no_other_is() {
        let passcode = Passcode { secret: KeyedHash([1; 32]), until: Timestamp(10) };
        assert!(passcode.is(&KeyedHash([1; 32]), Timestamp(9)));
        assert!(!passcode.is(&KeyedHash([1; 32]), Timestamp(10)));
        assert!(!passcode.is(&KeyedHash([2; 32]), Timestamp(9)));
    }

    proptest! {
        #[test]
        fn every_one_that_is_made_is_read_back(random: [u8; 32], length in 0_usize..40) {
            let made = PasscodeText::made_of(&random, length);
            let read = PasscodeText::parse(&made.grouped()).unwrap();
            prop_assert_eq!(read.expose(), made.expose());
            prop_assert!((PasscodeText::LEAST..=PasscodeText::MOST).contains(&read.expose().len()));
        }
    }
}
