//! Each start of a member is a life of its own: a number and a random id, durable before anybody hears of it.
//!
//! A disk that was put back from an older copy does not know the lives that came after. A member tells its recent lives; who
//! remembers a later one, or another one under the same number, has an old copy before it.

use crate::types::Jitter;
use passquorum_storage::codec::Kind;
use passquorum_storage::{Durability, Records, StoreError};
use rand::RngCore;
use serde::{Deserialize, Serialize};

const LIVES: Kind = Kind::new(141, 1);
const LIVES_NAME: &str = "lives";
/// Lives that are told at most.
const TOLD: usize = 100;

/// One start of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) number: u64,
    pub(crate) id: [u8; 16],
}

/// The recent lives of a member, latest last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Lives(Vec<Life>);

impl Lives {
    /// Begins a new life, durably.
    pub(crate) fn begin(records: &Records) -> Result<Self, StoreError> {
        let mut lives: Self = records.read(LIVES, LIVES_NAME)?.unwrap_or_default();
        lives.add();
        records.write(LIVES, LIVES_NAME, &lives, Durability::Synced)?;
        Ok(lives)
    }

    fn add(&mut self) {
        let mut id = [0; 16];
        Jitter.fill_bytes(&mut id);
        let number = self.last().map_or(1, |life| life.number.saturating_add(1));
        self.0.push(Life { number, id });
        let surplus = self.0.len().saturating_sub(TOLD);
        self.0.drain(..surplus);
    }

    pub(crate) fn last(&self) -> Option<Life> {
        self.0.last().copied()
    }

    /// Whether a life that somebody remembers is one of these, or older than all that are told.
    pub(crate) fn follow(&self, remembered: Life) -> bool {
        let same_number = self.0.iter().find(|life| life.number == remembered.number);
        match same_number {
            Some(life) => life.id == remembered.id,
            None => self.last().is_some_and(|last| remembered.number < last.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_follow_those_that_came_before_and_no_others() {
        let mut lives = Lives::default();
        lives.add();
        let copy = lives.clone();
        lives.add();
        let second = lives.last().unwrap();
        lives.add();
        assert!(lives.follow(second) && lives.follow(copy.last().unwrap()));
        assert!(!copy.follow(second), "the copy ends before it");
        let mut other = copy.clone();
        other.add();
        assert!(!other.follow(second), "the copy lived on by itself");
        assert!(!Lives::default().follow(second), "an empty disk");
    }

    #[test]
    fn lives_older_than_those_that_are_told_are_believed() {
        let mut lives = Lives::default();
        lives.add();
        let first = lives.last().unwrap();
        (0..2 * TOLD).for_each(|_| lives.add());
        assert_eq!(lives.0.len(), TOLD);
        assert!(lives.follow(first));
    }
}
