//! Security questions: the policy's list and settings, and the profile that a user registers.
//!
//! A profile holds each answer as an Argon2id hash with its own salt (RFC 9106), and the whole profile is sealed under the
//! realm key, bound to the user's `objectGUID`, before it goes to the directory. Beside its hash stands the answer itself
//! where the policy lets the helpdesk see it: sealed once more, under a key of its own purpose.

mod proposed;

use crate::blob::Sealed;
use crate::document;
use crate::feature_level::FeatureLevel;
use crate::ids::QuestionId;
use crate::profile::RequirementsDigest;
use crate::secret::Answer;
use crate::workflow::QuestionSort;
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

/// What a question of the list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionKind {
    /// Everyone answers it.
    Mandatory,
    /// The user picks some of these.
    Optional,
    /// Everyone answers it, for the helpdesk alone, which may be shown the answer.
    Helpdesk,
}

/// A question of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its id.
    pub id: QuestionId,
    /// What it is for.
    pub kind: QuestionKind,
    /// Its text; 1 to 300 characters.
    pub text: String,
}

/// The question list and what is asked of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QaPolicy {
    /// The questions.
    pub questions: Vec<Question>,
    /// How many optional questions a user picks.
    pub optional_to_register: u32,
    /// How many questions a user writes.
    pub user_defined_to_register: u32,
    /// Fewest characters of a question that a user writes.
    pub min_question_length: u32,
    /// Fewest characters of an answer.
    pub min_answer_length: u32,
    /// Refuse the same answer to two questions.
    pub reject_same_answer: bool,
    /// Refuse an answer that its question contains.
    pub reject_answer_in_question: bool,
    /// Keep the answers to mandatory questions so that the helpdesk can be shown them, or ask for some of their characters.
    #[serde(default, with = "document::only", skip_serializing_if = "std::ops::Not::not")]
    pub keep_mandatory_answers: bool,
}

impl QaPolicy {
    /// The questions that everyone answers.
    pub fn for_everyone(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.kind != QuestionKind::Optional)
    }

    /// The questions of one kind.
    pub fn of_kind(&self, kind: QuestionKind) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(move |question| question.kind == kind)
    }

    /// The question of the list with this id.
    #[must_use]
    pub fn listed(&self, id: QuestionId) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// The words in which a question of a profile is asked: the list's as they are now, so that they do not tell when, and so
    /// whether, somebody has answered; its own when it is not on the list any more.
    #[must_use]
    pub fn text_of<'a>(&'a self, question: &'a AskedQuestion) -> &'a str {
        match question.origin {
            QuestionOrigin::Listed(id) => self.listed(id).map_or(&question.text, |listed| &listed.text),
            QuestionOrigin::UserDefined => &question.text,
        }
    }

    /// How many questions of a sort a complete profile has.
    #[must_use]
    pub fn registered(&self, sort: QuestionSort) -> usize {
        match sort {
            QuestionSort::Mandatory => self.of_kind(QuestionKind::Mandatory).count(),
            QuestionSort::Optional => self.optional_to_register as usize,
            QuestionSort::Own => self.user_defined_to_register as usize,
        }
    }

    /// Of which sort a question of a profile is; none when it is for the helpdesk, or not on the list any more.
    #[must_use]
    pub fn sort_of(&self, origin: &QuestionOrigin) -> Option<QuestionSort> {
        match origin {
            QuestionOrigin::UserDefined => Some(QuestionSort::Own),
            QuestionOrigin::Listed(id) => match self.listed(*id)?.kind {
                QuestionKind::Mandatory => Some(QuestionSort::Mandatory),
                QuestionKind::Optional => Some(QuestionSort::Optional),
                QuestionKind::Helpdesk => None,
            },
        }
    }

    /// Whether a question may prove who a visitor is. What operators could see proves it only where the policy says that they
    /// may see the answers to mandatory questions: not that of a helpdesk question, nor of one that was one.
    #[must_use]
    pub fn is_for_visitors(&self, entry: &ProfileEntry) -> bool {
        match self.sort_of(&entry.question.origin) {
            Some(QuestionSort::Mandatory) => self.keep_mandatory_answers || entry.kept.is_none(),
            Some(QuestionSort::Optional | QuestionSort::Own) => entry.kept.is_none(),
            None => entry.kept.is_none() && !self.is_for_helpdesk(&entry.question.origin),
        }
    }

    fn is_for_helpdesk(&self, origin: &QuestionOrigin) -> bool {
        self.kind_of(origin) == Some(QuestionKind::Helpdesk)
    }

    /// What a question of a profile is for, if it is on the list.
    #[must_use]
    pub fn kind_of(&self, origin: &QuestionOrigin) -> Option<QuestionKind> {
        match origin {
            QuestionOrigin::Listed(id) => self.listed(*id).map(|question| question.kind),
            QuestionOrigin::UserDefined => None,
        }
    }

    /// Whether the answer itself is kept for the helpdesk, beside its hash.
    #[must_use]
    pub fn keeps_answers(&self, kind: QuestionKind) -> bool {
        match kind {
            QuestionKind::Mandatory => self.keep_mandatory_answers,
            QuestionKind::Optional => false,
            QuestionKind::Helpdesk => true,
        }
    }

    /// The feature level from which on it may be had.
    pub(crate) fn needs(&self) -> FeatureLevel {
        let came_later = self.keep_mandatory_answers || self.of_kind(QuestionKind::Helpdesk).next().is_some();
        if came_later { FeatureLevel::FOURTH } else { FeatureLevel::FIRST }
    }

    /// How many answers a complete profile has.
    #[must_use]
    pub fn answers_to_register(&self) -> usize {
        let chosen = self.optional_to_register.saturating_add(self.user_defined_to_register);
        self.for_everyone().count().saturating_add(chosen as usize)
    }
}

/// A question and answer as the user gives them at registration.
#[derive(Debug, Clone)]
pub struct NewAnswer {
    /// Which question.
    pub question: AskedQuestion,
    /// The answer.
    pub answer: Answer,
}

/// A question as a profile knows it. The text is kept, so that a question removed from the list can still be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedQuestion {
    /// Where it comes from.
    pub origin: QuestionOrigin,
    /// Its text when it was answered.
    pub text: String,
}

/// Where a profile's question comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuestionOrigin {
    /// The policy's list.
    Listed(QuestionId),
    /// The user wrote it.
    UserDefined,
}

/// What is wrong with the answers of a registration; `index` counts from 0 in the order given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileProblem {
    /// A mandatory question is not answered.
    #[error("The question \u{201c}{text}\u{201d} must be answered.")]
    MissingMandatory {
        /// Its text.
        text: String,
    },
    /// The wrong number of optional questions.
    #[error("Choose {wanted} of the optional questions.")]
    OptionalCount {
        /// How many are wanted.
        wanted: u32,
    },
    /// The wrong number of own questions.
    #[error("Write {wanted} questions of your own.")]
    UserDefinedCount {
        /// How many are wanted.
        wanted: u32,
    },
    /// A question that the list does not have.
    #[error("Question {} is not on the list any more.", index + 1)]
    UnknownQuestion {
        /// Which answer.
        index: usize,
    },
    /// The same question twice.
    #[error("Question {} is answered twice.", index + 1)]
    RepeatedQuestion {
        /// Which answer.
        index: usize,
    },
    /// The user's own question is too short or too long.
    #[error("Your own question {} needs {min} to 300 characters.", index + 1)]
    QuestionLength {
        /// Which answer.
        index: usize,
        /// Fewest characters.
        min: u32,
    },
    /// The answer is too short.
    #[error("Answer {} needs at least {min} characters.", index + 1)]
    AnswerTooShort {
        /// Which answer.
        index: usize,
        /// Fewest characters.
        min: u32,
    },
    /// The same answer as another one.
    #[error("Answer {} is the same as another one.", index + 1)]
    SameAnswer {
        /// Which answer.
        index: usize,
    },
    /// The question contains the answer.
    #[error("Answer {} stands in its question.", index + 1)]
    AnswerInQuestion {
        /// Which answer.
        index: usize,
    },
}

impl QaPolicy {
    /// Everything that is wrong with a registration.
    #[must_use]
    pub fn problems(&self, answers: &[NewAnswer]) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        let answered =
            |id: QuestionId| answers.iter().any(|given| given.question.origin == QuestionOrigin::Listed(id));
        for question in self.for_everyone().filter(|question| !answered(question.id)) {
            problems.push(ProfileProblem::MissingMandatory { text: question.text.clone() });
        }
        let optional = self.of_kind(QuestionKind::Optional).filter(|question| answered(question.id)).count();
        if optional != self.optional_to_register as usize {
            problems.push(ProfileProblem::OptionalCount { wanted: self.optional_to_register });
        }
        let own = answers.iter().filter(|given| given.question.origin == QuestionOrigin::UserDefined).count();
        if own != self.user_defined_to_register as usize {
            problems.push(ProfileProblem::UserDefinedCount { wanted: self.user_defined_to_register });
        }
        for (index, given) in answers.iter().enumerate() {
            problems.extend(self.answer_problems(index, given, answers.get(..index).unwrap_or_default()));
        }
        problems
    }

    fn answer_problems(&self, index: usize, given: &NewAnswer, earlier: &[NewAnswer]) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        let question = &given.question;
        match &question.origin {
            QuestionOrigin::Listed(id) if !self.questions.iter().any(|listed| listed.id == *id) => {
                problems.push(ProfileProblem::UnknownQuestion { index });
            }
            QuestionOrigin::UserDefined => {
                let length = question.text.trim().chars().count();
                if length < self.min_question_length as usize || length > 300 {
                    problems.push(ProfileProblem::QuestionLength { index, min: self.min_question_length });
                }
            }
            QuestionOrigin::Listed(_) => {}
        }
        if earlier.iter().any(|other| other.question == *question) {
            problems.push(ProfileProblem::RepeatedQuestion { index });
        }
        let answer = given.answer.normalized();
        if answer.chars().count() < self.min_answer_length as usize {
            problems.push(ProfileProblem::AnswerTooShort { index, min: self.min_answer_length });
        }
        if self.reject_same_answer
            && earlier.iter().any(|other| other.answer.normalized().as_str() == answer.as_str())
        {
            problems.push(ProfileProblem::SameAnswer { index });
        }
        if self.reject_answer_in_question && question.text.to_lowercase().contains(answer.as_str()) {
            problems.push(ProfileProblem::AnswerInQuestion { index });
        }
        problems
    }

    /// Whether a registered profile still meets this policy: its questions do, and so do the requirements that it was made
    /// under, where it says which.
    #[must_use]
    pub fn is_satisfied_by(&self, profile: &QaProfile, made_under: Option<RequirementsDigest>) -> bool {
        made_under.is_none_or(|digest| digest == RequirementsDigest::of(self)) && self.is_met_by(profile)
    }

    /// Whether a profile's questions meet this policy: all that can be told without its answers.
    #[must_use]
    pub fn is_met_by(&self, profile: &QaProfile) -> bool {
        let optional = self.of_kind(QuestionKind::Optional).filter(|question| profile.asks(question.id));
        let answers = |question: &Question| {
            let place = profile.place_of(question.id).and_then(|place| profile.entries.get(place));
            place.is_some_and(|entry| entry.kept.is_some() || !self.keeps_answers(question.kind))
        };
        self.for_everyone().all(answers)
            && optional.count() >= self.optional_to_register as usize
            && profile.user_defined() >= self.user_defined_to_register as usize
    }
}

/// A registered profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QaProfile {
    /// Questions with their answers' hashes.
    pub entries: Vec<ProfileEntry>,
}

/// One question of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileEntry {
    /// The question.
    pub question: AskedQuestion,
    /// The answer's hash.
    pub answer: AnswerHash,
    /// The answer itself, where the helpdesk may be shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Sealed>,
}

impl QaProfile {
    /// Hashes a registration; `salt` draws 16 fresh random bytes for each answer.
    pub fn register(
        answers: Vec<NewAnswer>,
        cost: HashCost,
        mut salt: impl FnMut() -> [u8; 16],
    ) -> Result<Self, HashError> {
        let entries = answers.into_iter().map(|given| {
            let answer = AnswerHash::new(&given.answer, cost, salt())?;
            Ok(ProfileEntry { answer, question: given.question, kept: None })
        });
        Ok(Self { entries: entries.collect::<Result<_, HashError>>()? })
    }

    /// Whether each of the answers to the entries at `asked` is right. Every one is checked, whatever the others give, so
    /// that time tells nothing of which was wrong.
    pub fn verify(&self, asked: &[usize], answers: &[Answer]) -> Result<Vec<bool>, HashError> {
        let check = |(index, answer): (&usize, &Answer)| match self.entries.get(*index) {
            Some(entry) => entry.answer.verify(answer),
            None => Ok(false),
        };
        asked.iter().zip(answers).map(check).collect()
    }

    /// The place of the answer to a question of the list.
    #[must_use]
    pub fn place_of(&self, id: QuestionId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.question.origin == QuestionOrigin::Listed(id))
    }

    fn asks(&self, id: QuestionId) -> bool {
        self.place_of(id).is_some()
    }

    fn user_defined(&self) -> usize {
        self.entries.iter().filter(|entry| entry.question.origin == QuestionOrigin::UserDefined).count()
    }
}

/// Argon2id could not run: its parameters or the memory for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer could not be hashed (Argon2id)")]
pub struct HashError;

/// What hashing one answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
}

impl HashCost {
    /// What production uses, 8 MiB and 2 passes: the hash lies sealed under the realm key, so it is the second wall,
    /// and a node must be able to check many answers at once.
    pub const STANDARD: Self = Self { memory_kib: 8 * 1024, passes: 2 };
    /// The least that Argon2 takes: for a simulation, whose profiles protect nothing.
    pub const LEAST: Self = Self { memory_kib: 8, passes: 1 };
}

/// Argon2id hash of a normalised answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerHash {
    /// Memory in KiB.
    memory_kib: u32,
    /// Passes.
    passes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl AnswerHash {
    /// Hashes an answer.
    pub fn new(answer: &Answer, cost: HashCost, salt: [u8; 16]) -> Result<Self, HashError> {
        let HashCost { memory_kib, passes } = cost;
        Ok(Self { memory_kib, passes, salt, hash: derive(answer, &salt, memory_kib, passes)? })
    }

    /// Compares in constant time.
    pub fn verify(&self, answer: &Answer) -> Result<bool, HashError> {
        let derived = derive(answer, &self.salt, self.memory_kib, self.passes)?;
        Ok(subtle::ConstantTimeEq::ct_eq(&derived[..], &self.hash[..]).into())
    }

    /// Spends the time of one check, for a user who does not exist or has no profile.
    pub fn spend(answer: &Answer, cost: HashCost) -> Result<(), HashError> {
        derive(answer, &[0; 16], cost.memory_kib, cost.passes).map(drop)
    }
}

fn derive(answer: &Answer, salt: &[u8; 16], memory_kib: u32, passes: u32) -> Result<[u8; 32], HashError> {
    let params = Params::new(memory_kib.min(1 << 20), passes.min(16), 1, Some(32)).map_err(|_| HashError)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(answer.normalized().as_bytes(), salt, &mut out)
        .map_err(|_| HashError)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
