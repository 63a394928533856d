//! The level of features that the realm runs at: which forms of commands, records and state may be written.
//!
//! Rules. A form that a release adds (a variant at the end of a replicated type, a new version of an envelope) belongs to
//! a level, and [`crate::command::Action::needs`] says which. What needs a higher level than the realm's never enters the
//! log, so that at a level every program that supports it reads, and writes byte for byte, what the others do: this is
//! what lets a node go back by one release. The level only rises, by one at a time, once every node supports the next.
//!
//! The words of a refusal are remembered in the state, so they are a form too: they change with a level and not before.
//!
//! `apply` never compares with [`FeatureLevel::CURRENT`]: programs of different releases apply the same entries, and must
//! come to the same state. A program stops when the state is above what it supports.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A feature level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureLevel(u32);

impl FeatureLevel {
    /// The level of a state that says nothing of levels, and of programs that know of none.
    pub const FIRST: Self = Self(1);
    /// Drills in the audit; domain controllers that DNS names; the configuration as documents; tasks over many profiles.
    pub const SECOND: Self = Self(2);
    /// What the domain's sites and the user's computer have a say in; profiles that say what they satisfy.
    pub const THIRD: Self = Self(3);
    /// More ways to prove who one is; what administrators write in several languages.
    pub const FOURTH: Self = Self(4);
    /// The highest level that this program supports.
    pub const CURRENT: Self = Self::FOURTH;

    /// The level after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Default for FeatureLevel {
    fn default() -> Self {
        Self::FIRST
    }
}

impl From<u32> for FeatureLevel {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for FeatureLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for FeatureLevel {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
