//! A CAPTCHA without anybody else: work for the browser, or a question and a pause for its user.

use crate::time::Span;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Settings of *Display CAPTCHA*: the browser finds a number that takes work to find, or its user answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captcha {
    /// How many leading zero bits the browser has to find; [`Captcha::DIFFICULTY`]. Each more doubles the work.
    pub difficulty: u8,
    /// How long whoever answers the question instead waits at least; at most [`Captcha::LONGEST`].
    pub pause: Span,
}

impl Captcha {
    /// How many bits may be asked for: 2^8 tries take nothing, 2^22 a slow phone half a minute.
    pub const DIFFICULTY: std::ops::RangeInclusive<u8> = 8..=22;
    /// The longest pause.
    pub const LONGEST: Span = Span::minutes(1);

    /// Whether this number is what the browser was to find for a challenge: SHA-256 over both, with a colon between, begins
    /// with so many zero bits.
    #[must_use]
    pub fn is_solved(self, challenge: &str, number: u64) -> bool {
        let hash = Sha256::digest(format!("{challenge}:{number}"));
        let whole = hash.iter().take_while(|byte| **byte == 0).count();
        let partly = hash.get(whole).map_or(0, |byte| byte.leading_zeros() as usize);
        let zeros = whole * 8 + partly;
        zeros >= usize::from(self.difficulty)
    }

    pub(super) fn is_valid(self) -> bool {
        Self::DIFFICULTY.contains(&self.difficulty) && self.pause <= Self::LONGEST
    }
}

impl Default for Captcha {
    fn default() -> Self {
        Self { difficulty: 18, pause: Span(5_000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_as_many_zero_bits_as_are_asked_for_and_no_other_challenges() {
        let settings = Captcha { difficulty: 12, ..Captcha::default() };
        let found = (0..).find(|number| settings.is_solved("one", *number)).unwrap();
        let digest = Sha256::digest(format!("one:{found}"));
        assert!(digest[0] == 0 && digest[1] < 16, "{digest:?}");
        let others = (0..50).filter(|number| settings.is_solved(&format!("two{number}"), found)).count();
        assert!(others < 50);
        let harder = Captcha { difficulty: 22, ..settings };
        assert_eq!(harder.is_solved("one", found), digest[1] == 0 && digest[2] < 4);
    }
}
