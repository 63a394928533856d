//! A file that only its recipient can read: whoever seals it needs no secret, so that a node seals a backup to a
//! passphrase that it never sees.
//!
//! ```text
//! "PQSEALED" | u16 format | u32 length | header (an envelope) | encapsulated key, 32 bytes
//! chunks:    u8 0 (more) or 1 (last) | u32 length | ciphertext, at most 64 KiB and its tag
//! ```
//! Numbers are big-endian. The chunks are the messages of one HPKE context (RFC 9180: X25519, HKDF-SHA-256,
//! ChaCha20-Poly1305) whose info is every byte before the encapsulated key, so that a header belongs to one file. Each
//! opens only in its place, and says under its tag whether it is the last: a file that was cut, changed, put together
//! from two or made longer does not open to its end. Memory is bounded by a chunk. This module must not know what is in
//! a file.

mod chunks;
mod recipient;

pub use chunks::{Clear, Sealer};
pub use recipient::{NotARecipient, Recipient, Secret, WeakPassphrase, generate_passphrase, key_text};

use crate::keyring::WrapKey;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::RealmId;
use passquorum_domain::time::Timestamp;
use passquorum_storage::codec::{self, CodecError, Kind};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read};

const MAGIC: [u8; 8] = *b"PQSEALED";
const FORMAT: u16 = 1;
const HEADER: Kind = Kind::new(160, 1);
/// The largest header, in bytes.
const MAX_HEADER: usize = 4096;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// A backup of a whole realm.
    Backup,
    /// A configuration with its access accounts' passwords.
    Configuration,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "a backup",
            Self::Configuration => "a portable configuration",
        })
    }
}

/// What a file says in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What it holds.
    pub contents: Contents,
    /// The release that wrote it.
    pub program: String,
    /// Of which realm.
    pub realm: RealmId,
    /// The realm's epoch then.
    pub epoch: u32,
    /// The term of the log entry that it stands at.
    pub term: u64,
    /// The index of that entry.
    pub index: u64,
    /// When, by the clock of the node that made it.
    pub at: Timestamp,
    /// Who can open it.
    pub recipient: Recipient,
}

/// A file cannot be used. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum SealedFileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("{code}: it is no sealed file of passquorum", code = ErrorCode::FileVersion)]
    NotSealed,
    /// Another format.
    #[error(
        "{code}: it is of format {0}, and this release reads format {FORMAT}; use the release that wrote it, or a newer one",
        code = ErrorCode::FileVersion
    )]
    Format(u16),
    /// The realm was at a feature level that this program does not support.
    #[error(
        "{code}: it is of a realm at feature level {0}, and this program supports {supported}; use the release that wrote \
         it, or a newer one",
        code = ErrorCode::ProgramTooOld, supported = FeatureLevel::CURRENT
    )]
    LevelTooHigh(FeatureLevel),
    /// It holds something else than what is wanted.
    #[error("{code}: it holds {found}, not {wanted}", code = ErrorCode::FileVersion)]
    OtherContents {
        /// What it holds.
        found: Contents,
        /// What is wanted.
        wanted: Contents,
    },
    /// Its header is not whole.
    #[error("{code}: its header is damaged: {0}", code = ErrorCode::FileDamaged)]
    Header(CodecError),
    /// A header that is too long to be one.
    #[error("{code}: its header would be {0} bytes long", code = ErrorCode::FileDamaged)]
    HeaderSize(u32),
    /// The passphrase does not belong to it.
    #[error("{code}: the passphrase is wrong", code = ErrorCode::FileKey)]
    WrongPassphrase,
    /// The key does not belong to it.
    #[error("{code}: it is sealed to {0}, and the key file holds another's key", code = ErrorCode::FileKey)]
    WrongKey(Recipient),
    /// A passphrase was given for a file that needs a key.
    #[error("{code}: it is sealed to {0}, not to a passphrase; give the key file with --key", code = ErrorCode::FileKey)]
    NeedsKey(Recipient),
    /// A key was given for a file that needs a passphrase.
    #[error("{code}: it is sealed to a passphrase, not to a key", code = ErrorCode::FileKey)]
    NeedsPassphrase,
    /// It ends too early.
    #[error("{code}: it is cut short, in chunk {0}", code = ErrorCode::FileDamaged)]
    Truncated(u64),
    /// A chunk was changed or belongs elsewhere.
    #[error("{code}: chunk {0} was changed, or belongs to another file or place", code = ErrorCode::FileDamaged)]
    Damaged(u64),
    /// Something follows its end.
    #[error("{code}: bytes follow its end", code = ErrorCode::FileDamaged)]
    TrailingBytes,
    /// What was sealed is not what it should be.
    #[error("{code}: {0}", code = ErrorCode::FileVersion)]
    Unreadable(String),
    /// What was sealed does not agree with its own list.
    #[error("{code}: {0}", code = ErrorCode::FileDamaged)]
    Disagrees(String),
}

/// The bytes from the beginning to the end of the header.
fn preamble(header: &Header) -> Result<Vec<u8>, CodecError> {
    let header = codec::encode(HEADER, header)?;
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    Ok([MAGIC.as_slice(), &FORMAT.to_be_bytes(), &length.to_be_bytes(), &header].concat())
}

/// A file whose header was read.
pub struct SealedFile<R> {
    header: Header,
    preamble: Vec<u8>,
    input: R,
}

impl<R: Read> SealedFile<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is no such file, of another format, or damaged.
    pub fn read(mut input: R) -> Result<Self, SealedFileError> {
        let mut magic = [0; MAGIC.len()];
        exactly(&mut input, &mut magic, SealedFileError::NotSealed)?;
        if magic != MAGIC {
            return Err(SealedFileError::NotSealed);
        }
        let mut format = [0; 2];
        exactly(&mut input, &mut format, SealedFileError::Truncated(0))?;
        if format != FORMAT.to_be_bytes() {
            return Err(SealedFileError::Format(u16::from_be_bytes(format)));
        }
        let mut length = [0; 4];
        exactly(&mut input, &mut length, SealedFileError::Truncated(0))?;
        let size = u32::from_be_bytes(length);
        let fits = usize::try_from(size).ok().filter(|size| *size <= MAX_HEADER);
        let mut envelope = vec![0; fits.ok_or(SealedFileError::HeaderSize(size))?];
        exactly(&mut input, &mut envelope, SealedFileError::Truncated(0))?;
        let header = codec::decode(HEADER, &envelope).map_err(SealedFileError::Header)?;
        let preamble = [magic.as_slice(), &format, &length, &envelope].concat();
        Ok(Self { header, preamble, input })
    }

    /// What it says in clear. Nobody vouches for it before the file was opened.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The private key that opens it, which takes a while for a passphrase.
    ///
    /// # Errors
    /// The secret is not the one.
    pub fn key(&self, secret: Secret) -> Result<WrapKey, SealedFileError> {
        self.header.recipient.key(secret)
    }

    /// Opens it with the key of [`SealedFile::key`].
    ///
    /// # Errors
    /// It is cut short or damaged, or holds something else than what is wanted.
    pub fn open(mut self, key: &WrapKey, wanted: Contents) -> Result<Clear<R>, SealedFileError> {
        let found = self.header.contents;
        if found != wanted {
            return Err(SealedFileError::OtherContents { found, wanted });
        }
        let mut encapped = [0; 32];
        exactly(&mut self.input, &mut encapped, SealedFileError::Truncated(0))?;
        let stream = key.open_stream(&self.preamble, &encapped).map_err(|_| SealedFileError::Damaged(0))?;
        Ok(Clear::new(self.input, stream))
    }
}

/// Fills the buffer; an end before that is the error given.
fn exactly(input: &mut impl Read, buffer: &mut [u8], short: SealedFileError) -> Result<(), SealedFileError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => short,
        _ => SealedFileError::Io(error),
    })
}

#[cfg(test)]
mod tests;
