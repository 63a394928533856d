//! Fuzz targets for what comes from peers and from the disk. Built for tests and under `cfg(fuzzing)` only; each
//! function takes any bytes, and a finding is a panic.
//!
//! A checksum would keep a fuzzer out, so most targets put the bytes into right envelopes first.

#![expect(clippy::expect_used, reason = "a finding is a panic")]

mod disk;
mod peer;
mod sequence;

pub use disk::{snapshots, stored_state};
pub use peer::{identities, peer_frames, peer_messages};
pub use sequence::commands;

use passquorum_storage::codec::{self, Kind};
use serde::ser::SerializeTuple;
use serde::{Serialize, Serializer};

/// Bytes that are encoded as themselves: a tuple has no length in front.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

/// A right envelope around any payload.
fn enveloped(kind: Kind, payload: &[u8]) -> Vec<u8> {
    codec::encode(kind, &Raw(payload)).expect("a fuzzer's input is small")
}

/// The parts of an input, each after its length (u16, little-endian); the last may be shorter.
fn parts(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let (part, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
        data = rest;
        Some(part)
    })
}

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests;
