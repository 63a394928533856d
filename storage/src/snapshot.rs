//! Snapshots: one checksummed file each, written aside, synced, then renamed into place.
//!
//! Only the newest is kept. A snapshot is verified as a whole before it replaces anything. The twin in
//! memory keeps the same bytes.

pub(crate) mod format;
mod shelf;

pub use shelf::MemorySnapshots;
pub(crate) use shelf::Shelf;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StoreError;
use crate::off_task::off_task;

/// Largest snapshot that is received, in bytes.
pub const MAX_SNAPSHOT: u64 = 1 << 30;

/// The bytes of a snapshot: one that is kept, to be sent; or one that is arriving.
#[derive(Debug)]
pub struct SnapshotBody(Source);

#[derive(Debug)]
enum Source {
    Kept { file: File, path: PathBuf, length: u64 },
    Arriving(Arriving),
    KeptInMemory(Arc<Vec<u8>>),
    ArrivingInMemory(Vec<u8>),
}

/// A file that is removed unless it is completed.
#[derive(Debug)]
struct Arriving {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // After a successful rename there is nothing to remove under this name.
        drop(std::fs::remove_file(&self.path));
    }
}

impl SnapshotBody {
    fn kept(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(StoreError::io("open the snapshot", &path))?;
        let length = file.metadata().map_err(StoreError::io("stat the snapshot", &path))?.len();
        Ok(Self(Source::Kept { file, path, length }))
    }

    /// Length in bytes; of one that arrives, the bytes so far, which is where to resume.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Kept { length, .. } => *length,
            Source::Arriving(arriving) => arriving.length,
            Source::KeptInMemory(bytes) => bytes.len() as u64,
            Source::ArrivingInMemory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to `max` bytes from `offset`; fewer only at the end, none beyond it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read_at(&self, offset: u64, max: usize) -> Result<Vec<u8>, StoreError> {
        let available = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; max.min(available)];
        let read = |file: &File, path: &Path, bytes: &mut [u8]| {
            file.read_exact_at(bytes, offset).map_err(StoreError::io("read the snapshot", path))
        };
        match &self.0 {
            Source::Kept { file, path, .. } => read(file, path, &mut bytes)?,
            Source::Arriving(arriving) => read(&arriving.file, &arriving.path, &mut bytes)?,
            Source::KeptInMemory(all) => copy_from(all, offset, &mut bytes),
            Source::ArrivingInMemory(all) => copy_from(all, offset, &mut bytes),
        }
        Ok(bytes)
    }

    /// Adds bytes at `offset`, which has to be the present length.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for another offset, for more than [`MAX_SNAPSHOT`] bytes in all, and for a
    /// snapshot that is kept already; [`StoreError::Io`] if the disk refuses.
    pub fn append(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let length = self.len();
        if offset != length {
            return Err(StoreError::Refused(format!("snapshot bytes for {offset} where {length} come next")));
        }
        if bytes.len() as u64 > MAX_SNAPSHOT.saturating_sub(length) {
            return Err(StoreError::Refused(format!("a snapshot of over {MAX_SNAPSHOT} bytes")));
        }
        match &mut self.0 {
            Source::Arriving(arriving) => {
                arriving
                    .file
                    .write_all_at(bytes, offset)
                    .map_err(StoreError::io("write the snapshot", &arriving.path))?;
                arriving.length += bytes.len() as u64;
                Ok(())
            }
            Source::ArrivingInMemory(all) => {
                all.extend_from_slice(bytes);
                Ok(())
            }
            Source::Kept { .. } | Source::KeptInMemory(_) => {
                Err(StoreError::Refused("the snapshot is complete".into()))
            }
        }
    }

    /// Checks the whole snapshot against its checksum. A receiver does so before it hands a snapshot to
    /// Raft, so that a transfer that went wrong is repeated instead of stopping the node.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a byte is missing or wrong.
    pub fn verify(&self) -> Result<(), StoreError> {
        format::verify(self)
    }

    /// The snapshot, once it was checked as by [`SnapshotBody::verify`], which may take a while: other tasks go on.
    ///
    /// # Errors
    /// As [`SnapshotBody::verify`].
    pub async fn verified(self: Box<Self>) -> Result<Box<Self>, StoreError> {
        let blocks = matches!(self.0, Source::Kept { .. } | Source::Arriving(_));
        off_task(blocks, move || self.verify().map(|()| self)).await
    }
}

fn copy_from(all: &[u8], offset: u64, bytes: &mut [u8]) {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    for (to, from) in bytes.iter_mut().zip(all.iter().skip(from)) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// No snapshot at all, so that its check fails, sooner or later.
    fn nothing(shelf: &Shelf) -> Box<SnapshotBody> {
        Box::new(shelf.begin().unwrap())
    }

    #[test]
    fn a_file_is_checked_beside_the_tasks_and_what_is_in_memory_in_place() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let _entered = runtime.enter();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || wait.recv().is_ok());

        let memory = Shelf::memory(MemorySnapshots::default());
        let in_place = pin!(nothing(&memory).verified());
        assert!(matches!(poll_once(in_place), Poll::Ready(Err(StoreError::Corrupt { .. }))));

        let directory = tempfile::tempdir().unwrap();
        let on_disk = Shelf::directory(directory.path()).unwrap();
        let mut beside = pin!(nothing(&on_disk).verified());
        assert!(poll_once(beside.as_mut()).is_pending(), "the one thread for it has other work");
        go_on.send(()).unwrap();
        assert!(matches!(runtime.block_on(beside), Err(StoreError::Corrupt { .. })));
        assert!(runtime.block_on(busy).unwrap());
    }
}
