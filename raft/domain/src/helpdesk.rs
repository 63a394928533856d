//! What a policy says of its helpdesk: who works there, what they may do, and whether a caller is verified first.

use crate::feature_level::FeatureLevel;
use crate::scope::RoleScope;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The helpdesk of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HelpdeskPolicy {
    /// Who may help the people that this policy serves, and nobody else, beside the realm's operators, who help everybody.
    pub groups: Vec<RoleScope>,
    /// What may be done for these people.
    pub tasks: BTreeSet<HelpdeskTask>,
    /// Whether a password that an operator sets must be changed at next logon.
    pub must_change: MustChange,
    /// How a caller is verified before anything is done; without it operators judge for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

/// Something that an operator does for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelpdeskTask {
    /// Lift the lock that wrong answers set.
    UnlockProfile,
    /// Give a passcode.
    AssignPasscode,
    /// Have the person choose their security questions anew.
    EnforceUpdate,
    /// Set a new password.
    ResetPassword,
    /// Have the password changed at next logon.
    ForceChange,
    /// Lift the domain's lock.
    UnlockAccount,
    /// Take the disabled mark off the account.
    EnableAccount,
}

impl HelpdeskTask {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 7] = [
        Self::UnlockProfile,
        Self::AssignPasscode,
        Self::EnforceUpdate,
        Self::ResetPassword,
        Self::ForceChange,
        Self::UnlockAccount,
        Self::EnableAccount,
    ];

    /// Those that a policy allows which says nothing: what operators could do before policies had a say, and what gives no
    /// account to anybody and takes none away. The others are an administrator's decision.
    const USUAL: [Self; 3] = [Self::UnlockProfile, Self::AssignPasscode, Self::EnforceUpdate];

    /// The level from which on it may be done.
    #[must_use]
    pub fn needs(self) -> FeatureLevel {
        if self == Self::UnlockProfile { FeatureLevel::FIRST } else { FeatureLevel::THIRD }
    }
}

/// Whether a password that an operator sets must be changed at next logon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MustChange {
    /// In any case.
    #[default]
    Always,
    /// As the operator says.
    OperatorChooses,
}

/// How a caller is verified: the operator reads mandatory questions out and types what the caller says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How many questions are asked.
    pub questions: u32,
    /// How long the operator may help the caller after that.
    pub valid_for: Span,
}

impl Verification {
    /// The shortest that it may hold.
    pub const SHORTEST: Span = Span::minutes(1);
    /// The longest: as long as an operator stays signed in.
    pub const LONGEST: Span = Span::hours(1);
    /// What a form proposes.
    pub const PROPOSED: Self = Self { questions: 1, valid_for: Span::minutes(15) };
}

impl Default for HelpdeskPolicy {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            tasks: HelpdeskTask::USUAL.into(),
            must_change: MustChange::default(),
            verification: None,
        }
    }
}

impl HelpdeskPolicy {
    /// Whether a policy says nothing of it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The level from which on it may be configured so.
    pub(crate) fn needs(&self) -> FeatureLevel {
        if self.is_usual() { FeatureLevel::FIRST } else { FeatureLevel::THIRD }
    }
}
