//! The reference: one label as a client may know it, written without sight of the production code. It says whether an
//! answer is possible in a state, and what the state is then.
//!
//! Revisions are the realm's: another label's writes may use up any of them, so all that is known of the next one is
//! that it is higher. What a write with an unknown outcome made has a revision that nobody was told yet.

use crate::history::{Answer, Condition, Deleted, Op, Operation, Present, Written};

/// What is known of one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Known {
    /// Its value by number, if it is there.
    value: Option<u32>,
    /// Its revision, as soon as anybody was told.
    revision: Option<u64>,
    /// No revision below was left: the present one, if there is one, is at least this.
    floor: u64,
}

/// One operation on one label, its values as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    what: What,
    answer: Option<Reply>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Put(u32, Condition),
    Get,
    Delete(Condition),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// A put wrote this revision.
    Wrote(u64),
    Deleted,
    Found(u32, u64),
    Missing,
    Refused(Present),
}

impl Step {
    /// What an operation did to its label; none when it is certain that it did nothing. `number` numbers values: equal
    /// ones get the same number.
    pub fn of(operation: &Operation, number: &mut impl FnMut(&str) -> u32) -> Option<Self> {
        let what = match &operation.op {
            Op::Put { value, condition, .. } => What::Put(number(value), *condition),
            Op::Get { .. } => What::Get,
            Op::Delete { condition, .. } => What::Delete(*condition),
        };
        let answer = match &operation.result {
            None => None,
            Some(Answer::NothingDone) => return None,
            Some(Answer::Put(Written::Ok { revision })) => Some(Reply::Wrote(*revision)),
            Some(Answer::Delete(Deleted::Ok(()))) => Some(Reply::Deleted),
            Some(Answer::Put(Written::Refused(present)) | Answer::Delete(Deleted::Refused(present))) => {
                Some(Reply::Refused(*present))
            }
            Some(Answer::Get { value: Some(value), revision: Some(revision) }) => {
                Some(Reply::Found(number(value), *revision))
            }
            Some(Answer::Get { .. }) => Some(Reply::Missing),
        };
        // A read of which nobody heard did nothing.
        (what != What::Get || answer.is_some()).then_some(Self { what, answer })
    }

    /// Whether the outcome is unknown.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self.answer.is_none()
    }

    /// The highest floor of a label at which this step may still happen.
    #[must_use]
    pub fn deadline(self) -> u64 {
        match (self.what, self.answer) {
            (_, Some(Reply::Wrote(revision))) => revision.saturating_sub(1),
            (
                _,
                Some(Reply::Found(_, revision) | Reply::Refused(Present { revision: Some(Some(revision)) })),
            )
            | (What::Delete(Condition::Revision(revision)), Some(Reply::Deleted)) => revision,
            _ => u64::MAX,
        }
    }

    /// The revision that the label has to have just before this step, for what was told or asked to be true.
    #[must_use]
    pub fn needs(self) -> Option<u64> {
        match (self.what, self.answer) {
            (_, Some(Reply::Refused(Present { revision: Some(told) }))) => told,
            (_, Some(Reply::Refused(_))) => None,
            (
                What::Put(_, Condition::Revision(revision)) | What::Delete(Condition::Revision(revision)),
                _,
            ) => Some(revision),
            _ => None,
        }
    }

    /// The value that this step leaves.
    #[must_use]
    pub fn writes(self) -> Option<u32> {
        match self.what {
            What::Put(value, _) => Some(value),
            What::Get | What::Delete(_) => None,
        }
    }

    /// Revision and value, when the answer tells both.
    #[must_use]
    pub fn tells(self) -> Option<(u64, u32)> {
        match (self.what, self.answer) {
            (What::Put(value, _), Some(Reply::Wrote(revision)))
            | (_, Some(Reply::Found(value, revision))) => Some((revision, value)),
            _ => None,
        }
    }

    /// Whether another step may be possible directly after this one, which has an unknown outcome.
    #[must_use]
    pub fn makes_possible(self, next: Self) -> bool {
        Known { value: self.writes(), revision: None, floor: 0 }.after(next).is_some()
    }
}

impl Known {
    /// The lowest revision that the label can have.
    #[must_use]
    pub fn floor(self) -> u64 {
        self.floor
    }

    /// The state after a step, or none if the step cannot be answered so in this state. A step of unknown outcome is
    /// taken to have had its effect.
    #[must_use]
    pub fn after(self, step: Step) -> Option<Self> {
        match (step.what, step.answer) {
            (What::Get, None) => Some(self),
            (What::Get, Some(Reply::Found(value, revision))) => {
                (self.value == Some(value)).then(|| self.told(Some(revision))).flatten()
            }
            (What::Get, Some(Reply::Missing)) => self.told(None),
            (What::Put(_, condition) | What::Delete(condition), Some(Reply::Refused(present))) => {
                let now = match present.revision {
                    Some(told) => self.told(told)?,
                    None => self,
                };
                let deletes_nothing = matches!(step.what, What::Delete(_)) && now.value.is_none();
                (deletes_nothing || now.may_fail(condition)).then_some(now)
            }
            (What::Put(value, condition), Some(Reply::Wrote(revision))) => {
                let above = self.meeting(condition)?.above();
                (revision >= above).then_some(Self {
                    value: Some(value),
                    revision: Some(revision),
                    floor: revision,
                })
            }
            (What::Put(value, condition), None) => {
                Some(Self { value: Some(value), revision: None, floor: self.meeting(condition)?.above() })
            }
            (What::Delete(condition), Some(Reply::Deleted) | None) => {
                let there = self.meeting(condition)?;
                there.value?;
                Some(Self { value: None, revision: None, floor: there.above() })
            }
            _ => None,
        }
    }

    /// The lowest revision that a write may get now.
    fn above(self) -> u64 {
        self.floor.saturating_add(1)
    }

    /// With a present revision that somebody was told, if it can be.
    fn told(self, revision: Option<u64>) -> Option<Self> {
        match (self.value, self.revision, revision) {
            (None, _, None) => Some(self),
            (Some(_), Some(known), Some(told)) => (known == told).then_some(self),
            (Some(_), None, Some(told)) => {
                (told >= self.floor).then_some(Self { revision: Some(told), floor: told, ..self })
            }
            _ => None,
        }
    }

    /// With what a condition that held says of the label.
    fn meeting(self, condition: Condition) -> Option<Self> {
        match condition {
            Condition::Always => Some(self),
            Condition::Absent => self.value.is_none().then_some(self),
            Condition::Revision(revision) => self.told(Some(revision)),
        }
    }

    /// Whether a condition may fail. (That a revision nobody was told is not this one is forgotten at once: a history
    /// is never refused for it.)
    fn may_fail(self, condition: Condition) -> bool {
        match condition {
            Condition::Always => false,
            Condition::Absent => self.value.is_some(),
            Condition::Revision(revision) => self.value.is_none() || self.revision != Some(revision),
        }
    }
}
