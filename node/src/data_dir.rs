//! Where things are under a node's data directory.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A node's data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The directory at this path; it need not be there yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the directory, for its owner alone; one that is there keeps its rights.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The node's settings. It is there once `init` or `join` has succeeded.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.0.join("node.toml")
    }

    /// Private keys and certificates.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The Raft log, the state and the snapshots.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// What was kept of a state that diverged.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// The reports of drills on the living realm.
    #[must_use]
    pub fn drills(&self) -> PathBuf {
        self.0.join("drills")
    }

    /// What a recovery that began this epoch found.
    #[must_use]
    pub fn before_recovery(&self, epoch: u32) -> PathBuf {
        self.0.join(format!("before-recovery-{epoch}"))
    }

    /// The socket that the command line talks to.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// The process id of the running node.
    #[must_use]
    pub fn pid(&self) -> PathBuf {
        self.0.join("node.pid")
    }
}
