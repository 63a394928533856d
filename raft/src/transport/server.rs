//! The answering side: takes streams, learns who the peer is, and passes on what the peer may ask.
//!
//! Until a peer is known nothing is read from it but the handshake, whose size rustls bounds, whose time is bounded here
//! and whose number by the [`Door`]. A peer that breaks the protocol loses its stream; the node goes on.

use super::client::Connected;
use super::door::Door;
use super::frame::{self, Head, Refusal, Tag};
use super::identity::PeerIdentity;
use super::request::{Request, may_dial};
use super::tls::{PeerTls, peer_of};
use crate::net::{BoxStream, Listener};
use async_trait::async_trait;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// The handshake and the welcome together.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Requests of one stream that are under way at most; more are not read yet.
const UNDER_WAY: usize = 512;
/// Bytes of requests of one stream that are under way at most; more are not read yet. Above the limit of any request.
const BYTES_UNDER_WAY: usize = 16 * 1024 * 1024;
/// Streams of one peer at most; one more ends its oldest. A peer uses one for each class, and a few may be left over
/// from before a partition.
const STREAMS: usize = 8;
/// A stream without a request for this long is closed.
const IDLE: Duration = Duration::from_secs(90);
/// The same for a stream that was lent. Whoever has it asks something every few seconds, so that one that is gone without
/// a word is soon lent another.
const LENT_IDLE: Duration = Duration::from_secs(20);
/// The rest of a frame, once it began, and a write take this long at most.
const PROGRESS: Duration = Duration::from_secs(5);
/// Bytes that are gathered into one write.
const BATCH: usize = 64 * 1024;
/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What stands behind the server.
#[async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Whether a peer is let in, and the role that it has now. Asked again for each request.
    fn admit(&self, peer: &PeerIdentity) -> Result<Role, Refusal>;

    /// This node's role now.
    fn role(&self) -> Role;

    /// Asks over a stream that a voter has lent, until it ends.
    async fn borrow(&self, stream: Connected) -> io::Result<()>;

    /// Does what a peer asks, which its role allows.
    async fn serve(
        &self,
        peer: &PeerIdentity,
        role: Role,
        request: Request,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal>;
}

/// Takes streams until it is dropped.
pub(crate) async fn listen(
    mut listener: Box<dyn Listener>,
    door: Arc<Door>,
    tls: Arc<PeerTls>,
    service: Arc<dyn Service>,
) {
    let peers = Arc::new(Peers::default());
    let mut streams = tokio::task::JoinSet::new();
    loop {
        let Some(room) = door.room().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot take a peer's stream");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = door.admit(room, address) else { continue };
        let (tls, service, peers) = (Arc::clone(&tls), Arc::clone(&service), Arc::clone(&peers));
        let door = Arc::clone(&door);
        streams.spawn(async move {
            let welcomed = timeout(HANDSHAKE, welcome(stream, &tls, service.as_ref())).await;
            if !matches!(welcomed, Ok(Ok(_))) {
                door.failed(&admitted);
            }
            drop(admitted);
            let ended = match welcomed {
                Ok(Ok((stream, peer))) => {
                    let outlived = peers.enter(peer.node);
                    tokio::select! {
                        biased;
                        _ = outlived => Err(io::Error::other("the peer has opened too many streams since")),
                        ended = attend(stream, peer, service) => ended,
                    }
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a peer's stream ended");
            }
        });
        while streams.try_join_next().is_some() {}
    }
}

/// The streams of each peer, oldest first.
#[derive(Default)]
struct Peers(Mutex<BTreeMap<NodeId, Vec<oneshot::Sender<()>>>>);

impl Peers {
    /// Notes a stream that lives as long as what is returned, which ends when newer streams take its place.
    fn enter(&self, node: NodeId) -> oneshot::Receiver<()> {
        let (place, outlived) = oneshot::channel();
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = peers.entry(node).or_default();
        streams.retain(|stream| !stream.is_closed());
        if streams.len() >= STREAMS {
            streams.remove(0);
        }
        streams.push(place);
        outlived
    }
}

type Tls = tokio_rustls::TlsStream<BoxStream>;

async fn welcome(stream: BoxStream, tls: &PeerTls, service: &dyn Service) -> io::Result<(Tls, PeerIdentity)> {
    let mut stream = tls.accept(stream).await?;
    let peer = peer_of(&stream)?;
    let admitted = match tls.is_kin(&peer).then(|| service.admit(&peer)) {
        None => Err(Refusal::Stranger),
        Some(Ok(role)) if !may_dial(role, service.role()) => Err(Refusal::Forbidden),
        Some(admitted) => admitted,
    };
    let mut bytes = Vec::new();
    match admitted {
        Ok(_) => frame::put(&mut bytes, 0, Tag::Welcome, &[]),
        Err(refusal) => frame::put(&mut bytes, 0, Tag::Refused, &refusal.payload()),
    }
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    match admitted {
        Ok(_) => Ok((stream, peer)),
        Err(refusal) => {
            tracing::warn!(%peer, %refusal, "a peer is refused");
            stream.shutdown().await?;
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

struct Answer {
    id: u64,
    answer: Result<Vec<u8>, Refusal>,
}

/// Answers a peer that has opened a stream, until it ends or is lent: then this node asks over it.
async fn attend(stream: Tls, peer: PeerIdentity, service: Arc<dyn Service>) -> io::Result<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    let reader = BufReader::with_capacity(BATCH, reader);
    let Some(reader) = converse(reader, &mut writer, peer, &service, IDLE).await? else { return Ok(()) };
    service.borrow(Connected { peer, reader, writer }).await
}

/// Lends a stream that this node has opened, and answers what is asked over it, until it ends.
pub(crate) async fn lend(stream: Connected, service: Arc<dyn Service>) -> io::Result<()> {
    let Connected { peer, reader, mut writer } = stream;
    let mut bytes = Vec::new();
    frame::put(&mut bytes, 0, Tag::Request(Request::Lend), &[]);
    timeout(PROGRESS, async {
        writer.write_all(&bytes).await?;
        writer.flush().await
    })
    .await??;
    converse(reader, &mut writer, peer, &service, LENT_IDLE).await.map(drop)
}

type Reader = BufReader<ReadHalf<Tls>>;

/// Answers a peer's requests until the stream ends, or until the peer lends it: then the reader is given back.
async fn converse(
    reader: Reader,
    writer: &mut WriteHalf<Tls>,
    peer: PeerIdentity,
    service: &Arc<dyn Service>,
    idle: Duration,
) -> io::Result<Option<Reader>> {
    let (answers, mut outgoing) = mpsc::channel(UNDER_WAY);
    tokio::select! {
        biased;
        ended = write_answers(writer, &mut outgoing) => ended.map(|()| None),
        ended = read_requests(reader, peer, service, answers, idle) => ended,
    }
}

async fn read_requests(
    mut reader: Reader,
    peer: PeerIdentity,
    service: &Arc<dyn Service>,
    answers: mpsc::Sender<Answer>,
    idle: Duration,
) -> io::Result<Option<Reader>> {
    // Dropped with the stream, and with it what is still under way for it.
    let mut under_way = tokio::task::JoinSet::new();
    let room = Arc::new(Semaphore::new(BYTES_UNDER_WAY));
    loop {
        let head = timeout(idle, frame::read_head(&mut reader)).await??;
        let Tag::Request(request) = head.tag else {
            return Err(frame::invalid(format!("{:?} is no request", head.tag)));
        };
        let role = match service.admit(&peer) {
            Ok(role) if request.may_pass(role, service.role()) => role,
            Ok(_) => return refuse(&answers, head, Refusal::Forbidden, &peer).await,
            Err(refusal) => return refuse(&answers, head, refusal, &peer).await,
        };
        if head.length > request.limit() {
            return Err(frame::too_long(head, request.limit()));
        }
        if request == Request::Lend {
            return Ok(Some(reader));
        }
        let bytes = u32::try_from(head.length).unwrap_or(u32::MAX);
        let Ok(taken) = Arc::clone(&room).acquire_many_owned(bytes).await else { return Ok(None) };
        let payload = timeout(PROGRESS, frame::read_payload(&mut reader, head, request.limit())).await??;
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= UNDER_WAY {
            under_way.join_next().await;
        }
        let (service, answers) = (Arc::clone(service), answers.clone());
        under_way.spawn(async move {
            let answer = match request {
                Request::Ping => Ok(Vec::new()),
                _ => service.serve(&peer, role, request, payload).await,
            };
            // Without a reader of answers the stream is gone, and the caller knows.
            drop(answers.send(Answer { id: head.id, answer }).await);
            drop(taken);
        });
    }
}

/// Answers with a refusal, of which the payload is not read, and ends the stream once that is written.
async fn refuse(
    answers: &mpsc::Sender<Answer>,
    head: Head,
    refusal: Refusal,
    peer: &PeerIdentity,
) -> io::Result<Option<Reader>> {
    tracing::warn!(%peer, request = ?head.tag, %refusal, "a peer's request is refused");
    drop(answers.send(Answer { id: head.id, answer: Err(refusal) }).await);
    // The writer ends the conversation after a refusal.
    std::future::pending().await
}

async fn write_answers(
    writer: &mut (impl AsyncWrite + Unpin),
    outgoing: &mut mpsc::Receiver<Answer>,
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(BATCH);
    let mut last = false;
    while let Some(first) = outgoing.recv().await {
        let mut next = Some(first);
        while let Some(Answer { id, answer }) = next {
            match answer {
                Ok(payload) => frame::put(&mut buffer, id, Tag::Answer, &payload),
                Err(refusal) => {
                    frame::put(&mut buffer, id, Tag::Refused, &refusal.payload());
                    last |= matches!(refusal, Refusal::Forbidden | Refusal::Removed | Refusal::Stranger);
                }
            }
            next = if buffer.len() < BATCH { outgoing.try_recv().ok() } else { None };
        }
        timeout(PROGRESS, async {
            writer.write_all(&buffer).await?;
            writer.flush().await
        })
        .await??;
        buffer.clear();
        buffer.shrink_to(BATCH);
        if last {
            timeout(PROGRESS, writer.shutdown()).await??;
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_opens_stream_after_stream_loses_its_oldest() {
        let peers = Peers::default();
        let mut streams: Vec<_> = (0..STREAMS).map(|_| peers.enter(NodeId(1))).collect();
        let _of_another = peers.enter(NodeId(2));
        let mut has_ended = |at: usize| streams[at].try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert!(!has_ended(0));
        let newest = peers.enter(NodeId(1));
        assert!(has_ended(0) && !has_ended(1));
        drop(newest);
        let _in_its_place = peers.enter(NodeId(1));
        assert!(!has_ended(1), "a stream that has ended takes no place");
    }

    #[test]
    fn every_request_fits_into_what_may_be_under_way() {
        let limits = (0..=u8::MAX).filter_map(Request::of).map(Request::limit);
        assert!(limits.max().unwrap() < BYTES_UNDER_WAY);
    }
}
