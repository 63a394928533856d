//! Frames: `length u32 | id u64 | tag u8 | payload`, big-endian. The length is that of the payload, and is held
//! against a limit before anything is allocated.

use super::request::Request;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

const HEADER: usize = 13;
const ANSWER: u8 = 128;
const REFUSED: u8 = 129;
const WELCOME: u8 = 130;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A request.
    Request(Request),
    /// The answer to a request.
    Answer,
    /// The refusal of a request, or of the whole connection when it comes first. The payload is a [`Refusal`].
    Refused,
    /// The connection was accepted.
    Welcome,
}

impl Tag {
    fn number(self) -> u8 {
        match self {
            Self::Request(request) => request.number(),
            Self::Answer => ANSWER,
            Self::Refused => REFUSED,
            Self::Welcome => WELCOME,
        }
    }

    fn of(number: u8) -> Option<Self> {
        match number {
            ANSWER => Some(Self::Answer),
            REFUSED => Some(Self::Refused),
            WELCOME => Some(Self::Welcome),
            other => Request::of(other).map(Self::Request),
        }
    }
}

/// Why a peer does not do what it was asked. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The sender's role may not ask that.
    #[error("the sender's role may not ask that")]
    Forbidden,
    /// The sender was removed from the realm.
    #[error("the sender was removed from the realm")]
    Removed,
    /// The sender belongs to another realm or epoch.
    #[error("the sender belongs to another realm or epoch")]
    Stranger,
    /// The payload is no such request.
    #[error("the payload is not what its kind says")]
    Malformed,
    /// The node is stopping, or its storage failed.
    #[error("the node is not running")]
    NotRunning,
}

impl Refusal {
    const ALL: [Self; 5] =
        [Self::Forbidden, Self::Removed, Self::Stranger, Self::Malformed, Self::NotRunning];

    fn number(self) -> u8 {
        match self {
            Self::Forbidden => 1,
            Self::Removed => 2,
            Self::Stranger => 3,
            Self::Malformed => 4,
            Self::NotRunning => 5,
        }
    }

    pub(crate) fn payload(self) -> [u8; 1] {
        [self.number()]
    }

    pub(crate) fn of(payload: &[u8]) -> Self {
        let known = payload.first().and_then(|n| Self::ALL.into_iter().find(|r| r.number() == *n));
        known.unwrap_or(Self::NotRunning)
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: u64,
    pub(crate) tag: Tag,
    pub(crate) length: usize,
}

/// Adds a frame to a buffer.
pub(crate) fn put(buffer: &mut Vec<u8>, id: u64, tag: Tag, payload: &[u8]) {
    // A payload is never near 4 GiB: both sides hold it against limits of a few MiB.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(&id.to_be_bytes());
    buffer.push(tag.number());
    buffer.extend_from_slice(payload);
}

/// Reads a head. A tag that is not known ends the connection: frames cannot be told apart any more.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Head> {
    let mut bytes = [0; HEADER];
    stream.read_exact(&mut bytes).await?;
    let [l0, l1, l2, l3, i0, i1, i2, i3, i4, i5, i6, i7, number] = bytes;
    let tag = Tag::of(number).ok_or_else(|| invalid(format!("unknown tag {number}")))?;
    Ok(Head {
        id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
        tag,
        length: u32::from_be_bytes([l0, l1, l2, l3]) as usize,
    })
}

/// Reads the payload that belongs to a head.
pub(crate) async fn read_payload(
    stream: &mut (impl AsyncRead + Unpin),
    head: Head,
    limit: usize,
) -> io::Result<Vec<u8>> {
    if head.length > limit {
        return Err(too_long(head, limit));
    }
    let mut payload = vec![0; head.length];
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}

pub(crate) fn too_long(head: Head, limit: usize) -> io::Error {
    invalid(format!("{:?} of {} bytes is over its limit of {limit}", head.tag, head.length))
}

pub(crate) fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_is_read_as_it_was_written_and_its_limit_holds() {
        let mut bytes = Vec::new();
        put(&mut bytes, 7, Tag::Request(Request::Propose), b"abc");
        assert_eq!(&bytes[..HEADER], &[0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 8]);
        let mut stream = bytes.as_slice();
        let head = read_head(&mut stream).await.unwrap();
        assert_eq!(head, Head { id: 7, tag: Tag::Request(Request::Propose), length: 3 });
        assert!(read_payload(&mut stream, head, 2).await.is_err());
        assert_eq!(read_payload(&mut stream, head, 3).await.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn an_unknown_tag_and_an_absurd_length_are_refused() {
        let mut unknown: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 77];
        assert!(read_head(&mut unknown).await.is_err());
        let mut absurd: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let head = read_head(&mut absurd).await.unwrap();
        assert!(read_payload(&mut absurd, head, Request::Append.limit()).await.is_err());
    }

    #[test]
    fn a_refusal_comes_back_as_it_was_sent() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::of(&refusal.payload()), refusal);
        }
    }
}
