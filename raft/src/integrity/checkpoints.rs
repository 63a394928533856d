//! Digests of the state at log indexes that every member passes.
//!
//! The digest at an index is known when the next command comes: between the two there are only entries that leave the
//! state alone. A member that was restored from cells does not know what it passed before, and says nothing about it.

use passquorum_storage::CellsDigest;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Log entries between two checkpoints.
pub(crate) const EVERY: u64 = 256;
/// Checkpoints that are remembered.
const KEPT: usize = 64;

/// The digest of the state once every entry up to an index was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) index: u64,
    pub(crate) digest: CellsDigest,
}

/// The checkpoints of one member, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoints {
    /// The last command that was seen; `None` when the state came from elsewhere.
    seen: Option<u64>,
    kept: Arc<VecDeque<Checkpoint>>,
}

impl Checkpoints {
    /// Of a state that has applied nothing yet.
    pub(crate) fn from_the_beginning() -> Self {
        Self { seen: Some(0), kept: Arc::default() }
    }

    /// Of a state that was restored.
    pub(crate) fn from_here_on() -> Self {
        Self { seen: None, kept: Arc::default() }
    }

    /// The command at `index` is about to be applied to a state with this digest.
    pub(crate) fn reach(&mut self, index: u64, digest: CellsDigest) {
        let mark = index.saturating_sub(1) / EVERY * EVERY;
        let passed = self.seen.is_some_and(|seen| seen <= mark);
        self.seen = Some(index);
        if mark == 0 || !passed {
            return;
        }
        let kept = Arc::make_mut(&mut self.kept);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Checkpoint { index: mark, digest });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Checkpoint> + '_ {
        self.kept.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u64) -> CellsDigest {
        let mut digest = CellsDigest::default();
        digest.add(b"number", &number.to_be_bytes());
        digest
    }

    fn indexes(checkpoints: &Checkpoints) -> Vec<u64> {
        checkpoints.iter().map(|checkpoint| checkpoint.index).collect()
    }

    #[test]
    fn a_checkpoint_is_the_state_before_the_first_command_behind_it() {
        let mut all = Checkpoints::from_the_beginning();
        for index in (1..=EVERY).chain([EVERY + 9, 3 * EVERY, 3 * EVERY + 1]) {
            all.reach(index, digest(index));
        }
        let expected = [(EVERY, EVERY + 9), (2 * EVERY, 3 * EVERY), (3 * EVERY, 3 * EVERY + 1)];
        let expected = expected.map(|(index, command)| Checkpoint { index, digest: digest(command) });
        assert_eq!(all.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_restored_state_claims_nothing_about_what_it_did_not_see() {
        let mut all = Checkpoints::from_here_on();
        all.reach(EVERY + 5, digest(1));
        assert!(indexes(&all).is_empty());
        all.reach(2 * EVERY + 1, digest(2));
        assert_eq!(indexes(&all), [2 * EVERY]);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut all = Checkpoints::from_the_beginning();
        (1..200).for_each(|n| all.reach(n * EVERY + 1, digest(n)));
        assert_eq!((indexes(&all).len(), indexes(&all).last()), (KEPT, Some(&(199 * EVERY))));
    }
}
