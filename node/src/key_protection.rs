//! What protects a node's private keys on its disk beside the mode of their files: a secret that the host gives the
//! process at its start, as systemd does with the credential [`CREDENTIAL`] (`LoadCredentialEncrypted=`, which may bind it
//! to the host's TPM). With it the files are sealed, and a copy of the disk alone opens nothing.
//!
//! Files that were written before there was a credential are taken as they are, and sealed at the next start with one.

use crate::secret_file::{self, SecretFileError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use passquorum_domain::ports::Entropy;
use sha2::Sha256;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The credential's name.
pub const CREDENTIAL: &str = "passquorum-node-key";
/// Fewer bytes are no secret.
const SHORTEST: usize = 16;
/// What a sealed file begins with; the nonce and the ciphertext follow.
const MAGIC: &[u8] = b"passquorum sealed file 1\n";
const NONCE: usize = 24;

/// A protected file or the credential cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    /// A file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The credential is too short.
    #[error("{0} has fewer than {SHORTEST} bytes; make it with: head -c 32 /dev/urandom")]
    ShortCredential(PathBuf),
    /// The credential cannot be read.
    #[error("{path}: {source}")]
    Credential {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is sealed, and there is no credential.
    #[error(
        "{0} is sealed with the systemd credential {CREDENTIAL}, which this process was not given; run it in its unit"
    )]
    NoCredential(PathBuf),
    /// The file was sealed with another credential, or is damaged.
    #[error(
        "{0} does not open with the systemd credential {CREDENTIAL}: it is another one, or the file is damaged"
    )]
    DoesNotOpen(PathBuf),
}

/// The key that files are sealed with, if the host gives one.
#[derive(Clone)]
pub struct KeyProtection {
    key: Option<Arc<Zeroizing<[u8; 32]>>>,
    entropy: Arc<dyn Entropy>,
}

/// What a file held, and whether it lay there as the protection wants it.
pub(crate) struct Read {
    pub(crate) content: Zeroizing<Vec<u8>>,
    pub(crate) is_as_wanted: bool,
}

impl KeyProtection {
    /// No more than the files' modes.
    #[must_use]
    pub fn by_mode_only(entropy: Arc<dyn Entropy>) -> Self {
        Self { key: None, entropy }
    }

    /// With the credential in a folder, if it is there. systemd names the folder in `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// The credential is there and cannot be used.
    pub fn of_host(folder: Option<&OsStr>, entropy: Arc<dyn Entropy>) -> Result<Self, ProtectionError> {
        let Some(folder) = folder else { return Ok(Self::by_mode_only(entropy)) };
        let path = Path::new(folder).join(CREDENTIAL);
        let secret = match std::fs::read(&path) {
            Ok(secret) => Zeroizing::new(secret),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::by_mode_only(entropy));
            }
            Err(source) => return Err(ProtectionError::Credential { path, source }),
        };
        if secret.len() < SHORTEST {
            return Err(ProtectionError::ShortCredential(path));
        }
        let mut key = Zeroizing::new([0; 32]);
        let expanded =
            Hkdf::<Sha256>::new(None, &secret).expand(b"passquorum/1/node-files", key.as_mut_slice());
        // 32 bytes are within what HKDF-SHA-256 gives.
        debug_assert!(expanded.is_ok());
        Ok(Self { key: Some(Arc::new(key)), entropy })
    }

    /// Writes a file, sealed if there is a key, so that a crash leaves the old content or the new.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> Result<(), ProtectionError> {
        let Some(key) = &self.key else { return Ok(secret_file::write(path, content)?) };
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        let payload = Payload { msg: content, aad: name(path) };
        let sealed = cipher(key).encrypt(XNonce::from_slice(&nonce), payload);
        // XChaCha20-Poly1305 refuses only messages beyond 256 GiB.
        let sealed = sealed.map_err(|_| ProtectionError::DoesNotOpen(path.to_owned()))?;
        Ok(secret_file::write(path, &[MAGIC, &nonce, &sealed].concat())?)
    }

    /// Reads a file, sealed or not.
    pub(crate) fn read(&self, path: &Path) -> Result<Read, ProtectionError> {
        let content = secret_file::read(path)?;
        let Some(rest) = content.strip_prefix(MAGIC) else {
            return Ok(Read { content, is_as_wanted: self.key.is_none() });
        };
        let key = self.key.as_ref().ok_or_else(|| ProtectionError::NoCredential(path.to_owned()))?;
        let does_not_open = || ProtectionError::DoesNotOpen(path.to_owned());
        let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or_else(does_not_open)?;
        let payload = Payload { msg: ciphertext, aad: name(path) };
        let clear = cipher(key).decrypt(XNonce::from_slice(nonce), payload).map_err(|_| does_not_open())?;
        Ok(Read { content: Zeroizing::new(clear), is_as_wanted: true })
    }
}

fn cipher(key: &Zeroizing<[u8; 32]>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.as_slice().into())
}

/// Binds a sealed file to its name, so that one cannot stand for another.
fn name(path: &Path) -> &[u8] {
    path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemEntropy;

    fn with(secret: &str) -> (tempfile::TempDir, KeyProtection) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CREDENTIAL), secret).unwrap();
        let protection = KeyProtection::of_host(Some(folder.path().as_os_str()), Arc::new(SystemEntropy));
        (folder, protection.unwrap())
    }

    #[test]
    fn a_file_is_sealed_with_the_credential_and_opens_with_no_other_and_under_no_other_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other_path) = (folder.path().join("a.key"), folder.path().join("b.key"));
        let (_kept, protection) = with("0123456789abcdef");
        protection.write(&path, b"private").unwrap();
        let stored = std::fs::read(&path).unwrap();
        assert!(!stored.windows(7).any(|window| window == b"private"));
        let read = protection.read(&path).unwrap();
        assert_eq!((read.content.as_slice(), read.is_as_wanted), (&b"private"[..], true));

        std::fs::rename(&path, &other_path).unwrap();
        assert!(matches!(protection.read(&other_path), Err(ProtectionError::DoesNotOpen(_))));
        std::fs::rename(&other_path, &path).unwrap();
        let (_kept, other) = with("another credential");
        assert!(matches!(other.read(&path), Err(ProtectionError::DoesNotOpen(_))));
        let none = KeyProtection::by_mode_only(Arc::new(SystemEntropy));
        assert!(matches!(none.read(&path), Err(ProtectionError::NoCredential(_))));
    }

    #[test]
    fn a_file_from_before_the_credential_is_read_and_is_to_be_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        KeyProtection::by_mode_only(Arc::new(SystemEntropy)).write(&path, b"private").unwrap();
        let (_kept, protection) = with("0123456789abcdef");
        let read = protection.read(&path).unwrap();
        assert_eq!((read.content.as_slice(), read.is_as_wanted), (&b"private"[..], false));
    }

    #[test]
    fn a_credential_that_is_no_secret_is_refused_and_none_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let of_host = || KeyProtection::of_host(Some(folder.path().as_os_str()), Arc::new(SystemEntropy));
        assert!(of_host().unwrap().key.is_none());
        std::fs::write(folder.path().join(CREDENTIAL), "short").unwrap();
        assert!(matches!(of_host(), Err(ProtectionError::ShortCredential(_))));
    }
}
