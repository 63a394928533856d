//! The domain's file: read, changed and replaced under an exclusive lock, so that several processes can share it.
//! It is replaced as a whole (temporary file, fsync, rename): a reader or a crash sees the old or the new one.

use super::domain::Domain;
use passquorum_domain::ports::DirectoryReason;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

pub(super) struct Store {
    path: PathBuf,
}

/// The file could not be used.
#[derive(Debug)]
pub(super) enum StoreError {
    /// Nothing was changed.
    NotDone(io::Error),
    /// A change was written, but may not outlive a crash.
    Unknown(io::Error),
}

impl Store {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Runs `act` on the domain while nobody else can, and keeps what it changed if it succeeded.
    pub(super) fn transact<T>(
        &self,
        act: impl FnOnce(&mut Domain) -> Result<T, DirectoryReason>,
    ) -> Result<Result<T, DirectoryReason>, StoreError> {
        let _lock = self.lock().map_err(StoreError::NotDone)?;
        let before = self.load().map_err(StoreError::NotDone)?;
        let mut after = before.clone();
        let outcome = act(&mut after);
        if outcome.is_ok() && after != before {
            self.save(&after)?;
        }
        Ok(outcome)
    }

    /// Writes the first version; answers `false` when there is one already.
    pub(super) fn create(&self, domain: &Domain) -> Result<bool, StoreError> {
        let _lock = self.lock().map_err(StoreError::NotDone)?;
        if self.path.try_exists().map_err(StoreError::NotDone)? {
            return Ok(false);
        }
        self.save(domain)?;
        Ok(true)
    }

    /// The lock ends when the file is closed, also when the process is killed.
    fn lock(&self) -> io::Result<File> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn load(&self) -> io::Result<Domain> {
        Ok(serde_json::from_slice(&fs::read(&self.path)?)?)
    }

    fn save(&self, domain: &Domain) -> Result<(), StoreError> {
        let replace = || -> io::Result<()> {
            let temporary = self.path.with_extension("new");
            let mut file = File::create(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(domain)?)?;
            file.sync_all()?;
            fs::rename(temporary, &self.path)
        };
        replace().map_err(StoreError::NotDone)?;
        sync_directory(&self.path).map_err(StoreError::Unknown)
    }
}

/// Makes the rename last.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
