//! Stands between a controller and the LDAP client library: every answer is read whole, within bounds, and held against
//! the grammar and against what was asked, before the library sees it. The library believes what it is sent; it takes any
//! size, any depth, and panics on answers that do not fit.
//!
//! It runs over a pair of local sockets, since the library takes no stream of ours: the library speaks in clear to this end,
//! and this end speaks TLS to the controller. What does not pass ends the connection; whoever waits sees it closed. It ends
//! too when either side closes, or takes nothing for a while. It follows no referral and retries nothing.

mod message;

use message::{Flaw, Kind};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The largest answer. Directories answer with less: 16 MiB is what Samba takes and more than Windows sends.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// The largest request; the library's own, so that this is never met.
const MAX_REQUEST: usize = 64 * 1024 * 1024;
/// A side that takes nothing for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a connection is not kept.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Flaw(#[from] Flaw),
    #[error("an answer to nothing that was asked")]
    Unasked,
    #[error("an answer of another kind than what was asked")]
    OtherKind,
    #[error("the controller says that it ends the connection")]
    Disconnection,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The end for the library. The other end lives as long as both sides do.
pub(crate) fn before<S>(controller: S) -> io::Result<StdUnixStream>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (library, own) = StdUnixStream::pair()?;
    own.set_nonblocking(true)?;
    let own = UnixStream::from_std(own)?;
    tokio::spawn(async move {
        let asked = Mutex::new(Asked::default());
        let (from_controller, to_controller) = tokio::io::split(controller);
        let (from_library, to_library) = own.into_split();
        let end = tokio::select! {
            end = requests(from_library, to_controller, &asked) => end,
            end = answers(from_controller, to_library, &asked) => end,
        };
        match end {
            Ok(()) | Err(Broken::Io(_)) => {}
            Err(broken) => tracing::warn!(%broken, "the connection to a domain controller is given up"),
        }
    });
    Ok(library)
}

/// Which requests wait for their last answer, and of what kind that is.
#[derive(Default)]
struct Asked(BTreeMap<u32, Kind>);

impl Asked {
    fn request(&mut self, id: u32, kind: Option<Kind>) {
        if let Some(kind) = kind {
            self.0.insert(id, kind);
        }
    }

    fn answer(&mut self, id: u32, kind: Kind, is_last: bool) -> Result<(), Broken> {
        if id == 0 {
            return Err(Broken::Disconnection);
        }
        match self.0.get(&id) {
            None => Err(Broken::Unasked),
            Some(asked) if *asked != kind => Err(Broken::OtherKind),
            Some(_) => {
                if is_last {
                    self.0.remove(&id);
                }
                Ok(())
            }
        }
    }
}

async fn requests(
    mut library: impl AsyncRead + Unpin,
    mut controller: impl AsyncWrite + Unpin,
    asked: &Mutex<Asked>,
) -> Result<(), Broken> {
    while let Some(whole) = read_message(&mut library, MAX_REQUEST).await? {
        let (id, kind) = message::request(&whole)?;
        asked.lock().unwrap_or_else(PoisonError::into_inner).request(id, kind);
        pass_on(&mut controller, &whole).await?;
    }
    Ok(())
}

async fn answers(
    mut controller: impl AsyncRead + Unpin,
    mut library: impl AsyncWrite + Unpin,
    asked: &Mutex<Asked>,
) -> Result<(), Broken> {
    while let Some(whole) = read_message(&mut controller, MAX_ANSWER).await? {
        let answer = message::answer(&whole)?;
        asked.lock().unwrap_or_else(PoisonError::into_inner).answer(
            answer.id,
            answer.kind,
            answer.is_last,
        )?;
        pass_on(&mut library, &whole).await?;
    }
    Ok(())
}

async fn pass_on(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Broken> {
    let write = async {
        to.write_all(bytes).await?;
        to.flush().await
    };
    tokio::time::timeout(WRITE_TIMEOUT, write).await.map_err(io::Error::from)??;
    Ok(())
}

/// One whole message, or nothing at the end. Memory grows with what arrives, never with what a length says.
async fn read_message(from: &mut (impl AsyncRead + Unpin), most: usize) -> Result<Option<Vec<u8>>, Broken> {
    let mut whole = Vec::with_capacity(64);
    if from.take(2).read_to_end(&mut whole).await? == 0 {
        return Ok(None);
    }
    let more = message::length_bytes(&whole)?;
    from.take(more as u64).read_to_end(&mut whole).await?;
    let length = message::content_length(&whole, most)?;
    let read = from.take(length as u64).read_to_end(&mut whole).await?;
    if read < length { Err(Flaw::Truncated.into()) } else { Ok(Some(whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(id: u8, operation: u8) -> Vec<u8> {
        vec![0x30, 12, 2, 1, id, operation, 7, 10, 1, 0, 4, 0, 4, 0]
    }

    /// What the library asked, what the controller sends, and what of it reaches the library before the end.
    async fn exchange(asked: &[u8], sent: &[u8]) -> Vec<u8> {
        let (controller, mut far) = tokio::io::duplex(1024);
        let near = before(controller).unwrap();
        near.set_nonblocking(true).unwrap();
        let mut near = UnixStream::from_std(near).unwrap();
        near.write_all(asked).await.unwrap();
        let mut seen = vec![0; asked.len()];
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(seen, asked);
        far.write_all(sent).await.unwrap();
        drop(far);
        let mut heard = Vec::new();
        near.read_to_end(&mut heard).await.unwrap();
        heard
    }

    #[tokio::test]
    async fn an_answer_passes_once_and_only_to_what_was_asked() {
        let delete = |id| vec![0x30, 5, 2, 1, id, 0x4a, 0];
        let good = result(1, 0x6b);
        assert_eq!(exchange(&delete(1), &good).await, good);
        assert_eq!(exchange(&delete(1), &[good.clone(), good.clone()].concat()).await, good, "twice");
        for bad in [result(2, 0x6b), result(0, 0x78), result(1, 0x65), result(1, 0x61)] {
            assert!(exchange(&delete(1), &bad).await.is_empty(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_size_is_refused_before_anything_of_it_is_read() {
        for head in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x88, 1, 0, 0, 0, 0, 0, 0, 0]] {
            let mut source = head;
            let outcome = read_message(&mut source, MAX_ANSWER).await;
            assert!(matches!(outcome, Err(Broken::Flaw(Flaw::TooLarge | Flaw::Shape))), "{outcome:?}");
        }
    }
}
