//! The version of what a data directory holds, in its file `FORMAT`.
//!
//! It says which programs can read the directory, so it rises with the machine's own version: before what an older
//! program cannot read is a state that somebody was told of. An older program then refuses the directory by this file,
//! before it touches anything else. It never falls.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::sync_directory;
use crate::error::StoreError;

/// The version of a new directory.
pub const FIRST: u32 = 1;
/// The newest version that this release reads.
pub const NEWEST: u32 = 4;
const WORDS: &str = "passquorum storage format ";

/// The version of one directory, or of a disk in memory, which needs none.
#[derive(Debug)]
pub(crate) struct Format {
    directory: Option<PathBuf>,
    version: AtomicU32,
}

impl Format {
    pub(crate) fn memory() -> Self {
        Self { directory: None, version: AtomicU32::new(FIRST) }
    }

    /// Checks a directory, or notes the version in a new one before anything else is written there.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("FORMAT");
        let there = |path: &Path| path.try_exists().map_err(StoreError::io("look for", path));
        let version = if there(&path)? {
            read(&path, directory)?
        } else if there(&directory.join("raft"))? {
            return Err(StoreError::corrupt("data directory", format!("{} is missing", path.display())));
        } else {
            write(directory, FIRST)?;
            FIRST
        };
        Ok(Self { directory: Some(directory.to_owned()), version: AtomicU32::new(version) })
    }

    /// Notes that the directory holds what needs this version from now on.
    pub(crate) fn rise(&self, to: u32) -> Result<(), StoreError> {
        if to <= self.version.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(directory) = &self.directory {
            write(directory, to)?;
        }
        self.version.store(to, Ordering::Relaxed);
        Ok(())
    }
}

fn read(path: &Path, directory: &Path) -> Result<u32, StoreError> {
    let text = std::fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    let found = text.trim_end().strip_prefix(WORDS).and_then(|number| number.parse().ok());
    match found {
        Some(found) if (FIRST..=NEWEST).contains(&found) => Ok(found),
        Some(found) if found > NEWEST => {
            Err(StoreError::FormatTooNew { path: directory.to_owned(), found, supported: NEWEST })
        }
        _ => Err(StoreError::corrupt("data directory", format!("{} is not readable", path.display()))),
    }
}

fn write(directory: &Path, version: u32) -> Result<(), StoreError> {
    let (path, unfinished) = (directory.join("FORMAT"), directory.join("FORMAT.part"));
    File::create(&unfinished)
        .and_then(|mut file| {
            writeln!(file, "{WORDS}{version}")?;
            file.sync_all()
        })
        .map_err(StoreError::io("write", &unfinished))?;
    std::fs::rename(&unfinished, &path).map_err(StoreError::io("rename to", &path))?;
    sync_directory(directory)
}
