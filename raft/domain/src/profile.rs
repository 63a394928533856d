//! A profile as the directory keeps it: the sealed value, what it says beside itself, and where it stands.
//!
//! Invariants: the digest beside a value is a hint, the one inside the seal decides. A value is bound to the attribute that
//! it was written to and to that attribute's version: every write raises the version by one or, where replacing counts as
//! two changes, by two. Whoever puts an earlier value back does so by at least one write after the one that replaced it,
//! so that the version is beyond what the seal allows. Must not know how a value is sealed or encoded.

use crate::blob::Blob;
use crate::feature_level::FeatureLevel;
use crate::qa::{QaPolicy, QuestionKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Which requirements a profile was made under: the first bytes of SHA-256 over what a policy asks of a profile.
///
/// No secret: what it is made from is shown to everyone who registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RequirementsDigest([u8; Self::BYTES]);

impl RequirementsDigest {
    const BYTES: usize = 8;
    /// Of a profile that does not satisfy its policy, or of which that cannot be told: no policy has this one.
    pub const NONE: Self = Self([0; Self::BYTES]);
    /// Of a profile that the helpdesk wants made anew: no policy has this one either.
    pub const OUTDATED: Self = Self([0xff; Self::BYTES]);

    /// Of a policy: its mandatory questions by id, how many optional and own ones, and the least lengths. Their order and
    /// texts do not count. Where answers are kept for the helpdesk, its questions and whether mandatory ones are kept too.
    #[must_use]
    pub fn of(policy: &QaPolicy) -> Self {
        let mut mandatory: Vec<_> =
            policy.of_kind(QuestionKind::Mandatory).map(|question| *question.id.0.as_bytes()).collect();
        mandatory.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(b"passquorum requirements 1");
        for number in [
            policy.optional_to_register,
            policy.user_defined_to_register,
            policy.min_question_length,
            policy.min_answer_length,
        ] {
            hasher.update(number.to_be_bytes());
        }
        // Whatever is left belongs to the ids, all of one length.
        mandatory.iter().for_each(|id| hasher.update(id));
        if policy.needs() >= FeatureLevel::FOURTH {
            hasher.update(b"passquorum helpdesk");
            hasher.update([u8::from(policy.keep_mandatory_answers)]);
            let mut helpdesk: Vec<_> =
                policy.of_kind(QuestionKind::Helpdesk).map(|question| *question.id.0.as_bytes()).collect();
            helpdesk.sort_unstable();
            helpdesk.iter().for_each(|id| hasher.update(id));
        }
        let mut digest = [0; Self::BYTES];
        digest.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
        Self(digest)
    }
}

impl fmt::Display for RequirementsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// This is no requirements digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a requirements digest is 16 lowercase hex digits")]
pub struct NoDigest;

impl FromStr for RequirementsDigest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * Self::BYTES || !text.as_bytes().iter().all(is_hex) {
            return Err(NoDigest);
        }
        u64::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| NoDigest)
    }
}

impl From<RequirementsDigest> for String {
    fn from(digest: RequirementsDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for RequirementsDigest {
    type Error = NoDigest;

    fn try_from(text: String) -> Result<Self, NoDigest> {
        text.parse()
    }
}

/// What stands in a profile attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileValue {
    /// The sealed profile.
    pub sealed: Blob,
    /// What the value says beside it; nothing below the third feature level.
    pub digest: Option<RequirementsDigest>,
}

impl From<Blob> for ProfileValue {
    fn from(sealed: Blob) -> Self {
        Self { sealed, digest: None }
    }
}

/// An attribute of one user, and how many times it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub attribute: String,
    /// Its version; nothing where the directory does not tell.
    pub version: Option<u32>,
}

/// What the directory holds of one user's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProfile {
    /// The value, if there is one.
    pub value: Option<ProfileValue>,
    /// Where it stands.
    pub at: Place,
    /// Where the next one is written.
    pub next: Place,
}

impl HeldProfile {
    /// What a directory with one attribute holds.
    #[must_use]
    pub fn in_one(value: Option<ProfileValue>, place: Place) -> Self {
        Self { value, at: place.clone(), next: place }
    }

    /// The stamp of what is written over this.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let replaces = self.value.is_some() && self.at == self.next;
        Stamp {
            attribute: self.next.attribute.to_lowercase(),
            before: self.next.version,
            steps: if replaces { 2 } else { 1 },
        }
    }
}

/// Where and over which version a value was written. It goes into the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The attribute's name, in lower case.
    attribute: String,
    /// Its version before; nothing where the directory did not tell.
    before: Option<u32>,
    /// By how much writing it raised the version at most.
    steps: u32,
}

impl Stamp {
    /// Whether what stands there now is still what was written under this stamp, as far as can be told.
    #[must_use]
    pub fn fits(&self, at: &Place) -> bool {
        let (Some(before), Some(version)) = (self.before, at.version) else { return true };
        let raised = version.checked_sub(before).is_some_and(|by| (1..=self.steps).contains(&by));
        raised && self.attribute == at.attribute.to_lowercase()
    }

    /// Whether it says a version.
    #[must_use]
    pub fn has_version(&self) -> bool {
        self.before.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::QuestionId;
    use crate::qa::Question;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn policy() -> QaPolicy {
        let question = |n, kind| Question { id: QuestionId(Uuid::from_u128(n)), kind, text: format!("{n}?") };
        QaPolicy {
            questions: vec![
                question(1, QuestionKind::Mandatory),
                question(2, QuestionKind::Optional),
                question(3, QuestionKind::Mandatory),
            ],
            optional_to_register: 1,
            user_defined_to_register: 2,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        }
    }

    #[test]
    fn the_digest_of_a_policy_is_fixed_and_changes_with_each_requirement_only() {
        let digest = RequirementsDigest::of(&policy());
        assert_eq!(digest.to_string(), "36bc0b6d2ae42581");
        let with = |change: fn(&mut QaPolicy)| {
            let mut changed = policy();
            change(&mut changed);
            RequirementsDigest::of(&changed)
        };
        assert_eq!(with(|policy| policy.questions.reverse()), digest);
        assert_eq!(with(|policy| policy.questions[0].text.push('!')), digest);
        assert_eq!(with(|policy| drop(policy.questions.remove(1))), digest);
        for other in [
            with(|policy| drop(policy.questions.remove(0))),
            with(|policy| policy.questions[1].kind = QuestionKind::Mandatory),
            with(|policy| policy.optional_to_register = 2),
            with(|policy| policy.user_defined_to_register = 1),
            with(|policy| policy.min_question_length = 11),
            with(|policy| policy.min_answer_length = 4),
            with(|policy| policy.questions[1].kind = QuestionKind::Helpdesk),
            with(|policy| policy.keep_mandatory_answers = true),
        ] {
            assert_ne!(other, digest);
        }
    }

    #[test]
    fn a_digest_is_read_from_its_one_form() {
        let digest = RequirementsDigest::of(&policy());
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in
            ["", "00", "000000000000000G", "00000000000000AB", "+000000000000000", "00000000000000000"]
        {
            assert_eq!(text.parse::<RequirementsDigest>(), Err(NoDigest), "{text}");
        }
    }

    #[test]
    fn where_no_version_is_told_nothing_is_refused() {
        let place = |version| Place { attribute: "comment".to_owned(), version };
        let stamp = |version| HeldProfile::in_one(None, place(version)).stamp();
        assert!(stamp(None).fits(&place(Some(7))) && stamp(Some(1)).fits(&place(None)));
        assert!(!stamp(None).has_version());
        assert!(!stamp(Some(1)).fits(&Place { attribute: "info".to_owned(), version: Some(2) }));
    }

    proptest! {
        /// One attribute, written over and over, each time by as much as the directory pleases.
        #[test]
        fn an_earlier_value_never_fits_again_and_the_present_one_does(
            replacing in 1..=2_u32,
            writes in proptest::collection::vec(any::<bool>(), 2..8),
            back in any::<prop::sample::Index>(),
        ) {
            let mut held = HeldProfile::in_one(None, Place { attribute: "Comment".to_owned(), version: Some(0) });
            let mut stamps = Vec::new();
            let write = |held: &mut HeldProfile, value: Option<ProfileValue>| {
                let by = if held.value.is_some() && value.is_some() { replacing } else { 1 };
                let version = held.at.version.map(|version| version + by);
                *held = HeldProfile::in_one(value, Place { attribute: "comment".to_owned(), version });
            };
            for clears in writes {
                let stamp = held.stamp();
                write(&mut held, Some(Blob::from(&b"x"[..]).into()));
                prop_assert!(stamp.fits(&held.at));
                stamps.push(stamp);
                if clears {
                    write(&mut held, None);
                }
            }
            // Another hand puts one of the earlier ones back.
            let last = stamps.pop();
            let earlier = &stamps[back.index(stamps.len())];
            write(&mut held, Some(Blob::from(&b"x"[..]).into()));
            prop_assert!(!earlier.fits(&held.at));
            prop_assert!(last.is_some());
        }
    }
}
