//! The engine's twin in memory: the same contract, with a disk that can be made to fail on purpose.
//!
//! A clone is another handle on the same disk, so that a test can crash a node and open the disk again.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::{Batch, Durability, Engine, Visit};
use crate::error::StoreError;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a crash does to the batches that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// All of them are lost: a power cut.
    LoseUnsynced,
    /// This many of the oldest reached the disk before the power went, the others did not. An engine promises no
    /// less: each batch is there as a whole or not at all, and none without those before it.
    KeepFirst(usize),
    /// All of them reached the disk: the process died, the machine did not.
    KeepUnsynced,
    /// The last one is torn after this many of its changes, which breaks the contract of an engine; a store
    /// has to notice rather than carry on.
    TearLast(usize),
}

/// Why a write is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No space is left.
    DiskFull,
    /// The device reports an error.
    IoError,
}

#[derive(Debug, Clone, Default)]
struct Disk {
    durable: Map,
    unsynced: Vec<Batch>,
    current: Map,
    refusal: Option<Refusal>,
    sync_lies: bool,
    latency: Duration,
    batches: u64,
    syncs: u64,
}

/// A disk in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryEngine(Arc<Mutex<Disk>>);

impl MemoryEngine {
    /// Ends the life of the process that wrote to the disk; what was not synced meets its fate.
    pub fn crash(&self, crash: Crash) {
        let mut disk = self.disk();
        let unsynced = std::mem::take(&mut disk.unsynced);
        let mut durable = std::mem::take(&mut disk.durable);
        let last = unsynced.len().saturating_sub(1);
        for (at, mut batch) in unsynced.into_iter().enumerate() {
            match crash {
                Crash::LoseUnsynced => break,
                Crash::KeepFirst(kept) if at >= kept => break,
                Crash::KeepFirst(_) | Crash::KeepUnsynced => {}
                Crash::TearLast(keep) if at == last => batch.changes.truncate(keep),
                Crash::TearLast(_) => {}
            }
            apply(&mut durable, &batch);
        }
        disk.current = durable.clone();
        disk.durable = durable;
    }

    /// A disk of its own with the same content, as one that is restored from an image.
    #[must_use]
    pub fn image(&self) -> Self {
        Self(Arc::new(Mutex::new(self.disk().clone())))
    }

    /// Refuses every write and sync from now on, or accepts them again.
    pub fn refuse_writes(&self, refusal: Option<Refusal>) {
        self.disk().refusal = refusal;
    }

    /// Makes syncs report success without doing anything, like a disk with a cache that lies.
    pub fn ignore_syncs(&self, ignore: bool) {
        self.disk().sync_lies = ignore;
    }

    /// Makes each synced write take this long, on the runtime's own clock.
    pub fn set_latency(&self, latency: Duration) {
        self.disk().latency = latency;
    }

    /// Flips one bit of the stored value of `key`; whether there was one to flip.
    pub fn flip_bit(&self, key: &[u8], bit: usize) -> bool {
        let mut disk = self.disk();
        let Disk { durable, current, .. } = &mut *disk;
        let mut flipped = false;
        for map in [durable, current] {
            if let Some(byte) = map.get_mut(key).and_then(|value| value.get_mut(bit / 8)) {
                *byte ^= 1 << (bit % 8);
                flipped = true;
            }
        }
        flipped
    }

    /// Removes a key behind the store's back; whether it was there.
    pub fn lose_key(&self, key: &[u8]) -> bool {
        let mut disk = self.disk();
        let lost = disk.durable.remove(key).is_some();
        disk.current.remove(key).is_some() || lost
    }

    /// Every key on the disk, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.disk().current.keys().cloned().collect()
    }

    /// Whether these bytes stand in any key or value, synced or not.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let disk = self.disk();
        let within = |text: &[u8]| text.windows(bytes.len().max(1)).any(|window| window == bytes);
        let maps = disk.current.iter().chain(&disk.durable);
        maps.into_iter().any(|(key, value)| within(key) || within(value))
    }

    /// How many batches were written and not synced.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.disk().unsynced.len()
    }

    /// How many batches were written, and how many syncs were done.
    #[must_use]
    pub fn writes_and_syncs(&self) -> (u64, u64) {
        let disk = self.disk();
        (disk.batches, disk.syncs)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn accepts(&self, operation: &'static str) -> Result<(), StoreError> {
        let kind = match self.refusal {
            None => return Ok(()),
            Some(Refusal::DiskFull) => io::ErrorKind::StorageFull,
            Some(Refusal::IoError) => io::ErrorKind::Other,
        };
        Err(StoreError::io(operation, Path::new("memory"))(kind.into()))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.accepts("sync")?;
        self.syncs += 1;
        if !self.sync_lies {
            for batch in std::mem::take(&mut self.unsynced) {
                apply(&mut self.durable, &batch);
            }
        }
        Ok(())
    }
}

impl Engine for MemoryEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.accepts("write")?;
        disk.batches += 1;
        apply(&mut disk.current, &batch);
        disk.unsynced.push(batch);
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Synced => disk.sync(),
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.disk().sync()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk().current.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let disk = self.disk();
        for (key, value) in
            disk.current.range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)))
        {
            if !visit(key, value)? {
                break;
            }
        }
        Ok(())
    }

    fn simulated_latency(&self) -> Duration {
        self.disk().latency
    }
}

fn apply(map: &mut Map, batch: &Batch) {
    for (from, to) in &batch.ranges {
        map.retain(|key, _| !(from <= key && key < to));
    }
    for (key, value) in &batch.changes {
        match value {
            Some(value) => map.insert(key.clone(), value.clone()),
            None => map.remove(key),
        };
    }
}
