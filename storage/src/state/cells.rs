//! How the applied state lies in its engine.
//!
//! | key | value |
//! |---|---|
//! | `a` | last applied id |
//! | `m` | membership, once there is one |
//! | `c`, cell key | a cell |
//! | `x`, length of the key above (u16), that key, part (u16) | what did not fit into the first value |
//!
//! The first value begins with the number of parts (u16) and a crc32c over key and value (u32). Numbers are
//! big-endian. The record under `a` is written in the same batch as the cells that it describes; while cells
//! are replaced by those of a snapshot it is absent.

use std::collections::BTreeMap;
use std::sync::Arc;

use openraft::{LogId, StoredMembership};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RaftConfig;
use crate::codec::{self, Kind};
use crate::engine::{Batch, Durability, Engine, MAX_VALUE, Pair};
use crate::error::StoreError;
use crate::machine::MAX_CELL_KEY;

const APPLIED: Kind = Kind::new(5, 1);
const APPLIED_NAME: &[u8] = b"a";
const MEMBERSHIP: Kind = Kind::new(7, 1);
const MEMBERSHIP_NAME: &[u8] = b"m";
const CELL: u8 = b'c';
const CELLS_END: &[u8] = b"d";
const MORE: u8 = b'x';
const PREFIX: usize = 6;
/// Bytes of cells after which a replacement begins a new batch.
const REPLACE_BYTES: usize = 1 << 20;

/// Up to where the state is applied.
#[derive(Debug, Clone)]
pub(crate) struct Applied<C: RaftConfig> {
    pub(crate) last: Option<LogId<u64>>,
    pub(crate) membership: StoredMembership<u64, C::Node>,
}

impl<C: RaftConfig> Default for Applied<C> {
    fn default() -> Self {
        Self { last: None, membership: StoredMembership::default() }
    }
}

/// What an engine holds.
pub(crate) struct Loaded<C: RaftConfig> {
    pub(crate) cells: Cells,
    /// How far the state is applied; absent if it is empty or was being replaced.
    pub(crate) applied: Option<Applied<C>>,
    /// Every cell, in key order.
    pub(crate) pairs: Vec<Pair>,
}

/// The cells in their engine.
#[derive(Debug)]
pub(crate) struct Cells {
    engine: Arc<dyn Engine>,
    /// Names of the values that have more than one part.
    spread: BTreeMap<Vec<u8>, u16>,
    /// The entry that brought the stored membership.
    membership: Option<LogId<u64>>,
}

impl Cells {
    /// Reads and checks everything.
    pub(crate) fn load<C: RaftConfig>(engine: Arc<dyn Engine>) -> Result<Loaded<C>, StoreError> {
        let mut cells = Self { engine, spread: BTreeMap::new(), membership: None };
        let engine = Arc::clone(&cells.engine);
        let mut first_values = Vec::new();
        engine.scan(&[CELL], CELLS_END, &mut |name, value| {
            first_values.push((name.to_vec(), value.to_vec()));
            Ok(true)
        })?;
        let mut pairs = Vec::with_capacity(first_values.len());
        for (name, first) in first_values {
            let value = cells.assemble(&name, &first)?;
            pairs.push((name.get(1..).unwrap_or_default().to_vec(), value));
        }
        let membership: StoredMembership<u64, C::Node> =
            cells.record(MEMBERSHIP, MEMBERSHIP_NAME)?.unwrap_or_default();
        cells.membership = *membership.log_id();
        let last: Option<Option<LogId<u64>>> = cells.record(APPLIED, APPLIED_NAME)?;
        let applied = last.map(|last| Applied { last, membership });
        Ok(Loaded { cells, applied, pairs })
    }

    /// Writes changed cells together with how far the state is applied.
    pub(crate) fn write<C: RaftConfig>(
        &mut self,
        applied: &Applied<C>,
        changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (key, value) in changes {
            self.change(&mut batch, &cell_name(&key)?, value.as_deref())?;
        }
        self.advance(&mut batch, applied)?;
        self.engine.write(batch, Durability::Buffered)
    }

    /// Replaces everything, durably. A crash on the way leaves a state without its record of how far it is
    /// applied; whoever opens it then starts over from the snapshot.
    pub(crate) fn replace<C: RaftConfig>(
        engine: Arc<dyn Engine>,
        applied: &Applied<C>,
        all: impl Iterator<Item = Pair>,
    ) -> Result<Self, StoreError> {
        let mut cells = Self { engine, spread: BTreeMap::new(), membership: None };
        let mut batch = Batch::default();
        batch.delete_range([], [u8::MAX]);
        cells.engine.write(std::mem::take(&mut batch), Durability::Synced)?;
        let mut bytes = 0;
        for (key, value) in all {
            bytes += key.len() + value.len();
            cells.change(&mut batch, &cell_name(&key)?, Some(&value))?;
            if bytes > REPLACE_BYTES {
                cells.engine.write(std::mem::take(&mut batch), Durability::Buffered)?;
                bytes = 0;
            }
        }
        cells.advance(&mut batch, applied)?;
        cells.engine.write(batch, Durability::Synced)?;
        Ok(cells)
    }

    /// Adds how far the state is applied, and the membership if it is not the stored one.
    fn advance<C: RaftConfig>(&mut self, batch: &mut Batch, applied: &Applied<C>) -> Result<(), StoreError> {
        self.change(batch, APPLIED_NAME, Some(&encode(APPLIED, &applied.last)?))?;
        if self.membership != *applied.membership.log_id() {
            self.change(batch, MEMBERSHIP_NAME, Some(&encode(MEMBERSHIP, &applied.membership)?))?;
            self.membership = *applied.membership.log_id();
        }
        Ok(())
    }

    fn record<T: DeserializeOwned>(&mut self, kind: Kind, name: &[u8]) -> Result<Option<T>, StoreError> {
        let Some(first) = self.engine.get(name)? else { return Ok(None) };
        let bytes = self.assemble(name, &first)?;
        let value = codec::decode(kind, &bytes)
            .map_err(|e| StoreError::corrupt("applied state", format!("key {name:02x?}: {e}")))?;
        Ok(Some(value))
    }

    fn change(&mut self, batch: &mut Batch, name: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        let had = self.spread.remove(name).unwrap_or(0);
        let mut parts = 0;
        match value {
            None => batch.delete(name.to_vec()),
            Some(value) => {
                let (head, rest) = value.split_at(value.len().min(MAX_VALUE - PREFIX));
                parts = u16::try_from(rest.len().div_ceil(MAX_VALUE)).map_err(|_| {
                    StoreError::Refused(format!("a cell of {} bytes is too large to store", value.len()))
                })?;
                let mut first = Vec::with_capacity(PREFIX + head.len());
                first.extend_from_slice(&parts.to_be_bytes());
                first.extend_from_slice(&checksum(name, value).to_be_bytes());
                first.extend_from_slice(head);
                batch.put(name, first);
                for (part, chunk) in (0..parts).zip(rest.chunks(MAX_VALUE)) {
                    batch.put(more_key(name, part), chunk.to_vec());
                }
            }
        }
        for part in parts..had {
            batch.delete(more_key(name, part));
        }
        if parts > 0 {
            self.spread.insert(name.to_vec(), parts);
        }
        Ok(())
    }

    fn assemble(&mut self, name: &[u8], first: &[u8]) -> Result<Vec<u8>, StoreError> {
        let damaged = |how: &str| StoreError::corrupt("applied state", format!("key {name:02x?} {how}"));
        let (prefix, head) = first.split_first_chunk::<PREFIX>().ok_or_else(|| damaged("is cut short"))?;
        let [p0, p1, c0, c1, c2, c3] = *prefix;
        let parts = u16::from_be_bytes([p0, p1]);
        let mut value = head.to_vec();
        for part in 0..parts {
            let more = self.engine.get(&more_key(name, part))?.ok_or_else(|| damaged("lacks a part"))?;
            value.extend_from_slice(&more);
        }
        if checksum(name, &value) != u32::from_be_bytes([c0, c1, c2, c3]) {
            return Err(damaged("does not match its checksum"));
        }
        if parts > 0 {
            self.spread.insert(name.to_vec(), parts);
        }
        Ok(value)
    }
}

fn encode<T: Serialize>(kind: Kind, value: &T) -> Result<Vec<u8>, StoreError> {
    codec::encode(kind, value).map_err(|e| StoreError::Refused(format!("{kind} cannot be stored: {e}")))
}

fn cell_name(key: &[u8]) -> Result<Vec<u8>, StoreError> {
    if key.len() > MAX_CELL_KEY {
        return Err(StoreError::Refused(format!("a cell key of {} bytes is too long", key.len())));
    }
    let mut name = Vec::with_capacity(key.len() + 1);
    name.push(CELL);
    name.extend_from_slice(key);
    Ok(name)
}

fn more_key(name: &[u8], part: u16) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let mut key = Vec::with_capacity(name.len() + 5);
    key.push(MORE);
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(name);
    key.extend_from_slice(&part.to_be_bytes());
    key
}

fn checksum(name: &[u8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(name), value)
}
