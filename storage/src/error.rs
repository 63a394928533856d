//! What can go wrong with the disk, where it went wrong, and what the operator does about it.

use std::io;
use std::path::{Path, PathBuf};

use openraft::{AnyError, ErrorSubject, ErrorVerb, StorageError, StorageIOError};
use thiserror::Error;

/// A failure of storage. None of them is repaired on the spot: the node stops, since a member that guesses
/// at its own history endangers the others.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the directory open.
    #[error("{} is in use by another process; stop that one first, or choose another directory", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// A newer release wrote the directory.
    #[error(
        "{} holds storage format {found}, this release knows up to {supported}; nothing of it was touched; run the release \
         that wrote it, or a newer one",
        path.display()
    )]
    FormatTooNew {
        /// The data directory.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format that this release reads.
        supported: u32,
    },
    /// Data that was written is missing or damaged.
    #[error(
        "corrupt {what} ({place}): move the data directory aside for inspection and let the node join again \
         under a new id; never start it again on a repaired or emptied directory"
    )]
    Corrupt {
        /// What is damaged.
        what: &'static str,
        /// Where, and in which way.
        place: String,
    },
    /// The operating system refused an operation.
    #[error("{operation} {} failed: {source}; check the disk (space, health, permissions), then restart", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// An earlier write failed, so that nothing is acknowledged any more.
    #[error("storage stopped after an earlier failure: {0}")]
    Stopped(String),
    /// A value that cannot be stored, or a snapshot from a peer that breaks the rules of its transfer.
    #[error("refused: {0}")]
    Refused(String),
}

impl StoreError {
    pub(crate) fn corrupt(what: &'static str, place: impl Into<String>) -> Self {
        Self::Corrupt { what, place: place.into() }
    }

    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }

    /// The error as openraft wants it: one that stops the node.
    pub(crate) fn fatal(&self, subject: ErrorSubject<u64>, verb: ErrorVerb) -> StorageError<u64> {
        StorageIOError::new(subject, verb, AnyError::error(self)).into()
    }
}
