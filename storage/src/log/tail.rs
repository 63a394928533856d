//! The log as this process knows it: its bounds, and its newest entries in memory.
//!
//! An entry can be read from here from the moment it is appended, and stays at least until the engine holds
//! it. The entries in memory are consecutive and end at the last entry of the log. A read returns
//! consecutive entries or an error, never a hole.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::{Entry, EntryPayload, LogId, Vote};
use tokio::sync::watch;

use crate::RaftConfig;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::log::durable::Progress;
use crate::log::layout::{self, decode_entry, scan_entries};
use crate::planted::{self, Plant};

/// Encoded size of the entries kept in memory, beyond which the oldest ones leave.
const KEEP_BYTES: usize = 4 << 20;
/// Number of entries kept in memory.
const KEEP_ENTRIES: usize = 8192;

pub(crate) struct Tail<C: RaftConfig> {
    /// The node whose log this is, once it is known.
    pub(crate) owner: Option<u64>,
    pub(crate) vote: Option<Vote<u64>>,
    pub(crate) committed: Option<LogId<u64>>,
    /// Whether `committed` has yet to ride along with a write.
    pub(crate) committed_is_new: bool,
    pub(crate) purged: Option<LogId<u64>>,
    pub(crate) last: Option<LogId<u64>>,
    /// Index of the oldest entry, when there is one.
    first: u64,
    /// Entries below this index are in the engine.
    pub(crate) written: u64,
    /// Counts the removals, so that a reader notices one that happened meanwhile.
    removals: u64,
    entries: VecDeque<(Entry<C>, usize)>,
    bytes: usize,
    /// Why nothing is acknowledged any more.
    pub(crate) failure: Option<String>,
}

/// What the log store, its readers and its writer share.
pub(crate) struct Shared<C: RaftConfig> {
    pub(crate) engine: Arc<dyn Engine>,
    /// How far the log is durable.
    pub(crate) progress: watch::Sender<Progress>,
    tail: Mutex<Tail<C>>,
}

impl<C: RaftConfig> Shared<C> {
    /// Reads the bounds from the engine and checks every entry: each one there, whole and consecutive.
    pub(crate) fn open(engine: Arc<dyn Engine>) -> Result<Self, StoreError> {
        // A process that died may have left what it never synced: it can be read, and a power cut would still take it.
        // Nothing may be built on it before it is durable.
        engine.sync()?;
        let read = |what, kind, key| layout::read_record(&*engine, what, kind, key);
        let purged: Option<LogId<u64>> = read("purge record", layout::PURGED, layout::PURGED_KEY)?;
        let committed = read("commit record", layout::COMMITTED, layout::COMMITTED_KEY)?;
        let vote = layout::read_record(&*engine, "vote", layout::VOTE, layout::VOTE_KEY)?;
        let first = purged.map_or(0, |id| id.index + 1);
        let mut last = purged;
        let mut before_last = purged;
        let mut written = scan_entries(&*engine, first, u64::MAX, |index, bytes| {
            before_last = last.replace(decode_entry::<C>(index, bytes)?.log_id);
            Ok(true)
        })?;
        if planted::on(Plant::LoseLogTail) && written > first {
            last = before_last;
            written -= 1;
        }
        let (progress, _) = watch::channel(Progress { appended: last, durable: last, failure: None });
        let tail = Tail {
            owner: None,
            vote,
            committed,
            committed_is_new: false,
            purged,
            last,
            first,
            written,
            removals: 0,
            entries: VecDeque::new(),
            bytes: 0,
            failure: None,
        };
        Ok(Self { engine, progress, tail: Mutex::new(tail) })
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail<C>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who follow how far the log is where it ends now.
    pub(crate) fn ends_at(&self, last: Option<LogId<u64>>) {
        self.progress.send_if_modified(|now| std::mem::replace(&mut now.appended, last) != last);
    }

    /// The entries of `start..end` that exist, cut off after `budget` encoded bytes.
    pub(crate) fn read(&self, start: u64, end: u64, budget: usize) -> Result<Vec<Entry<C>>, StoreError> {
        let mut found: Vec<Entry<C>> = Vec::new();
        let mut used = 0;
        loop {
            let (from, to, removals) = {
                let tail = self.tail();
                let from = found.last().map_or(start.max(tail.first), |entry| entry.log_id.index + 1);
                let to = end.min(tail.next());
                if from >= to || used >= budget {
                    return Ok(found);
                }
                let cached = tail.cached_from();
                if from >= cached {
                    let skip = usize::try_from(from - cached).unwrap_or(usize::MAX);
                    for (entry, size) in tail.entries.iter().skip(skip) {
                        if entry.log_id.index >= to || used >= budget {
                            break;
                        }
                        used += size;
                        found.push(entry.clone());
                    }
                    return Ok(found);
                }
                (from, to.min(cached), tail.removals)
            };
            let scanned = scan_entries(&*self.engine, from, to, |index, bytes| {
                used += bytes.len();
                found.push(decode_entry(index, bytes)?);
                Ok(used < budget)
            });
            if self.tail().removals != removals {
                found.clear();
                used = 0;
                continue;
            }
            let next = scanned?;
            if next < to && used < budget {
                return Err(StoreError::corrupt("log", format!("entry {next} is missing")));
            }
        }
    }
}

impl<C: RaftConfig> Tail<C> {
    /// Takes note of whose log this is. A leader that starts again may have lost entries that others have under its
    /// vote, so it must not go on under it: it is told that the vote is not committed, and stands for election.
    pub(crate) fn belong_to(&mut self, node: u64) {
        self.owner = Some(node);
        if let Some(vote) = self.vote.as_mut().filter(|vote| vote.leader_id.node_id == node) {
            vote.committed = false;
        }
    }

    /// Whether this node proposes the entries itself, as the leader that the durable vote says it is, and none of
    /// them changes the membership: the change that follows one must find it durable in a quorum.
    pub(crate) fn are_own_proposals<'a>(&self, entries: impl IntoIterator<Item = &'a Entry<C>>) -> bool
    where
        C: 'a,
    {
        let leading = self.vote.filter(|vote| vote.committed && Some(vote.leader_id.node_id) == self.owner);
        leading.is_some_and(|vote| {
            entries.into_iter().all(|entry| {
                entry.log_id.leader_id == vote.leader_id
                    && !matches!(entry.payload, EntryPayload::Membership(_))
            })
        })
    }

    /// The index after the last entry.
    fn next(&self) -> u64 {
        self.last.map_or(self.first, |id| id.index + 1)
    }

    fn cached_from(&self) -> u64 {
        self.entries.front().map_or(self.next(), |(entry, _)| entry.log_id.index)
    }

    /// Adds an entry after the last one. A log that never held anything may begin anywhere.
    pub(crate) fn push(&mut self, entry: Entry<C>, size: usize) -> Result<(), StoreError> {
        let index = entry.log_id.index;
        if self.last.is_none() {
            self.first = index;
        } else if index != self.next() {
            return Err(StoreError::Refused(format!(
                "log entry {index} would leave a hole after {}",
                self.next().saturating_sub(1)
            )));
        }
        self.last = Some(entry.log_id);
        self.bytes += size;
        self.entries.push_back((entry, size));
        Ok(())
    }

    /// Lets the oldest entries leave that the engine holds and the memory bound leaves no room for.
    pub(crate) fn evict(&mut self) {
        while self.bytes > KEEP_BYTES || self.entries.len() > KEEP_ENTRIES {
            match self.entries.front() {
                Some((entry, size)) if entry.log_id.index < self.written => {
                    self.bytes = self.bytes.saturating_sub(*size);
                    self.entries.pop_front();
                }
                _ => break,
            }
        }
    }

    /// Removes the entries from `index` on; `before` is the id of the entry ahead of it.
    pub(crate) fn truncate(&mut self, index: u64, before: Option<LogId<u64>>) {
        while let Some((entry, size)) = self.entries.pop_back() {
            if entry.log_id.index < index {
                self.entries.push_back((entry, size));
                break;
            }
            self.bytes = self.bytes.saturating_sub(size);
        }
        self.last = before;
        self.removals += 1;
    }

    /// Removes the entries up to and with `upto`.
    pub(crate) fn purge(&mut self, upto: LogId<u64>) {
        while let Some((entry, size)) = self.entries.front() {
            if entry.log_id.index > upto.index {
                break;
            }
            self.bytes = self.bytes.saturating_sub(*size);
            self.entries.pop_front();
        }
        self.first = upto.index + 1;
        self.purged = Some(upto);
        if self.last.is_none_or(|last| last.index < upto.index) {
            self.last = Some(upto);
        }
        self.removals += 1;
    }
}
