//! A digest of a set of cells that follows each change at the cost of that change.
//!
//! It is the sum of a SHA-256 per cell, in four lanes of 64 bits. The order of cells does not matter, equal sets have
//! equal digests, and a set that differs in one bit has another one. It reveals faults; it is no proof against somebody
//! who chooses cells on purpose, which only members can.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of the way in which cells are summed up.
pub const SCHEME: u16 = 1;

/// The digest of a set of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct CellsDigest([u64; 4]);

impl CellsDigest {
    /// The digest of all these cells.
    #[must_use]
    pub fn of(cells: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let mut all = Self::default();
        for (key, value) in cells {
            all.add(&key, &value);
        }
        all
    }

    /// A cell came.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        for (lane, part) in self.0.iter_mut().zip(lanes(key, value)) {
            *lane = lane.wrapping_add(part);
        }
    }

    /// A cell went, with the value that it had.
    pub fn remove(&mut self, key: &[u8], value: &[u8]) {
        for (lane, part) in self.0.iter_mut().zip(lanes(key, value)) {
            *lane = lane.wrapping_sub(part);
        }
    }

    /// Its bytes, as they are stored.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (to, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&lane.to_be_bytes());
        }
        bytes
    }

    /// The digest of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(split(&bytes))
    }
}

impl fmt::Display for CellsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

fn lanes(key: &[u8], value: &[u8]) -> [u64; 4] {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(value);
    split(&hash.finalize().into())
}

fn split(bytes: &[u8; 32]) -> [u64; 4] {
    let mut lanes = [0; 4];
    for (lane, from) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
        *lane = from.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_lead_to_the_digest_of_what_is_left_in_any_order() {
        let mut followed = CellsDigest::default();
        followed.add(b"a", b"1");
        followed.add(b"b", b"2");
        followed.remove(b"a", b"1");
        followed.add(b"a", b"3");
        let cell = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
        assert_eq!(followed, CellsDigest::of([cell(b"a", b"3"), cell(b"b", b"2")].into_iter()));
        assert_eq!(CellsDigest::from_bytes(followed.to_bytes()), followed);
    }

    #[test]
    fn bytes_do_not_move_between_key_and_value_unseen() {
        let cell = |key: &[u8], value: &[u8]| CellsDigest::of([(key.to_vec(), value.to_vec())].into_iter());
        assert_ne!(cell(b"ab", b"c"), cell(b"a", b"bc"));
        assert_ne!(cell(b"a", b"b"), CellsDigest::default());
    }
}
