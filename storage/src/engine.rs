//! The narrow waist between this crate and a key-value engine: ordered keys, atomic batches, one sync.
//!
//! An engine keeps every batch whole: after any crash a batch is there entirely or not at all, and a later
//! batch is never there without an earlier one. Only [`Engine::sync`] (or [`Durability::Synced`]) promises
//! that a batch survives a power cut. An engine knows neither Raft nor what its bytes mean.

mod disk;
mod memory;

pub use disk::SledEngine;
pub(crate) use disk::sync_directory;
pub use memory::{Crash, MemoryEngine, Refusal};

use std::fmt;
use std::time::Duration;

use crate::error::StoreError;

/// Largest value that an engine is given, in bytes. sled moves a leaf page (up to 16 items, all rewritten
/// together) of more than 128 KiB into a file of its own that is never synced, so that values have to stay
/// far below a sixteenth of that; larger ones are spread over several keys.
pub const MAX_VALUE: usize = 4096;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Sees one pair of a scan; says whether to go on.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StoreError>;

/// What is known of a batch when `write` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It can be read; a crash may still lose it.
    Buffered,
    /// It survives a power cut, and so does every batch before it.
    Synced,
}

/// Changes that take effect together. Keys lie below `[0xff]`. Ranges are removed first, then the other changes apply in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Half-open key ranges to empty.
    pub ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys with their new value, or `None` to delete the key.
    pub changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Sets a key.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.changes.push((key.into(), Some(value)));
    }

    /// Deletes a key.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.changes.push((key, None));
    }

    /// Deletes every key in `from..to`, before the other changes of the batch.
    pub fn delete_range(&mut self, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.ranges.push((from.into(), to.into()));
    }

    /// Whether the batch changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.changes.is_empty()
    }
}

/// An ordered, durable map of bytes.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Writes a batch as a whole.
    ///
    /// # Errors
    /// After an error the outcome of the batch is unknown; the caller stops writing.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError>;

    /// Makes every batch written so far survive a power cut.
    ///
    /// # Errors
    /// As [`Engine::write`].
    fn sync(&self) -> Result<(), StoreError>;

    /// The value of a key.
    ///
    /// # Errors
    /// The engine cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the pairs in `from..to` in key order until `visit` returns `false`.
    ///
    /// # Errors
    /// The engine cannot be read, or `visit` failed.
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StoreError>;

    /// How long a synced write takes on a simulated disk; zero on a real one, which takes its own time.
    fn simulated_latency(&self) -> Duration {
        Duration::ZERO
    }
}
