//! Realm labels: small notes that operators and custom activities keep in the realm.

use crate::blob::Blob;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a label: 1 to 256 bytes of printable ASCII without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelKey(String);

/// Why a label key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a label key has 1 to 256 printable ASCII characters without spaces")]
pub struct LabelKeyError;

impl LabelKey {
    /// Takes a key.
    pub fn parse(text: &str) -> Result<Self, LabelKeyError> {
        let fits = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(LabelKeyError) }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for LabelKey {
    type Err = LabelKeyError;
    fn from_str(text: &str) -> Result<Self, LabelKeyError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for LabelKey {
    type Error = LabelKeyError;
    fn try_from(text: String) -> Result<Self, LabelKeyError> {
        Self::parse(&text)
    }
}

impl From<LabelKey> for String {
    fn from(key: LabelKey) -> Self {
        key.0
    }
}

impl fmt::Display for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A label's value and the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Grows with each label write of the realm, so a value never comes back under an old revision.
    pub revision: u64,
    /// At most [`Label::MAX`] bytes.
    pub value: Blob,
}

impl Label {
    /// The most bytes that a value may have.
    pub const MAX: usize = 64 * 1024;
}

/// When a label write is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelCondition {
    /// Always.
    Always,
    /// Only when the label is absent (`If-None-Match: *`).
    Absent,
    /// Only when the label has this revision (`If-Match`).
    Revision(u64),
}

impl LabelCondition {
    /// Whether the condition holds for what is there.
    #[must_use]
    pub fn holds(self, present: Option<&Label>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => present.is_none(),
            Self::Revision(revision) => present.is_some_and(|label| label.revision == revision),
        }
    }
}
