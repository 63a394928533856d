//! A member's data directory, opened as a whole.
//!
//! ```text
//! LOCK         held while a process uses the directory
//! FORMAT       the version of everything beside it
//! raft/        log and vote
//! state/       applied state
//! snapshots/   the newest snapshot
//! ```

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use crate::RaftConfig;
use crate::engine::{Crash, Engine, MemoryEngine, SledEngine, sync_directory};
use crate::error::StoreError;
use crate::log::LogStore;
use crate::machine::Machine;
use crate::snapshot::{MemorySnapshots, Shelf};
use crate::state::StateStore;

/// The version of the directory that this release reads and writes.
pub const FORMAT: u32 = 1;
const FORMAT_WORDS: &str = "passquorum storage format ";

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
    /// Where the applied state is.
    pub state: MemoryEngine,
    /// Where the newest snapshot is.
    pub snapshots: MemorySnapshots,
}

impl MemoryDisk {
    /// A disk of its own with the same content, as one that is restored from an image.
    #[must_use]
    pub fn image(&self) -> Self {
        let (raft, state, snapshots) = (self.raft.image(), self.state.image(), self.snapshots.image());
        Self { raft, state, snapshots }
    }

    /// Ends the life of the process that used the disk.
    pub fn crash(&self, crash: Crash) {
        self.raft.crash(crash);
        self.state.crash(crash);
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
        check_format(directory)?;
        let raft = SledEngine::open(&directory.join("raft"), Arc::clone(&lock))?;
        let state = SledEngine::open(&directory.join("state"), lock)?;
        let shelf = Shelf::directory(&directory.join("snapshots"))?;
        sync_directory(directory)?;
        Self::assemble(LogStore::threaded(Arc::new(raft))?, Arc::new(state), shelf)
    }

    /// Opens a disk in memory. Everything happens in place, so that runs can be repeated exactly.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the disk was damaged.
    pub fn memory(disk: &MemoryDisk) -> Result<Self, StoreError> {
        let log = LogStore::inline(Arc::new(disk.raft.clone()))?;
        Self::assemble(log, Arc::new(disk.state.clone()), Shelf::memory(disk.snapshots.clone()))
    }

    fn assemble(log: LogStore<C>, state: Arc<dyn Engine>, shelf: Shelf) -> Result<Self, StoreError> {
        let state = StateStore::open(state, shelf, log.durable())?;
        let applied = state.last_applied();
        // Every applied entry was durable in the log first, unless a snapshot brought it.
        if applied > log.last_log_id() && applied > state.last_in_snapshot()? {
            let place = match (log.last_log_id(), applied) {
                (Some(last), Some(applied)) => format!("it ends at {last}, yet {applied} was applied"),
                _ => "it is empty, yet entries were applied".into(),
            };
            return Err(StoreError::corrupt("log", place));
        }
        Ok(Self { log, state })
    }
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("LOCK");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: directory.to_owned() }),
        Err(TryLockError::Error(e)) => Err(StoreError::io("lock", &path)(e)),
    }
}

/// Checks the format, or notes it in a new directory before anything else is written there.
fn check_format(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join("FORMAT");
    if !path.try_exists().map_err(StoreError::io("look for", &path))? {
        let raft = directory.join("raft");
        if raft.try_exists().map_err(StoreError::io("look for", &raft))? {
            return Err(StoreError::corrupt("data directory", format!("{} is missing", path.display())));
        }
        let unfinished = directory.join("FORMAT.part");
        File::create(&unfinished)
            .and_then(|mut file| {
                writeln!(file, "{FORMAT_WORDS}{FORMAT}")?;
                file.sync_all()
            })
            .map_err(StoreError::io("write", &unfinished))?;
        std::fs::rename(&unfinished, &path).map_err(StoreError::io("rename to", &path))?;
        return sync_directory(directory);
    }
    let text = std::fs::read_to_string(&path).map_err(StoreError::io("read", &path))?;
    let found = text.trim_end().strip_prefix(FORMAT_WORDS).and_then(|number| number.parse().ok());
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => {
            Err(StoreError::FormatTooNew { path: directory.to_owned(), found, supported: FORMAT })
        }
        _ => Err(StoreError::corrupt("data directory", format!("{} is not readable", path.display()))),
    }
}
