//! What the audit calls a drill.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a drill: 1 to [`DrillName::MAX`] of `a` to `z`, `0` to `9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DrillName(String);

/// No name of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to {} small letters, digits and hyphens for the name of a drill", DrillName::MAX)]
pub struct InvalidDrillName;

impl DrillName {
    /// The longest name.
    pub const MAX: usize = 40;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DrillName {
    type Error = InvalidDrillName;

    fn try_from(text: String) -> Result<Self, InvalidDrillName> {
        let fits = (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits { Ok(Self(text)) } else { Err(InvalidDrillName) }
    }
}

impl From<DrillName> for String {
    fn from(name: DrillName) -> Self {
        name.0
    }
}

impl fmt::Display for DrillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["kill-leader", "a", &"x".repeat(DrillName::MAX)] {
            assert_eq!(DrillName::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "Kill", "a b", "a\n", "<b>", "é", &"x".repeat(DrillName::MAX + 1)] {
            assert_eq!(DrillName::try_from(bad.to_owned()), Err(InvalidDrillName), "{bad}");
        }
    }
}
