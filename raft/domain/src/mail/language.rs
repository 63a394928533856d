//! The language that a mail is written in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A language tag in small letters: `de`, `pt-br`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// A text is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a language tag; use one such as en, de or pt-br")]
pub struct NotALanguage;

impl Language {
    /// English, which every text is there in.
    #[must_use]
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without its region.
    #[must_use]
    pub fn general(&self) -> Self {
        Self(self.0.split('-').next().unwrap_or(&self.0).to_owned())
    }

    /// What a browser accepts by its `Accept-Language` (RFC 9110 12.5.4), what it likes best first. Of equals the first
    /// counts.
    #[must_use]
    pub fn accepted(accept: &str) -> Vec<Self> {
        let weighed = |item: &str| {
            let (tag, weight) = item.split_once(';').map_or((item, 1000), |(tag, parameter)| {
                let value =
                    parameter.trim().strip_prefix("q=").and_then(|value| value.trim().parse::<f32>().ok());
                // Between 0 and 1000, so that nothing is cut off.
                (tag, value.map_or(0, |value| (value.clamp(0.0, 1.0) * 1000.0) as u32))
            });
            tag.parse::<Self>().ok().filter(|_| weight > 0).map(|language| (language, weight))
        };
        let mut accepted: Vec<_> = accept.split(',').take(20).filter_map(weighed).collect();
        accepted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        accepted.into_iter().map(|(language, _)| language).collect()
    }
}

impl FromStr for Language {
    type Err = NotALanguage;
    fn from_str(text: &str) -> Result<Self, NotALanguage> {
        let tag = text.trim().to_ascii_lowercase();
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        let first_fits = (2..=3).contains(&first.len()) && first.chars().all(|c| c.is_ascii_alphabetic());
        let rest_fits = parts
            .all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
        if first_fits && rest_fits && tag.len() <= 20 { Ok(Self(tag)) } else { Err(NotALanguage) }
    }
}

impl TryFrom<String> for Language {
    type Error = NotALanguage;
    fn try_from(text: String) -> Result<Self, NotALanguage> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::english()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_what_it_likes_best() {
        let preferred = |accept| Language::accepted(accept).into_iter().next().map(String::from);
        assert_eq!(preferred("de-AT,de;q=0.9,en;q=0.8").as_deref(), Some("de-at"));
        assert_eq!(preferred("en;q=0.5, fr;q=0.7, *;q=0.9").as_deref(), Some("fr"));
        assert_eq!(preferred("de;q=0"), None);
        assert_eq!(preferred("\r\n, ;;, q=1"), None);
        assert_eq!("DE-at".parse::<Language>().unwrap().general().as_str(), "de");
    }
}
