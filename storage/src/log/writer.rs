//! The one writer of the log: everything queued becomes one batch and one sync, then each is acknowledged in
//! the order in which it came.
//!
//! Votes and entries share the queue, so that no later write is durable before an earlier one. On disk the
//! writer is a thread of its own; over the memory engine it runs [in place](super::inline), so that a simulation
//! stays deterministic. After a failed write nothing is acknowledged any more.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::RaftConfig;
use crate::error::StoreError;
use crate::log::inline::Inline;
use crate::log::scribe::{Operation, Scribe};
use crate::log::tail::Shared;

/// Most operations in one batch.
const BATCH_OPERATIONS: usize = 512;
/// Bytes of entries after which a batch takes no further operation.
const BATCH_BYTES: usize = 1 << 20;

/// How operations reach the engine.
pub(crate) enum Writer<C: RaftConfig> {
    Thread { queue: Option<Sender<Operation<C>>>, thread: Option<JoinHandle<()>> },
    Inline(Arc<Mutex<Inline<C>>>),
}

impl<C: RaftConfig> Writer<C> {
    pub(crate) fn thread(shared: Arc<Shared<C>>) -> Result<Self, StoreError> {
        let (queue, operations) = channel();
        let thread = std::thread::Builder::new()
            .name("raft-log".into())
            .spawn(move || run(Scribe::new(shared), &operations))
            .map_err(StoreError::io("start the log writer thread", std::path::Path::new("raft-log")))?;
        Ok(Self::Thread { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) fn inline(shared: Arc<Shared<C>>) -> Self {
        Self::Inline(Arc::new(Mutex::new(Inline::new(Scribe::new(shared)))))
    }

    /// Queues an operation.
    pub(crate) fn submit(&self, operation: Operation<C>) -> Result<(), StoreError> {
        match self {
            Self::Thread { queue, .. } => queue
                .as_ref()
                .and_then(|queue| queue.send(operation).ok())
                .ok_or_else(|| StoreError::Stopped("the log writer thread has ended".into())),
            Self::Inline(inline) => {
                Inline::submit(inline, operation);
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

/// Works the queue off until its other end is gone.
fn run<C: RaftConfig>(mut scribe: Scribe<C>, queue: &Receiver<Operation<C>>) {
    loop {
        let first = if scribe.is_purging() {
            match queue.try_recv() {
                Err(TryRecvError::Empty) => {
                    scribe.purge_some();
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
        let mut bytes = first.size();
        let mut operations = vec![first];
        while operations.len() < BATCH_OPERATIONS && bytes < BATCH_BYTES {
            let Ok(operation) = queue.try_recv() else { break };
            bytes += operation.size();
            operations.push(operation);
        }
        scribe.commit(operations);
    }
    // What rides along with the next write would otherwise be lost by an orderly stop.
    scribe.commit(Vec::new());
    if let Err(error) = scribe.sync() {
        tracing::error!(%error, "the log could not be synced at shutdown");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::engine::{Batch, Crash, Durability, Engine, MemoryEngine};
    use crate::log::layout;
    use openraft::{LogId, Vote};
    use tokio::sync::oneshot;

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
        Scribe::new(shared(disk))
    }

    fn shared(disk: &MemoryEngine) -> Arc<Shared<Config>> {
        Arc::new(Shared::open(Arc::new(disk.clone())).unwrap())
    }

    fn vote(term: u64) -> (Operation<Config>, oneshot::Receiver<Result<(), StoreError>>) {
        let (done, waiting) = oneshot::channel();
        let bytes = codec::encode(layout::VOTE, &Vote::<u64>::new(term, 1)).unwrap();
        (Operation::Vote { bytes, done }, waiting)
    }

    #[test]
    fn what_was_read_at_the_opening_survives_a_power_cut_even_if_it_was_never_synced() {
        let disk = MemoryEngine::default();
        let mut batch = Batch::default();
        batch.put(layout::VOTE_KEY, codec::encode(layout::VOTE, &Vote::<u64>::new(5, 1)).unwrap());
        Engine::write(&disk, batch, Durability::Buffered).unwrap();
        // The process dies here; the system still holds what it wrote.
        assert_eq!(shared(&disk).tail().vote, Some(Vote::new(5, 1)));
        disk.crash(Crash::LoseUnsynced);
        assert_eq!(shared(&disk).tail().vote, Some(Vote::new(5, 1)));
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
        run(scribe(&disk), &operations);
        assert!(waiting.into_iter().all(|mut waiting| matches!(waiting.try_recv(), Ok(Ok(())))));
        assert_eq!(
            disk.writes_and_syncs(),
            (1, 3),
            "one to open, one for the batch, one for the orderly stop"
        );
        assert_eq!(shared(&disk).tail().vote, Some(Vote::new(100, 1)));
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
        Engine::write(&disk, batch, Durability::Synced).unwrap();

        let mut scribe = scribe(&disk);
        while scribe.is_purging() {
            scribe.purge_some();
        }
        assert_eq!(disk.keys().len(), 101, "a hundred entries and the purge record");
        assert_eq!(shared(&disk).read(0, 2000, usize::MAX).unwrap().len(), 100);
    }
}
