//! Where the log lives in its engine.
//!
//! | key | value |
//! |---|---|
//! | `L`, index (u64), part (u16) | one part of an entry's envelope |
//! | `V` | the vote |
//! | `P` | the id of the last purged entry |
//! | `C` | the id of the last committed entry |
//!
//! Numbers are big-endian, so that key order is log order.

use openraft::Entry;

use crate::RaftConfig;
use crate::codec::{self, Kind};
use crate::engine::{Engine, MAX_VALUE, Pair};
use crate::error::StoreError;

pub(crate) const ENTRY: Kind = Kind::new(1, 1);
pub(crate) const VOTE: Kind = Kind::new(2, 1);
pub(crate) const PURGED: Kind = Kind::new(3, 1);
pub(crate) const COMMITTED: Kind = Kind::new(4, 1);

pub(crate) const VOTE_KEY: &[u8] = b"V";
pub(crate) const PURGED_KEY: &[u8] = b"P";
pub(crate) const COMMITTED_KEY: &[u8] = b"C";
/// The first key after those of all entries.
pub(crate) const ENTRIES_END: &[u8] = b"M";

const ENTRY_TAG: u8 = b'L';

/// The key of one part of an entry; part 0 is the smallest of its index.
pub(crate) fn entry_key(index: u64, part: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(11);
    key.push(ENTRY_TAG);
    key.extend_from_slice(&index.to_be_bytes());
    key.extend_from_slice(&part.to_be_bytes());
    key
}

fn parse_key(key: &[u8]) -> Option<(u64, u16)> {
    let (tag, rest) = key.split_first()?;
    let (index, rest) = rest.split_first_chunk::<8>()?;
    let part = <[u8; 2]>::try_from(rest).ok()?;
    (*tag == ENTRY_TAG).then(|| (u64::from_be_bytes(*index), u16::from_be_bytes(part)))
}

/// An entry ready to be written, and its size in bytes.
pub(crate) fn encode_entry<C: RaftConfig>(entry: &Entry<C>) -> Result<(Vec<Pair>, usize), StoreError> {
    let index = entry.log_id.index;
    let bytes = codec::encode(ENTRY, entry)
        .map_err(|e| StoreError::Refused(format!("log entry {index} cannot be stored: {e}")))?;
    let size = bytes.len();
    if size <= MAX_VALUE {
        return Ok((vec![(entry_key(index, 0), bytes)], size));
    }
    let parts = (0_u16..).zip(bytes.chunks(MAX_VALUE));
    Ok((parts.map(|(part, chunk)| (entry_key(index, part), chunk.to_vec())).collect(), size))
}

/// Collects the parts that a scan visits into whole entries, in order and without a gap.
struct Assembly {
    /// The index that has to come next, with the bytes and parts of it seen so far.
    next: u64,
    parts: u16,
    bytes: Vec<u8>,
}

impl Assembly {
    /// Takes one part. Returns the entry before it if that one is complete now.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let (index, part) =
            parse_key(key).ok_or_else(|| StoreError::corrupt("log", format!("key {key:02x?}")))?;
        let mut done = None;
        if part == 0 && self.parts > 0 {
            done = Some((self.next, std::mem::take(&mut self.bytes)));
            self.next += 1;
            self.parts = 0;
        }
        if (index, part) != (self.next, self.parts) {
            return Err(StoreError::corrupt(
                "log",
                format!("entry {} part {} is missing: found {index} part {part}", self.next, self.parts),
            ));
        }
        self.parts += 1;
        self.bytes.extend_from_slice(value);
        Ok(done)
    }

    fn finish(self) -> Option<(u64, Vec<u8>)> {
        (self.parts > 0).then_some((self.next, self.bytes))
    }
}

/// Visits the whole encoded entries in `start..end`, which must begin at `start` and have no gap, until
/// `visit` returns `false`. Returns the index after the last one seen.
pub(crate) fn scan_entries(
    engine: &dyn Engine,
    start: u64,
    end: u64,
    mut visit: impl FnMut(u64, &[u8]) -> Result<bool, StoreError>,
) -> Result<u64, StoreError> {
    let mut assembly = Assembly { next: start, parts: 0, bytes: Vec::new() };
    let mut more = true;
    engine.scan(&entry_key(start, 0), &entry_key(end, 0), &mut |key, value| {
        if let Some((index, bytes)) = assembly.take(key, value)? {
            more = visit(index, &bytes)?;
        }
        Ok(more)
    })?;
    let next = assembly.next;
    match assembly.finish() {
        Some((index, bytes)) if more => {
            visit(index, &bytes)?;
            Ok(index + 1)
        }
        _ => Ok(next),
    }
}

/// Decodes an entry and checks that it is the one that its key says.
pub(crate) fn decode_entry<C: RaftConfig>(index: u64, bytes: &[u8]) -> Result<Entry<C>, StoreError> {
    let entry: Entry<C> =
        codec::decode(ENTRY, bytes).map_err(|e| StoreError::corrupt("log", format!("entry {index}: {e}")))?;
    if entry.log_id.index == index {
        Ok(entry)
    } else {
        Err(StoreError::corrupt("log", format!("entry {} is stored as {index}", entry.log_id.index)))
    }
}

/// Reads one of the single records.
pub(crate) fn read_record<T: serde::de::DeserializeOwned>(
    engine: &dyn Engine,
    what: &'static str,
    kind: Kind,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    engine
        .get(key)?
        .map(|bytes| codec::decode(kind, &bytes).map_err(|e| StoreError::corrupt(what, e.to_string())))
        .transpose()
}
