//! Where the newest snapshot is kept: a directory, or memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::LogId;

use crate::RaftConfig;
use crate::engine::sync_directory;
use crate::error::StoreError;
use crate::snapshot::{Arriving, SnapshotBody, Source, format};

const KEPT: &str = "snapshot";
const UNFINISHED: &str = "part";

/// The snapshots of a member in memory. They outlive a crash, as a renamed and synced file does.
#[derive(Debug, Clone, Default)]
pub struct MemorySnapshots(Arc<Mutex<Option<Arc<Vec<u8>>>>>);

impl MemorySnapshots {
    /// Flips one bit of the snapshot; whether there was one to flip.
    pub fn flip_bit(&self, bit: usize) -> bool {
        let mut slot = self.slot();
        let byte = slot.as_mut().and_then(|bytes| Arc::make_mut(bytes).get_mut(bit / 8));
        byte.map(|byte| *byte ^= 1 << (bit % 8)).is_some()
    }

    pub(crate) fn image(&self) -> Self {
        Self(Arc::new(Mutex::new(self.slot().clone())))
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Memory(MemorySnapshots),
}

/// Keeps the newest snapshot.
#[derive(Debug)]
pub(crate) struct Shelf {
    place: Place,
    /// Makes the names of unfinished files differ.
    started: AtomicU64,
    /// Held while a snapshot takes its place, so that an older one never replaces a newer one.
    placing: Mutex<()>,
}

impl Shelf {
    /// Opens the directory and removes what a crash left unfinished.
    pub(crate) fn directory(path: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(path).map_err(StoreError::io("create", path))?;
        for file in list(path, UNFINISHED)? {
            std::fs::remove_file(&file).map_err(StoreError::io("remove", &file))?;
        }
        sync_directory(path)?;
        Ok(Self::at(Place::Directory(path.to_owned())))
    }

    pub(crate) fn memory(snapshots: MemorySnapshots) -> Self {
        Self::at(Place::Memory(snapshots))
    }

    fn at(place: Place) -> Self {
        Self { place, started: AtomicU64::new(0), placing: Mutex::new(()) }
    }

    /// Whether its work blocks on a disk.
    pub(crate) fn blocks(&self) -> bool {
        matches!(self.place, Place::Directory(_))
    }

    /// An empty snapshot to be filled.
    pub(crate) fn begin(&self) -> Result<SnapshotBody, StoreError> {
        match &self.place {
            Place::Directory(path) => {
                let number = self.started.fetch_add(1, Ordering::Relaxed);
                let path = path.join(format!("{number}.{UNFINISHED}"));
                let file = std::fs::OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create_new(true)
                    .open(&path)
                    .map_err(StoreError::io("create", &path))?;
                Ok(SnapshotBody(Source::Arriving(Arriving { file, path, length: 0 })))
            }
            Place::Memory(_) => Ok(SnapshotBody(Source::ArrivingInMemory(Vec::new()))),
        }
    }

    /// The newest snapshot.
    pub(crate) fn newest<C: RaftConfig>(&self) -> Result<Option<SnapshotBody>, StoreError> {
        match &self.place {
            Place::Memory(snapshots) => {
                Ok(snapshots.slot().clone().map(|bytes| SnapshotBody(Source::KeptInMemory(bytes))))
            }
            Place::Directory(path) => {
                let mut newest: Option<(Option<LogId<u64>>, SnapshotBody)> = None;
                for file in list(path, KEPT)? {
                    let body = SnapshotBody::kept(file)?;
                    let last = format::read_meta::<C>(&body)?.last_log_id;
                    if newest.as_ref().is_none_or(|(newest, _)| *newest < last) {
                        newest = Some((last, body));
                    }
                }
                Ok(newest.map(|(_, body)| body))
            }
        }
    }

    /// Puts a verified snapshot in its place, durably, and removes the one before. One that is older than
    /// the newest is dropped.
    pub(crate) fn keep<C: RaftConfig>(&self, body: SnapshotBody) -> Result<(), StoreError> {
        let _placing = self.placing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = format::read_meta::<C>(&body)?.last_log_id;
        if let Some(newest) = self.newest::<C>()?
            && format::read_meta::<C>(&newest)?.last_log_id > last
        {
            return Ok(());
        }
        match &self.place {
            Place::Memory(snapshots) => {
                let bytes = match body.0 {
                    Source::KeptInMemory(bytes) => bytes,
                    Source::ArrivingInMemory(bytes) => Arc::new(bytes),
                    Source::Kept { .. } | Source::Arriving(_) => Arc::new(body.read_at(0, usize::MAX)?),
                };
                *snapshots.slot() = Some(bytes);
                Ok(())
            }
            Place::Directory(path) => {
                let arriving = self.arriving(body)?;
                let name = last.map_or_else(
                    || format!("empty.{KEPT}"),
                    |id| format!("{:020}-{:020}.{KEPT}", id.index, id.leader_id.term),
                );
                let kept = path.join(name);
                arriving.file.sync_all().map_err(StoreError::io("sync the snapshot", &arriving.path))?;
                std::fs::rename(&arriving.path, &kept)
                    .map_err(StoreError::io("rename the snapshot to", &kept))?;
                sync_directory(path)?;
                for old in list(path, KEPT)?.into_iter().filter(|file| *file != kept) {
                    std::fs::remove_file(&old).map_err(StoreError::io("remove", &old))?;
                }
                Ok(())
            }
        }
    }

    /// The snapshot as an unfinished file of this directory, copied if it is not one already.
    fn arriving(&self, body: SnapshotBody) -> Result<Arriving, StoreError> {
        const PIECE: usize = 1 << 20;
        if let Source::Arriving(arriving) = body.0 {
            return Ok(arriving);
        }
        let mut copy = self.begin()?;
        while copy.len() < body.len() {
            let bytes = body.read_at(copy.len(), PIECE)?;
            copy.append(copy.len(), &bytes)?;
        }
        match copy.0 {
            Source::Arriving(arriving) => Ok(arriving),
            _ => Err(StoreError::Refused("the snapshot belongs to another store".into())),
        }
    }
}

/// The files of a directory with an extension, by name.
fn list(directory: &Path, extension: &str) -> Result<Vec<PathBuf>, StoreError> {
    let failed = || StoreError::io("list", directory);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
