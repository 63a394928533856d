//! The one writer of the log: everything queued becomes one batch and one sync, then each is acknowledged in
//! the order in which it came.
//!
//! Votes and entries share the queue, so that no later write is durable before an earlier one. On disk the
//! writer is a thread of its own; over the memory engine it runs in place, so that a simulation stays
//! deterministic. After a failed write nothing is acknowledged any more.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use openraft::LogId;
use openraft::storage::LogFlushed;
use tokio::sync::oneshot;

use crate::RaftConfig;
use crate::codec;
use crate::engine::{Batch, Durability, Pair};
use crate::error::StoreError;
use crate::log::layout::{self, entry_key};
use crate::log::tail::Shared;
use crate::planted::{self, Plant};

/// Most operations in one batch.
const BATCH_OPERATIONS: usize = 512;
/// Bytes of entries after which a batch takes no further operation.
const BATCH_BYTES: usize = 1 << 20;
/// Keys of purged entries that one batch deletes, so that a long purge never holds up the writes.
const PURGE_KEYS: usize = 256;

pub(crate) type Done = oneshot::Sender<Result<(), StoreError>>;

/// One write, already encoded.
pub(crate) enum Operation<C: RaftConfig> {
    Vote { bytes: Vec<u8>, done: Done },
    Append { pairs: Vec<Pair>, bytes: usize, next: u64, callback: LogFlushed<C> },
    Truncate { from: u64, done: Done },
    Purge { upto: LogId<u64>, bytes: Vec<u8> },
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

/// How operations reach the engine.
pub(crate) enum Writer<C: RaftConfig> {
    Thread { queue: Option<Sender<Operation<C>>>, thread: Option<JoinHandle<()>> },
    Inline(Mutex<Scribe<C>>),
}

impl<C: RaftConfig> Writer<C> {
    pub(crate) fn thread(shared: Arc<Shared<C>>) -> Result<Self, StoreError> {
        let (queue, operations) = channel();
        let thread = std::thread::Builder::new()
            .name("raft-log".into())
            .spawn(move || Scribe::new(shared).run(&operations))
            .map_err(StoreError::io("start the log writer thread", std::path::Path::new("raft-log")))?;
        Ok(Self::Thread { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) fn inline(shared: Arc<Shared<C>>) -> Self {
        Self::Inline(Mutex::new(Scribe::new(shared)))
    }

    /// Queues an operation.
    pub(crate) fn submit(&self, operation: Operation<C>) -> Result<(), StoreError> {
        match self {
            Self::Thread { queue, .. } => queue
                .as_ref()
                .and_then(|queue| queue.send(operation).ok())
                .ok_or_else(|| StoreError::Stopped("the log writer thread has ended".into())),
            Self::Inline(scribe) => {
                let mut scribe = scribe.lock().unwrap_or_else(PoisonError::into_inner);
                scribe.commit(vec![operation]);
                while scribe.is_purging() {
                    scribe.purge_some();
                }
                Ok(())
            }
        }
    }
}

impl<C: RaftConfig> Drop for Writer<C> {
    fn drop(&mut self) {
        if let Self::Thread { queue, thread } = self {
            drop(queue.take());
            if let Some(Err(_)) = thread.take().map(JoinHandle::join) {
                tracing::error!("the log writer thread panicked");
            }
        }
    }
}

/// Turns operations into batches.
pub(crate) struct Scribe<C: RaftConfig> {
    shared: Arc<Shared<C>>,
    /// Entries up to this index are purged, yet may still have keys.
    purging: Option<u64>,
}

impl<C: RaftConfig> Scribe<C> {
    fn new(shared: Arc<Shared<C>>) -> Self {
        let purging = shared.tail().purged.map(|id| id.index);
        Self { shared, purging }
    }

    fn is_purging(&self) -> bool {
        self.purging.is_some() && self.shared.tail().failure.is_none()
    }

    fn run(mut self, queue: &Receiver<Operation<C>>) {
        loop {
            let first = if self.is_purging() {
                match queue.try_recv() {
                    Err(TryRecvError::Empty) => {
                        self.purge_some();
                        continue;
                    }
                    Err(TryRecvError::Disconnected) => break,
                    Ok(operation) => operation,
                }
            } else {
                match queue.recv() {
                    Err(_) => break,
                    Ok(operation) => operation,
                }
            };
            let mut bytes = size(&first);
            let mut operations = vec![first];
            while operations.len() < BATCH_OPERATIONS && bytes < BATCH_BYTES {
                let Ok(operation) = queue.try_recv() else { break };
                bytes += size(&operation);
                operations.push(operation);
            }
            self.commit(operations);
        }
        // What rides along with the next write would otherwise be lost by an orderly stop.
        self.flush(Batch::default(), Vec::new(), None);
        if let Err(error) = self.shared.engine.sync() {
            tracing::error!(%error, "the log could not be synced at shutdown");
        }
    }

    /// Writes the operations as one batch. A truncation begins a batch of its own, since the range that it
    /// empties has to be in the engine before.
    fn commit(&mut self, operations: Vec<Operation<C>>) {
        let mut batch = Batch::default();
        let mut waiting = Vec::new();
        let mut written = None;
        for operation in operations {
            match operation {
                Operation::Vote { bytes, done } => {
                    batch.put(layout::VOTE_KEY, bytes);
                    waiting.push(Acknowledgement::Done(done));
                }
                Operation::Append { pairs, next, callback, .. } => {
                    batch.changes.extend(pairs.into_iter().map(|(key, value)| (key, Some(value))));
                    waiting.push(Acknowledgement::Flushed(callback));
                    written = Some(next);
                }
                Operation::Truncate { from, done } => {
                    self.flush(std::mem::take(&mut batch), std::mem::take(&mut waiting), written);
                    batch.delete_range(entry_key(from, 0), layout::ENTRIES_END);
                    waiting.push(Acknowledgement::Done(done));
                    written = Some(from);
                }
                Operation::Purge { upto, bytes } => {
                    batch.put(layout::PURGED_KEY, bytes);
                    self.purging = Some(upto.index);
                }
            }
        }
        self.flush(batch, waiting, written);
    }

    /// Writes one batch, durably if anybody waits for it, and acknowledges.
    fn flush(&mut self, mut batch: Batch, waiting: Vec<Acknowledgement<C>>, written: Option<u64>) {
        let result = self.ride_along(&mut batch).and_then(|()| {
            let only_votes = waiting.iter().all(|one| matches!(one, Acknowledgement::Done(_)));
            let skipped = only_votes && planted::on(Plant::SkipVoteFlush);
            let durability =
                if waiting.is_empty() || skipped { Durability::Buffered } else { Durability::Synced };
            if batch.is_empty() { Ok(()) } else { self.write(batch, durability) }
        });
        if let (Ok(()), Some(next)) = (&result, written) {
            let mut tail = self.shared.tail();
            tail.written = next;
            tail.evict();
        }
        for acknowledgement in waiting {
            acknowledgement.give(result.clone());
        }
    }

    /// Adds the commit position, if it is newer than the one in the engine.
    fn ride_along(&self, batch: &mut Batch) -> Result<(), String> {
        let committed = {
            let mut tail = self.shared.tail();
            if !std::mem::take(&mut tail.committed_is_new) {
                return Ok(());
            }
            tail.committed
        };
        match committed {
            Some(id) => {
                let bytes = codec::encode(layout::COMMITTED, &id).map_err(|e| e.to_string())?;
                batch.put(layout::COMMITTED_KEY, bytes);
            }
            None => batch.delete(layout::COMMITTED_KEY.to_vec()),
        }
        Ok(())
    }

    /// Deletes some keys of purged entries, oldest first. The purge record is already in the engine.
    fn purge_some(&mut self) {
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
            Ok(()) => self.write(batch, Durability::Buffered),
        };
        if result.is_err() {
            self.purging = None;
        }
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), String> {
        if let Some(failure) = &self.shared.tail().failure {
            return Err(failure.clone());
        }
        self.shared.engine.write(batch, durability).map_err(|error| self.fail(&error))
    }

    fn fail(&self, error: &StoreError) -> String {
        tracing::error!(%error, "the log cannot be written; nothing is acknowledged any more");
        self.shared.tail().failure.get_or_insert_with(|| error.to_string()).clone()
    }
}

fn size<C: RaftConfig>(operation: &Operation<C>) -> usize {
    match operation {
        Operation::Append { bytes, .. } => *bytes,
        Operation::Vote { bytes, .. } | Operation::Purge { bytes, .. } => bytes.len(),
        Operation::Truncate { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::MemoryEngine;
    use openraft::Vote;

    openraft::declare_raft_types!(
        Config:
            D = u64,
            R = u64,
            NodeId = u64,
            Node = openraft::EmptyNode,
            Entry = openraft::Entry<Config>,
            SnapshotData = crate::SnapshotBody,
            AsyncRuntime = openraft::TokioRuntime,
    );

    fn scribe(disk: &MemoryEngine) -> Scribe<Config> {
        Scribe::new(Arc::new(Shared::open(Arc::new(disk.clone())).unwrap()))
    }

    fn vote(term: u64) -> (Operation<Config>, oneshot::Receiver<Result<(), StoreError>>) {
        let (done, waiting) = oneshot::channel();
        let bytes = codec::encode(layout::VOTE, &Vote::<u64>::new(term, 1)).unwrap();
        (Operation::Vote { bytes, done }, waiting)
    }

    #[test]
    fn what_is_queued_shares_one_sync_and_the_last_vote_stands() {
        let disk = MemoryEngine::default();
        let (queue, operations) = channel();
        let waiting: Vec<_> = (1..=100)
            .map(|term| {
                let (operation, waiting) = vote(term);
                queue.send(operation).unwrap();
                waiting
            })
            .collect();
        drop(queue);
        scribe(&disk).run(&operations);
        assert!(waiting.into_iter().all(|mut waiting| matches!(waiting.try_recv(), Ok(Ok(())))));
        assert_eq!(disk.writes_and_syncs(), (1, 2), "one for the batch, one for the orderly stop");
        assert_eq!(scribe(&disk).shared.tail().vote, Some(Vote::new(100, 1)));
    }

    #[test]
    fn keys_of_purged_entries_that_a_crash_left_are_deleted_after_reopening() {
        let disk = MemoryEngine::default();
        let mut batch = Batch::default();
        for index in 0..1000 {
            let entry = openraft::Entry::<Config> {
                log_id: LogId::new(openraft::CommittedLeaderId::new(1, 1), index),
                payload: openraft::EntryPayload::Normal(index),
            };
            for (key, value) in layout::encode_entry(&entry).unwrap().0 {
                batch.put(key, value);
            }
        }
        let purged = LogId::<u64>::new(openraft::CommittedLeaderId::new(1, 1), 899);
        batch.put(layout::PURGED_KEY, codec::encode(layout::PURGED, &purged).unwrap());
        crate::engine::Engine::write(&disk, batch, Durability::Synced).unwrap();

        let mut scribe = scribe(&disk);
        while scribe.is_purging() {
            scribe.purge_some();
        }
        assert_eq!(disk.keys().len(), 101, "a hundred entries and the purge record");
        assert_eq!(scribe.shared.read(0, 2000, usize::MAX).unwrap().len(), 100);
    }
}
