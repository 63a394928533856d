//! The engine on disk: one sled database, one tree.
//!
//! Two properties of sled are made good here. Its flush uses `sync_file_range` on Linux, which leaves the
//! data in the disk's volatile cache; so each flush is followed by `fdatasync` on our own handle of the same
//! file. And where a byte of its file is damaged, it takes that for the torn end of the file and silently
//! drops everything after it; so each sync has a number, which is stored both in the database and, once the
//! sync is done, in the file `mark` beside it. A database that is behind its mark has lost durable data.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::{Batch, Durability, Engine, Visit};
use crate::error::StoreError;

const CACHE_BYTES: u64 = 16 << 20;
/// The key of the number of the last sync; it lies after every key that a batch may use.
const SYNC_KEY: [u8; 1] = [u8::MAX];

/// A sled database in a directory of its own.
#[derive(Debug)]
pub struct SledEngine {
    db: sled::Db,
    file: File,
    mark: File,
    /// The number of the last sync; held during a sync, so that the numbers in both places only grow.
    syncs: Mutex<u64>,
    path: PathBuf,
    /// Keeps the data directory locked for as long as the database is open.
    _lock: Arc<File>,
}

impl SledEngine {
    /// Opens or creates the database in `path`, and holds on to `lock` while it is open.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if sled cannot read what is there or has lost a part of it,
    /// [`StoreError::Io`] otherwise.
    pub fn open(path: &Path, lock: Arc<File>) -> Result<Self, StoreError> {
        let failed = |e| failure("open the database", path, e);
        let file_path = path.join("db");
        wait_until_released(&file_path)?;
        remove_unfinished(path)?;
        let db = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .open()
            .map_err(failed)?;
        let syncs = match db.get(SYNC_KEY).map_err(failed)? {
            None => 0,
            Some(bytes) => <[u8; 8]>::try_from(&*bytes)
                .map(u64::from_be_bytes)
                .map_err(|_| StoreError::corrupt("database", format!("{}: sync number", path.display())))?,
        };
        let file = File::open(&file_path).map_err(StoreError::io("open", &file_path))?;
        let (mark, marked) = open_mark(&path.join("mark"))?;
        if syncs < marked {
            return Err(StoreError::corrupt(
                "database",
                format!("{}: it ends at sync {syncs}, yet sync {marked} was done", path.display()),
            ));
        }
        let engine = Self { db, file, mark, syncs: Mutex::new(syncs), path: path.to_owned(), _lock: lock };
        engine.sync()?;
        engine.mark.sync_all().map_err(StoreError::io("sync the mark of", path))?;
        sync_directory(path)?;
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(engine)
    }

    /// Applies a batch that carries the number of this sync, and syncs.
    fn apply_synced(&self, mut changes: sled::Batch) -> Result<(), StoreError> {
        let mut syncs = self.syncs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *syncs + 1;
        changes.insert(&SYNC_KEY, &number.to_be_bytes());
        self.db.apply_batch(changes).map_err(|e| failure("write to the database", &self.path, e))?;
        self.db.flush().map_err(|e| failure("flush the database", &self.path, e))?;
        self.file.sync_data().map_err(StoreError::io("sync", &self.path))?;
        self.mark
            .write_all_at(&encode_mark(number), 0)
            .map_err(StoreError::io("write the mark of", &self.path))?;
        *syncs = number;
        Ok(())
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
        match durability {
            Durability::Buffered => self.db.apply_batch(changes).map_err(failed),
            Durability::Synced => self.apply_synced(changes),
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.apply_synced(sled::Batch::default())
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

/// Waits until nobody holds sled's own lock. We hold the lock of the data directory, so whoever still does is on the
/// way out: a thread of sled that outlives a database this process has just closed, or a process that is being
/// started and has this one's files open until then. sled itself would not wait but fail.
fn wait_until_released(path: &Path) -> Result<(), StoreError> {
    match File::open(path) {
        Ok(file) => file.lock().map_err(StoreError::io("wait for the lock of", path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io("open", path)(error)),
    }
}

/// Removes what sled began to write when it was opened and did not finish, such as on a full disk: it would take that for
/// its newest snapshot, and its database for damaged. The one before is there until the new one is complete.
fn remove_unfinished(path: &Path) -> Result<(), StoreError> {
    let files = match std::fs::read_dir(path) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("list", path)(error)),
    };
    for file in files {
        let file = file.map_err(StoreError::io("list", path))?.path();
        if file.extension().is_some_and(|extension| extension == "generating") {
            std::fs::remove_file(&file).map_err(StoreError::io("remove", &file))?;
        }
    }
    Ok(())
}

/// Opens or creates the mark and reads it; a new one is 0. Since it is written after the sync that it names,
/// it may be behind after a power cut, never ahead.
fn open_mark(path: &Path) -> Result<(File, u64), StoreError> {
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(StoreError::io("open", path))?;
    let mut found = Vec::new();
    file.read_to_end(&mut found).map_err(StoreError::io("read", path))?;
    if found.is_empty() {
        return Ok((file, 0));
    }
    let number = found.first_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
    if found != encode_mark(number) {
        return Err(StoreError::corrupt("mark", format!("{} is not readable", path.display())));
    }
    Ok((file, number))
}

fn encode_mark(number: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    let checksum = crc32c::crc32c(&number.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(number.to_be_bytes().into_iter().chain(checksum.to_be_bytes())) {
        *to = from;
    }
    bytes
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|d| d.sync_all()).map_err(StoreError::io("sync the directory", path))
}

fn failure(operation: &'static str, path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) if source.kind() != ErrorKind::InvalidData => {
            StoreError::Io { operation, path: path.to_owned(), source }
        }
        other => StoreError::corrupt("database", format!("{}: {operation}: {other}", path.display())),
    }
}
