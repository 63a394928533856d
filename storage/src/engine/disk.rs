//! The engine on disk: one sled database, one tree.
//!
//! On Linux sled's flush uses `sync_file_range`, which leaves the data in the disk's volatile cache; so each
//! flush is followed by `fdatasync` on our own handle of the same file. sled's own timer flush is off.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::{Batch, Durability, Engine, Visit};
use crate::error::StoreError;

const CACHE_BYTES: u64 = 16 << 20;

/// A sled database in a directory of its own.
#[derive(Debug)]
pub struct SledEngine {
    db: sled::Db,
    file: File,
    path: PathBuf,
    /// Keeps the data directory locked for as long as the database is open.
    _lock: Arc<File>,
}

impl SledEngine {
    /// Opens or creates the database in `path`, and holds on to `lock` while it is open.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if sled cannot read what is there, [`StoreError::Io`] otherwise.
    pub fn open(path: &Path, lock: Arc<File>) -> Result<Self, StoreError> {
        let db = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .open()
            .map_err(|e| failure("open the database", path, e))?;
        let file_path = path.join("db");
        let file = File::open(&file_path).map_err(StoreError::io("open", &file_path))?;
        let engine = Self { db, file, path: path.to_owned(), _lock: lock };
        engine.sync()?;
        sync_directory(path)?;
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(engine)
    }
}

impl Engine for SledEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let failed = |e| failure("write to the database", &self.path, e);
        let mut changes = sled::Batch::default();
        for (from, to) in batch.ranges {
            for key in self.db.range(from..to).keys() {
                changes.remove(key.map_err(failed)?);
            }
        }
        for (key, value) in batch.changes {
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        self.db.apply_batch(changes).map_err(failed)?;
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Synced => self.sync(),
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| failure("flush the database", &self.path, e))?;
        self.file.sync_data().map_err(StoreError::io("sync", &self.path))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get(key).map_err(|e| failure("read the database", &self.path, e))?;
        Ok(value.map(|v| v.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        for pair in self.db.range(from..to) {
            let (key, value) = pair.map_err(|e| failure("read the database", &self.path, e))?;
            if !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|d| d.sync_all()).map_err(StoreError::io("sync the directory", path))
}

fn failure(operation: &'static str, path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::Io { operation, path: path.to_owned(), source },
        other => StoreError::corrupt("database", format!("{}: {operation}: {other}", path.display())),
    }
}
