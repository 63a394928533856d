//! One process per data directory: `node.pid` holds the process id, locked for as long as the process lives.
//!
//! The lock, not the file's presence, says that the node runs, so that a stale file after `kill -9` misleads nobody.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The directory is not free.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another process runs the node.
    #[error("{0} is held by a node that is running already")]
    Running(PathBuf),
    /// The file cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Held while this process is the node.
#[derive(Debug)]
pub struct PidFile {
    _locked: File,
}

impl PidFile {
    /// Claims the directory for this process.
    pub fn claim(path: &Path) -> Result<Self, ClaimError> {
        let io = |source| ClaimError::Io { path: path.to_owned(), source };
        let mut file = open(path, true).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClaimError::Running(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _locked: file })
    }
}

/// The process that runs the node, if one does.
#[must_use]
pub fn running(path: &Path) -> Option<u32> {
    let mut file = open(path, false).ok()?;
    let Err(TryLockError::WouldBlock) = file.try_lock_shared() else { return None };
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Waits, blocking, until no process runs the node.
pub fn wait_until_ended(path: &Path) -> io::Result<()> {
    match open(path, false) {
        Ok(file) => file.lock_shared(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    File::options().read(true).write(true).create(create).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_process_and_a_stale_file_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.pid");
        assert_eq!(running(&path), None);
        wait_until_ended(&path).unwrap();
        let claim = PidFile::claim(&path).unwrap();
        assert_eq!(running(&path), Some(std::process::id()));
        assert!(matches!(PidFile::claim(&path), Err(ClaimError::Running(_))));
        drop(claim);
        assert_eq!(running(&path), None, "the file is still there");
        wait_until_ended(&path).unwrap();
    }
}
