//! How people prove who they are, and that they are people: the settings of these activities.

use super::Activity;
use crate::document;
use crate::feature_level::FeatureLevel;
use crate::ids::QuestionId;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// Settings of *Authenticate with password*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordAuthentication {}

/// Settings of *Authenticate with Q&A profile*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionAuthentication {
    /// Which of the profile's questions are asked.
    pub ask: AskedQuestions,
    /// Which sorts of question they are taken from; empty for any.
    #[serde(default, with = "document::only", skip_serializing_if = "BTreeSet::is_empty")]
    pub from: BTreeSet<QuestionSort>,
    /// What happens when the profile has fewer than are to be drawn.
    #[serde(default, with = "document::only", skip_serializing_if = "TooFew::is_default")]
    pub too_few: TooFew,
    /// Tell which answers were wrong. Whoever guesses can then guess them one by one.
    #[serde(default, with = "document::only", skip_serializing_if = "std::ops::Not::not")]
    pub name_wrong: bool,
}

/// Which of the profile's questions are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedQuestions {
    /// All of them.
    All,
    /// This many, drawn for each session.
    Random(u32),
    /// These of the list. Who has not answered one of them does not pass.
    These(Vec<QuestionId>),
}

/// A sort of question that a profile may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionSort {
    /// Everyone answers it.
    Mandatory,
    /// Picked from the list.
    Optional,
    /// Written by the user.
    Own,
}

/// What happens when a profile has fewer questions than are to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooFew {
    /// All that there are are asked.
    #[default]
    AskAll,
    /// Nobody passes with such a profile, until it is brought up to date.
    Refuse,
}

impl TooFew {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl QuestionAuthentication {
    /// Asks these of the profile's questions, of any sort.
    #[must_use]
    pub fn asking(ask: AskedQuestions) -> Self {
        Self { ask, from: BTreeSet::new(), too_few: TooFew::AskAll, name_wrong: false }
    }

    /// Whether it asks nothing of anybody.
    pub(super) fn asks_nothing(&self) -> bool {
        match &self.ask {
            AskedQuestions::Random(count) => *count == 0,
            AskedQuestions::These(list) => list.is_empty(),
            AskedQuestions::All => false,
        }
    }

    pub(super) fn needs(&self) -> FeatureLevel {
        let came_later = matches!(self.ask, AskedQuestions::These(_))
            || !self.from.is_empty()
            || !self.too_few.is_default()
            || self.name_wrong;
        if came_later { FeatureLevel::THIRD } else { FeatureLevel::FIRST }
    }
}

/// Settings of *Authenticate with passcode*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasscodeAuthentication {}

/// Settings of *Authenticate with a code by mail*. It goes to the `mail` attribute of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailCodeAuthentication {
    /// How many digits a code has; [`MailCodeAuthentication::DIGITS`].
    pub digits: u8,
    /// How long it is good for; from [`MailCodeAuthentication::SHORTEST`] to [`MailCodeAuthentication::LONGEST`].
    pub life: Span,
}

impl MailCodeAuthentication {
    /// How many digits a code may have.
    pub const DIGITS: std::ops::RangeInclusive<u8> = 6..=10;
    /// The shortest life of a code.
    pub const SHORTEST: Span = Span::minutes(1);
    /// The longest.
    pub const LONGEST: Span = Span::minutes(30);

    pub(super) fn is_valid(self) -> bool {
        Self::DIGITS.contains(&self.digits) && (Self::SHORTEST..=Self::LONGEST).contains(&self.life)
    }
}

impl Default for MailCodeAuthentication {
    fn default() -> Self {
        Self { digits: 6, life: Span::minutes(10) }
    }
}

/// Settings of *Authentication methods*: ways to prove who one is, of which the user takes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthenticationMethods {
    /// What is offered, in this order; the first one is chosen at first. At least two, each at most once.
    pub offered: Vec<AuthenticationMethod>,
}

/// One way to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthenticationMethod {
    /// With security questions.
    Questions(QuestionAuthentication),
    /// With the current directory password.
    Password(PasswordAuthentication),
    /// With a code that is sent by mail.
    MailCode(MailCodeAuthentication),
}

impl AuthenticationMethod {
    /// The activity that it is.
    #[must_use]
    pub fn activity(&self) -> Activity {
        match self {
            Self::Questions(settings) => Activity::AuthenticateWithQuestions(settings.clone()),
            Self::Password(settings) => Activity::AuthenticateWithPassword(*settings),
            Self::MailCode(settings) => Activity::AuthenticateWithMailCode(*settings),
        }
    }
}

impl AuthenticationMethods {
    /// Whether there is a choice.
    pub(super) fn is_valid(&self) -> bool {
        let kinds: HashSet<_> = self.offered.iter().map(std::mem::discriminant).collect();
        self.offered.len() > 1 && kinds.len() == self.offered.len()
    }

    /// The security questions among them.
    #[must_use]
    pub fn asked_questions(&self) -> Option<&QuestionAuthentication> {
        self.offered.iter().find_map(|method| match method {
            AuthenticationMethod::Questions(settings) => Some(settings),
            AuthenticationMethod::Password(_) | AuthenticationMethod::MailCode(_) => None,
        })
    }
}
