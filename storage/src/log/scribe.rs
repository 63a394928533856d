//! Turns what is to be written into batches, writes them, and says how far the log is durable.

use std::sync::Arc;
use std::time::Duration;

use openraft::LogId;
use openraft::storage::LogFlushed;
use tokio::sync::oneshot;

use crate::RaftConfig;
use crate::codec;
use crate::engine::{Batch, Durability, Engine, Pair};
use crate::error::StoreError;
use crate::log::layout::{self, entry_key};
use crate::log::tail::Shared;

/// Keys of purged entries that one batch deletes, so that a long purge never holds up the writes.
const PURGE_KEYS: usize = 256;

pub(crate) type Done = oneshot::Sender<Result<(), StoreError>>;

/// One write, already encoded.
pub(crate) enum Operation<C: RaftConfig> {
    Vote {
        bytes: Vec<u8>,
        done: Done,
    },
    /// `last` is the last entry of the log with these.
    Append {
        pairs: Vec<Pair>,
        bytes: usize,
        last: Option<LogId<u64>>,
        callback: Option<LogFlushed<C>>,
    },
    /// `before` is the last entry that stays.
    Truncate {
        from: u64,
        before: Option<LogId<u64>>,
        done: Done,
    },
    Purge {
        upto: LogId<u64>,
        bytes: Vec<u8>,
    },
}

impl<C: RaftConfig> Operation<C> {
    /// Bytes to write.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Append { bytes, .. } => *bytes,
            Self::Vote { bytes, .. } | Self::Purge { bytes, .. } => bytes.len(),
            Self::Truncate { .. } => 0,
        }
    }
}

enum Acknowledgement<C: RaftConfig> {
    Done(Done),
    Flushed(LogFlushed<C>),
}

impl<C: RaftConfig> Acknowledgement<C> {
    fn give(self, result: Result<(), String>) {
        match self {
            Self::Done(done) => {
                // The caller may have gone; then nobody waits for the answer.
                drop(done.send(result.map_err(StoreError::Stopped)));
            }
            Self::Flushed(callback) => callback.log_io_completed(result.map_err(std::io::Error::other)),
        }
    }
}

/// One batch, and what follows once it is written.
pub(crate) struct Write<C: RaftConfig> {
    batch: Batch,
    waiting: Vec<Acknowledgement<C>>,
    /// The index after the last entry that the engine holds then, if the batch moves it.
    written: Option<u64>,
    /// The last durable entry then.
    last: Option<LogId<u64>>,
    durability: Durability,
}

impl<C: RaftConfig> Write<C> {
    fn after(last: Option<LogId<u64>>) -> Self {
        let (batch, waiting) = (Batch::default(), Vec::new());
        Self { batch, waiting, written: None, last, durability: Durability::Buffered }
    }

    fn acknowledge(&mut self, acknowledgement: Acknowledgement<C>) {
        self.durability = Durability::Synced;
        self.waiting.push(acknowledgement);
    }
}

/// Turns operations into batches.
pub(crate) struct Scribe<C: RaftConfig> {
    shared: Arc<Shared<C>>,
    /// Entries up to this index are purged, yet may still have keys.
    purging: Option<u64>,
    /// The last entry that is durable once every batch made so far is.
    last: Option<LogId<u64>>,
}

impl<C: RaftConfig> Scribe<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>) -> Self {
        let (purging, last) = {
            let tail = shared.tail();
            (tail.purged.map(|id| id.index), tail.last)
        };
        Self { shared, purging, last }
    }

    pub(crate) fn is_purging(&self) -> bool {
        self.purging.is_some() && self.shared.tail().failure.is_none()
    }

    /// Writes operations and acknowledges them.
    pub(crate) fn commit(&mut self, operations: Vec<Operation<C>>) {
        for mut write in self.prepare(operations) {
            let result = self.write(&mut write, None);
            self.finish(write, result);
        }
    }

    /// Turns operations into one batch. A truncation begins a batch of its own, since the range that it
    /// empties has to be in the engine before.
    pub(crate) fn prepare(&mut self, operations: Vec<Operation<C>>) -> Vec<Write<C>> {
        let mut writes = Vec::new();
        let mut write = Write::after(self.last);
        for operation in operations {
            match operation {
                Operation::Vote { bytes, done } => {
                    write.batch.put(layout::VOTE_KEY, bytes);
                    write.acknowledge(Acknowledgement::Done(done));
                }
                Operation::Append { pairs, last, callback, .. } => {
                    write.batch.changes.extend(pairs.into_iter().map(|(key, value)| (key, Some(value))));
                    write.durability = Durability::Synced;
                    if let Some(callback) = callback {
                        write.acknowledge(Acknowledgement::Flushed(callback));
                    }
                    write.written = last.map(|last| last.index + 1);
                    write.last = last;
                }
                Operation::Truncate { from, before, done } => {
                    writes.push(std::mem::replace(&mut write, Write::after(before)));
                    write.batch.delete_range(entry_key(from, 0), layout::ENTRIES_END);
                    write.acknowledge(Acknowledgement::Done(done));
                    write.written = Some(from);
                }
                Operation::Purge { upto, bytes } => {
                    write.batch.put(layout::PURGED_KEY, bytes);
                    self.purging = Some(upto.index);
                    if write.last.is_none_or(|last| last.index < upto.index) {
                        write.last = Some(upto);
                    }
                }
            }
        }
        self.last = write.last;
        writes.push(write);
        writes
    }

    /// Writes one batch, durably if anybody waits for it, unless the caller says otherwise.
    pub(crate) fn write(&self, write: &mut Write<C>, durability: Option<Durability>) -> Result<(), String> {
        self.ride_along(write)?;
        if write.batch.is_empty() && write.durability == Durability::Buffered {
            return Ok(());
        }
        self.write_batch(std::mem::take(&mut write.batch), durability.unwrap_or(write.durability))
    }

    /// How long a sync takes.
    pub(crate) fn latency(&self) -> Duration {
        self.shared.engine.simulated_latency()
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> Result<(), String> {
        self.engine_result(|engine| engine.sync())
    }

    /// Tells what became of a batch.
    pub(crate) fn finish(&self, write: Write<C>, result: Result<(), String>) {
        if result.is_ok() {
            if let Some(next) = write.written {
                let mut tail = self.shared.tail();
                tail.written = next;
                tail.evict();
            }
            self.shared
                .progress
                .send_if_modified(|now| std::mem::replace(&mut now.durable, write.last) != write.last);
        }
        for acknowledgement in write.waiting {
            acknowledgement.give(result.clone());
        }
    }

    /// Adds the commit position, if it is newer than the one in the engine. It never runs ahead of the entries.
    fn ride_along(&self, write: &mut Write<C>) -> Result<(), String> {
        let committed = {
            let mut tail = self.shared.tail();
            if !tail.committed_is_new {
                return Ok(());
            }
            tail.committed_is_new = tail.committed > write.last;
            tail.committed.min(write.last)
        };
        match committed {
            Some(id) => {
                let bytes = codec::encode(layout::COMMITTED, &id).map_err(|e| e.to_string())?;
                write.batch.put(layout::COMMITTED_KEY, bytes);
            }
            None => write.batch.delete(layout::COMMITTED_KEY.to_vec()),
        }
        Ok(())
    }

    /// Deletes some keys of purged entries, oldest first. The purge record is already in the engine.
    pub(crate) fn purge_some(&mut self) {
        let Some(upto) = self.purging else { return };
        let mut batch = Batch::default();
        let scanned = self.shared.engine.scan(&entry_key(0, 0), &entry_key(upto + 1, 0), &mut |key, _| {
            batch.delete(key.to_vec());
            Ok(batch.changes.len() < PURGE_KEYS)
        });
        let result = match scanned {
            Err(error) => Err(self.fail(&error)),
            Ok(()) if batch.is_empty() => {
                self.purging = None;
                Ok(())
            }
            Ok(()) => self.write_batch(batch, Durability::Buffered),
        };
        if result.is_err() {
            self.purging = None;
        }
    }

    fn write_batch(&self, batch: Batch, durability: Durability) -> Result<(), String> {
        self.engine_result(|engine| engine.write(batch, durability))
    }

    fn engine_result(&self, work: impl FnOnce(&dyn Engine) -> Result<(), StoreError>) -> Result<(), String> {
        if let Some(failure) = &self.shared.tail().failure {
            return Err(failure.clone());
        }
        work(&*self.shared.engine).map_err(|error| self.fail(&error))
    }

    fn fail(&self, error: &StoreError) -> String {
        tracing::error!(%error, "the log cannot be written; nothing is acknowledged any more");
        let failure = self.shared.tail().failure.get_or_insert_with(|| error.to_string()).clone();
        self.shared.progress.send_modify(|now| now.failure = Some(failure.clone()));
        failure
    }
}
