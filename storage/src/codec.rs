//! The one encoding of everything that is stored or sent: bincode inside a checked envelope.
//!
//! ```text
//! magic u16 | format u8 | kind u16 | version u16 | flags u8 | length u32 | payload | crc32c u32
//! ```
//! Numbers are big-endian; the checksum covers every byte before it. A reader accepts exactly the kind and
//! version that it asked for and no byte more, so that data from another release or a damaged disk is named
//! instead of guessed at. bincode is not self-describing: a change of a stored type is a new version of its
//! kind. Nothing else in the workspace calls bincode.

use bincode::config::{Configuration, Limit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Largest payload in bytes; a length beyond it is refused before anything is allocated.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// Bytes that the envelope adds to a payload.
pub const OVERHEAD: usize = HEADER + CHECKSUM;

const MAGIC: u16 = 0x5051;
const FORMAT: u8 = 1;
const FLAGS: u8 = 0;
const HEADER: usize = 12;
const CHECKSUM: usize = 4;
const LENGTH_AT: usize = 8;

const CONFIG: Configuration<bincode::config::LittleEndian, bincode::config::Varint, Limit<MAX_PAYLOAD>> =
    bincode::config::standard().with_limit::<MAX_PAYLOAD>();

/// What a payload is, and which version of its type. Identifiers 1 to 99 belong to this crate, 100 and
/// above to its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The kind of thing.
    pub id: u16,
    /// The version of its type, counted from 1.
    pub version: u16,
}

impl Kind {
    /// A kind with its version.
    #[must_use]
    pub const fn new(id: u16, version: u16) -> Self {
        Self { id, version }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "kind {} version {}", self.id, self.version)
    }
}

/// Why bytes are not the value that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The value is larger than any that may be stored.
    #[error("a payload of {size} bytes is over the limit of {MAX_PAYLOAD}")]
    TooLarge {
        /// Size in bytes.
        size: u64,
    },
    /// Fewer bytes than the envelope says.
    #[error("{have} bytes of an envelope of {need}")]
    Truncated {
        /// Bytes present.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
    /// More bytes than the envelope says.
    #[error("{extra} bytes follow the value")]
    TrailingBytes {
        /// Bytes too many.
        extra: usize,
    },
    /// The bytes do not begin with the magic number.
    #[error("not an envelope: it begins with {found:#06x}")]
    NotAnEnvelope {
        /// The first two bytes.
        found: u16,
    },
    /// Another envelope format.
    #[error("envelope format {found} is not known; a newer release may have written it")]
    UnknownFormat {
        /// The format found.
        found: u8,
    },
    /// Flags that this release does not know.
    #[error("envelope flags {found:#04x} are not known; a newer release may have written them")]
    UnknownFlags {
        /// The flags found.
        found: u8,
    },
    /// Another kind of value.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What was asked for.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// The right kind in a version that this release does not know.
    #[error("expected {expected}, found version {}; another release may have written it", found.version)]
    UnknownVersion {
        /// What was asked for.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// The checksum does not match: the bytes are damaged.
    #[error("checksum {computed:#010x} where {stored:#010x} is stored: the bytes are damaged")]
    Checksum {
        /// Checksum over the bytes found.
        computed: u32,
        /// Checksum in the envelope.
        stored: u32,
    },
    /// The value cannot be encoded.
    #[error("{kind} cannot be encoded: {reason}")]
    Encode {
        /// What was to be encoded.
        kind: Kind,
        /// The reason that bincode gave.
        reason: String,
    },
    /// The payload is whole, yet is no value of the type.
    #[error("{kind} cannot be decoded: {reason}")]
    Decode {
        /// What was to be decoded.
        kind: Kind,
        /// The reason that bincode gave; it never holds the data.
        reason: String,
    },
}

/// Encodes `value` in an envelope.
///
/// # Errors
/// [`CodecError::TooLarge`] over [`MAX_PAYLOAD`], [`CodecError::Encode`] if the value refuses.
pub fn encode<T: Serialize + ?Sized>(kind: Kind, value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&MAGIC.to_be_bytes());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&kind.id.to_be_bytes());
    bytes.extend_from_slice(&kind.version.to_be_bytes());
    bytes.push(FLAGS);
    bytes.extend_from_slice(&[0; HEADER - LENGTH_AT]);
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIG)
        .map_err(|e| CodecError::Encode { kind, reason: e.to_string() })?;
    let size = bytes.len().saturating_sub(HEADER);
    let length = match u32::try_from(size) {
        Ok(length) if size <= MAX_PAYLOAD => length,
        _ => return Err(CodecError::TooLarge { size: size as u64 }),
    };
    if let Some(field) = bytes.get_mut(LENGTH_AT..HEADER) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

/// Decodes exactly one value of `kind`.
///
/// # Errors
/// Each way in which the bytes can be something else is a [`CodecError`] of its own.
pub fn decode<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, CodecError> {
    let (found, payload) = open(bytes)?;
    if found.id != kind.id {
        return Err(CodecError::WrongKind { expected: kind, found });
    }
    if found.version != kind.version {
        return Err(CodecError::UnknownVersion { expected: kind, found });
    }
    let (value, used) = bincode::serde::decode_from_slice(payload, CONFIG)
        .map_err(|e| CodecError::Decode { kind, reason: e.to_string() })?;
    match payload.len().saturating_sub(used) {
        0 => Ok(value),
        extra => Err(CodecError::TrailingBytes { extra }),
    }
}

/// Checks an envelope and returns its kind and its payload, for a reader that understands several kinds or
/// versions and picks the type by what it finds.
///
/// # Errors
/// As [`decode`], without the kind.
pub fn open(bytes: &[u8]) -> Result<(Kind, &[u8]), CodecError> {
    let (header, rest) = bytes
        .split_first_chunk::<HEADER>()
        .ok_or(CodecError::Truncated { have: bytes.len(), need: OVERHEAD })?;
    let [m0, m1, format, k0, k1, v0, v1, flags, l0, l1, l2, l3] = *header;
    let magic = u16::from_be_bytes([m0, m1]);
    if magic != MAGIC {
        return Err(CodecError::NotAnEnvelope { found: magic });
    }
    if format != FORMAT {
        return Err(CodecError::UnknownFormat { found: format });
    }
    if flags != FLAGS {
        return Err(CodecError::UnknownFlags { found: flags });
    }
    let length = u32::from_be_bytes([l0, l1, l2, l3]);
    let size = length as usize;
    if size > MAX_PAYLOAD {
        return Err(CodecError::TooLarge { size: length.into() });
    }
    let need = size + OVERHEAD;
    let (payload, rest) =
        rest.split_at_checked(size).ok_or(CodecError::Truncated { have: bytes.len(), need })?;
    let (stored, rest) =
        rest.split_first_chunk::<CHECKSUM>().ok_or(CodecError::Truncated { have: bytes.len(), need })?;
    if !rest.is_empty() {
        return Err(CodecError::TrailingBytes { extra: rest.len() });
    }
    let stored = u32::from_be_bytes(*stored);
    let computed = crc32c::crc32c_append(crc32c::crc32c(header), payload);
    if computed != stored {
        return Err(CodecError::Checksum { computed, stored });
    }
    Ok((Kind::new(u16::from_be_bytes([k0, k1]), u16::from_be_bytes([v0, v1])), payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTE: Kind = Kind::new(900, 3);

    #[test]
    fn the_bytes_of_an_envelope_are_fixed() {
        let bytes = encode(NOTE, &(7_u64, "raft")).unwrap();
        let body: &[u8] = &[0x50, 0x51, 1, 0x03, 0x84, 0, 3, 0, 0, 0, 0, 6, 7, 4, b'r', b'a', b'f', b't'];
        assert_eq!(&bytes[..body.len()], body);
        assert_eq!(bytes[body.len()..], crc32c::crc32c(body).to_be_bytes());
    }

    #[test]
    fn each_kind_of_wrong_bytes_has_its_own_error() {
        let good = encode(NOTE, &1_u8).unwrap();
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            let body = bytes.len() - CHECKSUM;
            let checksum = crc32c::crc32c(&bytes[..body]).to_be_bytes();
            bytes[body..].copy_from_slice(&checksum);
            decode::<u8>(NOTE, &bytes).unwrap_err()
        };
        assert!(matches!(with(0, 0), CodecError::NotAnEnvelope { .. }));
        assert_eq!(with(2, 9), CodecError::UnknownFormat { found: 9 });
        assert!(matches!(with(3, 0), CodecError::WrongKind { .. }));
        assert!(matches!(with(6, 4), CodecError::UnknownVersion { .. }));
        assert_eq!(with(7, 1), CodecError::UnknownFlags { found: 1 });
        assert!(matches!(with(8, 0xff), CodecError::TooLarge { .. }));
        assert!(matches!(with(11, 2), CodecError::Truncated { .. }));
        assert_eq!(with(11, 0), CodecError::TrailingBytes { extra: 1 });

        let mut damaged = good.clone();
        damaged[HEADER] ^= 0x10;
        assert!(matches!(decode::<u8>(NOTE, &damaged), Err(CodecError::Checksum { .. })));
        let mut longer = good.clone();
        longer.push(0);
        assert_eq!(decode::<u8>(NOTE, &longer), Err(CodecError::TrailingBytes { extra: 1 }));
        let two = encode(NOTE, &(1_u8, 2_u8)).unwrap();
        assert_eq!(decode::<u8>(NOTE, &two), Err(CodecError::TrailingBytes { extra: 1 }));
        assert!(matches!(decode::<(u8, u8)>(NOTE, &good), Err(CodecError::Decode { .. })));
    }

    #[test]
    fn a_claimed_size_beyond_the_data_allocates_nothing() {
        let hostile = encode(NOTE, &(u64::MAX - 1)).unwrap();
        assert!(matches!(decode::<Vec<u64>>(NOTE, &hostile), Err(CodecError::Decode { .. })));
    }

    #[test]
    fn a_payload_over_the_limit_is_refused() {
        let large = "x".repeat(MAX_PAYLOAD + 1);
        assert!(matches!(encode(NOTE, &large), Err(CodecError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(value: (u64, Vec<u8>, Option<String>)) {
            let bytes = encode(NOTE, &value).unwrap();
            prop_assert_eq!(decode::<(u64, Vec<u8>, Option<String>)>(NOTE, &bytes), Ok(value));
        }

        #[test]
        fn a_flipped_bit_is_never_accepted(value: Vec<u8>, at: prop::sample::Index, bit in 0..8_u32) {
            let mut bytes = encode(NOTE, &value).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode::<Vec<u8>>(NOTE, &bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            prop_assert!(decode::<Vec<String>>(NOTE, &bytes).is_err());
        }
    }
}
