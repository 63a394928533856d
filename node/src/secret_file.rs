//! Files that only their owner may read, written so that a crash leaves the old content or the new, never half.

use passquorum_domain::error_code::ErrorCode;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file with a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// Others may read it.
    #[error(
        "{}: {path} can be read by others (mode {mode:03o}); take their rights away: chmod 600 {path}",
        ErrorCode::KeyExposed
    )]
    TooOpen {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is somebody else's, who may read and change it.
    #[error(
        "{}: {path} belongs to user {owner}, and the node runs as user {user}; give it to that user: chown {user} {path}",
        ErrorCode::KeyExposed
    )]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SecretFileError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Reads a file that only its owner may read.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let mut file = File::open(path).map_err(SecretFileError::io(path))?;
    let metadata = file.metadata().map_err(SecretFileError::io(path))?;
    check(path, metadata.permissions().mode() & 0o777, metadata.uid(), rustix::process::geteuid().as_raw())?;
    let mut content = Zeroizing::new(Vec::new());
    io::Read::read_to_end(&mut file, &mut content).map_err(SecretFileError::io(path))?;
    Ok(content)
}

/// Whether a file of this mode and owner is for one user alone. What root owns, root may read anyway.
fn check(path: &Path, mode: u32, owner: u32, user: u32) -> Result<(), SecretFileError> {
    if mode & 0o077 != 0 {
        return Err(SecretFileError::TooOpen { path: path.to_owned(), mode });
    }
    if owner != user && owner != 0 {
        return Err(SecretFileError::NotOurs { path: path.to_owned(), owner, user });
    }
    Ok(())
}

/// Writes a file of mode 0600: beside its place, synced, then renamed into it.
pub fn write(path: &Path, content: &[u8]) -> Result<(), SecretFileError> {
    let mut file = NewSecretFile::create(path)?;
    file.write_all(content).map_err(SecretFileError::io(path))?;
    file.keep()
}

/// A file of mode 0600 that is written beside its place, and is gone unless it is kept.
pub struct NewSecretFile {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl NewSecretFile {
    /// Begins the file.
    pub fn create(path: &Path) -> Result<Self, SecretFileError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let opened = (|| {
            match std::fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&beside)
        })();
        let file = opened.map_err(SecretFileError::io(path))?;
        Ok(Self { file, beside, path: path.to_owned() })
    }

    /// The file as it is so far, to be read from its beginning.
    pub fn reader(&self) -> Result<File, SecretFileError> {
        File::open(&self.beside).map_err(SecretFileError::io(&self.beside))
    }

    /// Syncs it and puts it into its place.
    pub fn keep(self) -> Result<(), SecretFileError> {
        let kept = (|| {
            self.file.sync_all()?;
            std::fs::rename(&self.beside, &self.path)?;
            sync_folder_of(&self.path)
        })();
        kept.map_err(SecretFileError::io(&self.path))
    }
}

/// Makes what happened to a name in a folder durable.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        None => Ok(()),
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
    }
}

impl Write for NewSecretFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewSecretFile {
    fn drop(&mut self) {
        // After it was kept there is nothing under this name.
        drop(std::fs::remove_file(&self.beside));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_is_refused_when_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap().as_slice(), b"second");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, SecretFileError::TooOpen { mode: 0o640, .. }), "{error}");
        assert!(error.to_string().contains("PQ-KEY-EXPOSED") && error.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_secret_of_another_user_is_refused_and_one_of_root_taken() {
        let path = Path::new("key");
        assert!(matches!(check(path, 0o600, 7, 8), Err(SecretFileError::NotOurs { owner: 7, user: 8, .. })));
        assert!(check(path, 0o400, 0, 8).is_ok());
        assert!(check(path, 0o600, 8, 8).is_ok());
    }

    #[test]
    fn a_file_that_is_not_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = NewSecretFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
