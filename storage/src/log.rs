//! The Raft log and vote over an [`Engine`].
//!
//! Entries are encoded by the caller, written by the one writer, and read from memory while they are new.
//! This module must not know what a command means.
//!
//! A leader writes its log and replicates it at the same time: its own proposals count as appended once they are
//! queued and readable. That is safe because of five rules:
//! 1. Nothing is applied, and so nothing answered, before it is durable here: the state waits for [`Durable`].
//! 2. Followers are not told of a commit beyond what is durable here; whoever sends for this log sees to it.
//! 3. A vote shares the writer's queue and is awaited. So whoever takes part in another leader's term has all it ever
//!    acknowledged on disk, and only the leader of the present term has a tail that a crash can take.
//! 4. After a crash others may hold that tail under a vote that is this node's own. It does not lead on under that
//!    vote, but stands for election in a new term, so no log id is given to two entries.
//! 5. A change of the membership is awaited, so that the next one finds it durable in a quorum.

mod durable;
mod inline;
mod layout;
mod scribe;
mod tail;
mod writer;

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    Entry, ErrorSubject, ErrorVerb, LogId, LogState, OptionalSend, RaftLogReader, StorageError, Vote,
};
use tokio::sync::oneshot;

use crate::RaftConfig;
use crate::codec;
use crate::engine::{Engine, Pair};
use crate::error::StoreError;
use crate::records::Records;
pub use durable::Durable;
use scribe::Operation;
use tail::Shared;
use writer::Writer;

/// Encoded bytes that one read for replication returns at most, give or take one entry.
const REPLICATION_BYTES: usize = 1 << 20;

/// The log of one member. Dropping it ends the writer once everything queued is written.
pub struct LogStore<C: RaftConfig> {
    writer: Writer<C>,
    shared: Arc<Shared<C>>,
}

/// Entries that were encoded and can be read.
struct Accepted {
    pairs: Vec<Pair>,
    bytes: usize,
    /// The last entry of the log with them.
    last: Option<LogId<u64>>,
    /// Whether they are this leader's own proposals.
    own: bool,
}

/// Reads the log; every replication stream has one.
pub struct LogReader<C: RaftConfig> {
    shared: Arc<Shared<C>>,
}

impl<C: RaftConfig> LogStore<C> {
    /// Opens the log with a writer thread of its own.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] unless every entry is there, whole and consecutive.
    pub fn threaded(engine: Arc<dyn Engine>) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::open(engine)?);
        Ok(Self { writer: Writer::thread(Arc::clone(&shared))?, shared })
    }

    /// Opens the log so that each write happens in place, for an engine that never blocks.
    ///
    /// # Errors
    /// As [`LogStore::threaded`].
    pub fn inline(engine: Arc<dyn Engine>) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::open(engine)?);
        Ok(Self { writer: Writer::inline(Arc::clone(&shared)), shared })
    }

    /// The last entry, or the last purged one when there is none.
    #[must_use]
    pub fn last_log_id(&self) -> Option<LogId<u64>> {
        self.shared.tail().last
    }

    /// What the member keeps beside its log.
    #[must_use]
    pub fn records(&self) -> Records {
        Records::new(Arc::clone(&self.shared.engine))
    }

    /// Says whose log this is, before Raft starts on it. See [the module](self) for what follows from it.
    pub fn belong_to(&mut self, node: u64) {
        self.shared.tail().belong_to(node);
    }

    /// Follows how far the log is durable.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable::new(self.shared.progress.subscribe())
    }

    /// Submits an operation and waits until it is durable.
    async fn carry_out(
        &self,
        operation: impl FnOnce(scribe::Done) -> Operation<C>,
    ) -> Result<(), StoreError> {
        let (done, waiting) = oneshot::channel();
        self.writer.submit(operation(done))?;
        waiting.await.unwrap_or_else(|_| Err(StoreError::Stopped("the log writer has ended".into())))
    }

    /// Encodes the entries and makes them readable. Nothing changes if one of them cannot be stored. What is
    /// purged already is part of a snapshot and is not stored again.
    fn accept(&self, entries: impl IntoIterator<Item = Entry<C>>) -> Result<Accepted, StoreError> {
        let mut pairs = Vec::new();
        let mut accepted = Vec::new();
        let mut bytes = 0;
        let purged = self.shared.tail().purged;
        for entry in entries {
            if purged.is_some_and(|purged| entry.log_id.index <= purged.index) {
                continue;
            }
            let (parts, size) = layout::encode_entry(&entry)?;
            pairs.extend(parts);
            bytes += size;
            accepted.push((entry, size));
        }
        let mut tail = self.shared.tail();
        if let Some(failure) = &tail.failure {
            return Err(StoreError::Stopped(failure.clone()));
        }
        let own = tail.are_own_proposals(accepted.iter().map(|(entry, _)| entry));
        for (entry, size) in accepted {
            tail.push(entry, size)?;
        }
        let last = tail.last;
        self.shared.progress.send_if_modified(|now| std::mem::replace(&mut now.appended, last) != last);
        Ok(Accepted { pairs, bytes, last, own })
    }

    /// The id of the entry ahead of `index`, which becomes the last one.
    fn id_before(&self, index: u64) -> Result<Option<LogId<u64>>, StoreError> {
        let entry = match index.checked_sub(1) {
            Some(before) => self.shared.read(before, index, usize::MAX)?.pop(),
            None => None,
        };
        Ok(entry.map(|entry| entry.log_id).or(self.shared.tail().purged))
    }
}

fn read_failed(error: &StoreError) -> StorageError<u64> {
    error.fatal(ErrorSubject::Logs, ErrorVerb::Read)
}

fn write_failed(error: &StoreError) -> StorageError<u64> {
    error.fatal(ErrorSubject::Logs, ErrorVerb::Write)
}

impl<C: RaftConfig> Shared<C> {
    fn read_range(&self, range: &impl RangeBounds<u64>) -> Result<Vec<Entry<C>>, StoreError> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        self.read(start, end, usize::MAX)
    }

    /// Entries that begin exactly at `start`; none if that one was purged, which openraft sends as a
    /// heartbeat before it turns to a snapshot.
    fn read_limited(&self, start: u64, end: u64) -> Result<Vec<Entry<C>>, StoreError> {
        let mut entries = self.read(start, end, REPLICATION_BYTES)?;
        if entries.first().is_some_and(|entry| entry.log_id.index != start) {
            entries.clear();
        }
        Ok(entries)
    }
}

impl<C: RaftConfig> RaftLogReader<C> for LogReader<C> {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<C>>, StorageError<u64>> {
        self.shared.read_range(&range).map_err(|e| read_failed(&e))
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry<C>>, StorageError<u64>> {
        self.shared.read_limited(start, end).map_err(|e| read_failed(&e))
    }
}

impl<C: RaftConfig> RaftLogReader<C> for LogStore<C> {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<C>>, StorageError<u64>> {
        self.shared.read_range(&range).map_err(|e| read_failed(&e))
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry<C>>, StorageError<u64>> {
        self.shared.read_limited(start, end).map_err(|e| read_failed(&e))
    }
}

impl<C: RaftConfig> RaftLogStorage<C> for LogStore<C> {
    type LogReader = LogReader<C>;

    async fn get_log_state(&mut self) -> Result<LogState<C>, StorageError<u64>> {
        let tail = self.shared.tail();
        Ok(LogState { last_purged_log_id: tail.purged, last_log_id: tail.last })
    }

    async fn get_log_reader(&mut self) -> LogReader<C> {
        LogReader { shared: Arc::clone(&self.shared) }
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        let failed = |e: StoreError| e.fatal(ErrorSubject::Vote, ErrorVerb::Write);
        let bytes = codec::encode(layout::VOTE, vote)
            .map_err(|e| failed(StoreError::Refused(format!("the vote cannot be stored: {e}"))))?;
        self.carry_out(|done| Operation::Vote { bytes, done }).await.map_err(failed)?;
        self.shared.tail().vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        Ok(self.shared.tail().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId<u64>>) -> Result<(), StorageError<u64>> {
        let mut tail = self.shared.tail();
        tail.committed = committed;
        tail.committed_is_new = true;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<u64>>, StorageError<u64>> {
        Ok(self.shared.tail().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<C>) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<C>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let Accepted { pairs, bytes, last, own } = self.accept(entries).map_err(|e| write_failed(&e))?;
        let (now, later) = if own { (Some(callback), None) } else { (None, Some(callback)) };
        self.writer
            .submit(Operation::Append { pairs, bytes, last, callback: later })
            .map_err(|e| write_failed(&e))?;
        if let Some(callback) = now {
            callback.log_io_completed(Ok(()));
        }
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let failed = |e: StoreError| e.fatal(ErrorSubject::Log(log_id), ErrorVerb::Delete);
        let from = log_id.index;
        if self.last_log_id().is_none_or(|last| last.index < from) {
            return Ok(());
        }
        let before = self.id_before(from).map_err(failed)?;
        self.shared.tail().truncate(from, before);
        self.carry_out(|done| Operation::Truncate { from, before, done }).await.map_err(failed)
    }

    async fn purge(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let failed = |e: StoreError| e.fatal(ErrorSubject::Log(log_id), ErrorVerb::Delete);
        if self.shared.tail().purged.is_some_and(|purged| purged.index >= log_id.index) {
            return Ok(());
        }
        let bytes = codec::encode(layout::PURGED, &log_id)
            .map_err(|e| failed(StoreError::Refused(format!("the purge record cannot be stored: {e}"))))?;
        self.shared.tail().purge(log_id);
        self.writer.submit(Operation::Purge { upto: log_id, bytes }).map_err(failed)
    }
}
