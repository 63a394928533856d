//! What a policy says of its helpdesk: who works there, what they may do, and whether a caller is verified first.

use crate::feature_level::FeatureLevel;
use crate::qa::QuestionKind;
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

/// How a caller is verified: the operator reads questions out, and what the caller says is held against the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How many questions are asked.
    pub questions: u32,
    /// How long the operator may help the caller after that.
    pub valid_for: Span,
    /// Which questions.
    #[serde(default, skip_serializing_if = "CallerQuestions::is_usual")]
    pub from: CallerQuestions,
    /// Who compares, and how much of the answer the operator comes to know.
    #[serde(default, skip_serializing_if = "CallerCheck::is_usual")]
    pub how: CallerCheck,
}

/// Which questions a caller is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerQuestions {
    /// Mandatory ones, by which the person also proves who they are on the Self-Service site.
    #[default]
    Mandatory,
    /// Those that are for the helpdesk alone.
    Helpdesk,
    /// Both.
    Both,
}

/// Who compares a caller's answer with the one in the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerCheck {
    /// The site: the operator types the whole answer.
    #[default]
    OperatorTypes,
    /// The operator, who is shown the answer.
    OperatorSees,
    /// The site: the operator types so many characters of the answer, at places that it draws.
    Characters(u32),
}

impl CallerQuestions {
    /// Whether a policy says nothing of it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether questions of this kind are among them.
    #[must_use]
    pub fn include(self, kind: QuestionKind) -> bool {
        match kind {
            QuestionKind::Mandatory => self != Self::Helpdesk,
            QuestionKind::Helpdesk => self != Self::Mandatory,
            QuestionKind::Optional => false,
        }
    }
}

impl CallerCheck {
    /// The most characters that are asked for of one answer.
    pub const MOST_CHARACTERS: u32 = 8;

    /// Whether a policy says nothing of it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the answers have to be kept for it.
    #[must_use]
    pub fn needs_kept_answers(self) -> bool {
        self != Self::OperatorTypes
    }
}

impl Verification {
    /// The shortest that it may hold.
    pub const SHORTEST: Span = Span::minutes(1);
    /// The longest: as long as an operator stays signed in.
    pub const LONGEST: Span = Span::hours(1);
    /// What a form proposes.
    pub const PROPOSED: Self = Self::typing(1, Span::minutes(15));

    /// So many mandatory questions, whose answers the operator types.
    #[must_use]
    pub const fn typing(questions: u32, valid_for: Span) -> Self {
        Self { questions, valid_for, from: CallerQuestions::Mandatory, how: CallerCheck::OperatorTypes }
    }
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
        let came_later = |asked: Verification| !asked.from.is_usual() || !asked.how.is_usual();
        if self.verification.is_some_and(came_later) {
            FeatureLevel::FOURTH
        } else if self.is_usual() {
            FeatureLevel::FIRST
        } else {
            FeatureLevel::THIRD
        }
    }
}
