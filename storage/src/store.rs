//! A member's data directory, opened as a whole.
//!
//! ```text
//! LOCK         held while a process uses the directory
//! FORMAT       the version of everything beside it (see `format`)
//! raft/        log and vote
//! snapshots/   the newest snapshot of the applied state
//! ```

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::RaftConfig;
use crate::engine::{Crash, MemoryEngine, SledEngine, sync_directory};
use crate::error::StoreError;
use crate::format::Format;
use crate::log::LogStore;
use crate::machine::Machine;
use crate::snapshot::{MemorySnapshots, Shelf};
use crate::state::{Published, StateStore};
use openraft::storage::RaftLogStorage as _;
use openraft::{LogId, Vote};

/// How long somebody who holds the lock is waited for.
const LET_GO: Duration = Duration::from_secs(1);

/// Both halves of what openraft stores. The directory stays locked until both are dropped.
pub struct Store<C: RaftConfig, M> {
    /// The log and the vote.
    pub log: LogStore<C>,
    /// The applied state and the snapshots.
    pub state: StateStore<C, M>,
}

/// The disk of a member in memory. A clone is another handle on the same disk. The node has to be dropped
/// before its disk crashes.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    /// Where log and vote are.
    pub raft: MemoryEngine,
    /// Where the newest snapshot of the applied state is.
    pub snapshots: MemorySnapshots,
}

impl MemoryDisk {
    /// A disk of its own with the same content, as one that is restored from an image.
    #[must_use]
    pub fn image(&self) -> Self {
        let (raft, snapshots) = (self.raft.image(), self.snapshots.image());
        Self { raft, snapshots }
    }

    /// Whether these bytes stand anywhere on the disk: for what must never be written.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.raft.holds(bytes) || self.snapshots.holds(bytes)
    }

    /// Ends the life of the process that used the disk.
    pub fn crash(&self, crash: Crash) {
        self.raft.crash(crash);
    }
}

impl<C, M> Store<C, M>
where
    C: RaftConfig + openraft::RaftTypeConfig<D = M::Command, R = M::Outcome>,
    M: Machine,
{
    /// Opens or creates a data directory; a new one can be entered by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::FormatTooNew`], [`StoreError::Corrupt`] or [`StoreError::Io`];
    /// each says what to do.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(StoreError::io("create", directory))?;
        let lock = Arc::new(lock(directory)?);
        let format = Format::open(directory)?;
        let (raft, snapshots) = (directory.join("raft"), directory.join("snapshots"));
        let there = |path: &Path| path.try_exists().map_err(StoreError::io("look for", path));
        if there(&snapshots)? && !there(&raft)? {
            return Err(StoreError::corrupt("log", format!("{} is missing", raft.display())));
        }
        let raft = SledEngine::open(&raft, lock)?;
        let shelf = Shelf::directory(&snapshots)?;
        sync_directory(directory)?;
        Self::assemble(LogStore::threaded(Arc::new(raft))?, shelf, format)
    }

    /// Opens a disk in memory. Everything happens in place, so that runs can be repeated exactly.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the disk was damaged.
    pub fn memory(disk: &MemoryDisk) -> Result<Self, StoreError> {
        let log = LogStore::inline(Arc::new(disk.raft.clone()))?;
        Self::assemble(log, Shelf::memory(disk.snapshots.clone()), Format::memory())
    }

    /// Makes a new data directory that begins with this state as if all before it were a snapshot: for the first member
    /// of a cluster that takes another's place. `last` is the entry that the state stands at, in a term of `node`'s own.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if something is stored there already; else as [`Store::open`].
    pub async fn found(
        directory: &Path,
        node: u64,
        last: LogId<u64>,
        machine: M,
        membership: openraft::Membership<u64, C::Node>,
    ) -> Result<(), StoreError> {
        let mut store = Self::open(directory)?;
        if store.log.last_log_id().is_some() || store.state.last_applied().is_some() {
            return Err(StoreError::Refused(format!("{} holds a member already", directory.display())));
        }
        let membership = openraft::StoredMembership::new(Some(last), membership);
        store.state.begin_with(Published { machine, last_applied: Some(last), membership })?;
        let failed = |error: openraft::StorageError<u64>| StoreError::Stopped(error.to_string());
        store.log.purge(last).await.map_err(failed)?;
        // Makes the purge durable too, which is queued before it.
        store.log.save_vote(&Vote::new(last.leader_id.term, node)).await.map_err(failed)
    }

    fn assemble(log: LogStore<C>, shelf: Shelf, format: Format) -> Result<Self, StoreError> {
        let state = StateStore::open(shelf, format, log.durable())?;
        let purged = log.last_purged();
        // The log is purged only behind a snapshot.
        if purged > state.last_applied() {
            let place = format!("the log begins after {purged:?}, which no snapshot covers");
            return Err(StoreError::corrupt("applied state", place));
        }
        Ok(Self { log, state })
    }
}

/// Locks the data directory. Who holds the lock and is about to go is waited for: a process that ends, or a copy of this
/// one on its way to become another program, which has all its files for a moment.
#[expect(clippy::disallowed_methods, reason = "a real disk is opened once, before anything runs beside it")]
fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("LOCK");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io("open", &path))?;
    let deadline = Instant::now() + LET_GO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LET_GO / 50),
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: directory.to_owned() }),
            Err(TryLockError::Error(e)) => return Err(StoreError::io("lock", &path)(e)),
        }
    }
}
