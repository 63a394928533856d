//! Secrets that people type: bounded, wiped from memory when dropped, and never printed.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Why a typed secret was refused before it was looked at further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing was typed.
    #[error("it is empty")]
    Empty,
    /// More characters than any directory would take.
    #[error("it is longer than {max} characters")]
    TooLong {
        /// The most characters that are taken.
        max: usize,
    },
    /// A control character, which no keyboard enters.
    #[error("it holds a control character")]
    ControlCharacter,
}

fn bounded(text: String, max: usize) -> Result<SecretString, SecretError> {
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Err(SecretError::Empty);
    }
    if text.chars().nth(max).is_some() {
        return Err(SecretError::TooLong { max });
    }
    if text.chars().any(char::is_control) {
        return Err(SecretError::ControlCharacter);
    }
    Ok(SecretString::from(text.as_str()))
}

/// A directory password, old or new. At most 256 characters (the limit of AD's `unicodePwd`, MS-ADTS 3.1.1.3.1.5).
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// The most characters a password may have.
    pub const MAX: usize = 256;

    /// Takes what was typed, as it is: spaces count.
    pub fn parse(text: String) -> Result<Self, SecretError> {
        bounded(text, Self::MAX).map(Self)
    }

    /// The clear text, for the directory call and the rule check only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// An answer to a security question, as typed. At most 256 characters.
#[derive(Debug, Clone)]
pub struct Answer(SecretString);

impl Answer {
    /// The most characters an answer may have.
    pub const MAX: usize = 256;

    /// Takes what was typed; surrounding white space does not count.
    pub fn parse(text: String) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text);
        bounded(text.trim().to_owned(), Self::MAX).map(Self)
    }

    /// The answer as it was typed, for sealing and for the page of an operator who may see it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The answer as it is compared: NFKC, lower case, runs of white space as one space.
    #[must_use]
    pub fn normalized(&self) -> Zeroizing<String> {
        let folded = Zeroizing::new(self.0.expose_secret().nfkc().collect::<String>().to_lowercase());
        let mut out = Zeroizing::new(String::with_capacity(folded.len()));
        for word in folded.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_compare_without_case_width_or_spacing() {
        let typed = Answer::parse("  Ｓaint   PAUL ".into()).unwrap();
        assert_eq!(typed.normalized().as_str(), "saint paul");
    }

    #[test]
    fn a_password_keeps_its_spaces_and_is_never_printed() {
        let password = Password::parse(" two words ".into()).unwrap();
        assert_eq!(password.expose(), " two words ");
        assert!(!format!("{password:?}").contains("two words"));
    }

    #[test]
    fn empty_oversized_and_control_input_is_refused() {
        assert_eq!(Password::parse(String::new()).unwrap_err(), SecretError::Empty);
        assert_eq!(Password::parse("x".repeat(257)).unwrap_err(), SecretError::TooLong { max: 256 });
        assert_eq!(Password::parse("a\0b".into()).unwrap_err(), SecretError::ControlCharacter);
    }
}
