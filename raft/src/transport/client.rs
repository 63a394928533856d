//! The calling side: one stream per peer and class, shared by all callers.
//!
//! A task per stream dials when there is something to send, so that no caller's deadline cuts a handshake short. A
//! caller that goes away leaves the stream whole: its answer is read and dropped. A stream that stays silent although
//! it was asked something is given up.
//!
//! A node in the perimeter dials nobody. It asks voters over the streams that they have lent it, one of each, and whoever
//! has lent none is not reached.

use super::frame::{self, Refusal, Tag};
use super::identity::PeerIdentity;
use super::request::{Class, MAX_ANSWER, Request};
use super::tls::{PeerTls, peer_of};
use crate::integrity::entry::Gate;
use crate::integrity::witness::Witnesses;
use crate::net::{BoxStream, Net};
use crate::refuse::refuse;
use bytes::Bytes;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::limit::{Limit, Refusals};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsStream;
use zeroize::Zeroize;

/// Dialing, handshake and the server's welcome together.
const DIAL: Duration = Duration::from_secs(3);
/// How often a stream with unanswered calls is probed.
const PROBE: Duration = Duration::from_millis(500);
/// A stream that was asked something and is silent for twice this long is given up.
const SILENCE: Duration = Duration::from_millis(1500);
/// Probes without anything to send after which a stream is closed.
const IDLE_PROBES: u32 = 120;
/// Probes without anything to send after which a stream that was lent is probed all the same, so that its lender knows
/// that somebody is there.
const LENT_PROBES: u32 = 10;
/// Calls that wait for the stream at most; one more is refused at once.
const QUEUE: usize = 1024;
/// Bytes that are gathered into one write.
const BATCH: usize = 64 * 1024;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Not a byte of it was sent.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Not a byte of it was sent: too many calls wait for the stream already.
    #[error("not sent: too many calls wait for the stream already")]
    Busy,
    /// It was sent, and what became of it is unknown.
    #[error("sent, but not answered")]
    Lost,
    /// The peer refused it.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
}

const QUEUED: u8 = 0;
const SENT: u8 = 1;
const ABANDONED: u8 = 2;

struct Call {
    request: Request,
    payload: Bytes,
    fate: Arc<AtomicU8>,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Vec<u8>, CallError>>;

struct Link {
    address: String,
    calls: mpsc::Sender<Call>,
}

/// Every peer that this node calls.
pub(crate) struct Peers {
    net: Arc<dyn Net>,
    tls: Arc<PeerTls>,
    links: Mutex<BTreeMap<(NodeId, Class), Link>>,
    outcast: watch::Sender<bool>,
    /// Whose streams this node has, when it opens none itself.
    lenders: watch::Sender<BTreeSet<NodeId>>,
    refusals: Arc<Refusals>,
    pub(crate) gate: Gate,
    pub(crate) witnesses: Witnesses,
}

impl Peers {
    pub(crate) fn new(
        net: Arc<dyn Net>,
        tls: Arc<PeerTls>,
        witnesses: Witnesses,
        refusals: Arc<Refusals>,
    ) -> Self {
        let outcast = watch::Sender::new(false);
        let lenders = watch::Sender::new(BTreeSet::new());
        Self {
            net,
            tls,
            links: Mutex::default(),
            outcast,
            lenders,
            refusals,
            gate: Gate::default(),
            witnesses,
        }
    }

    /// Asks a peer, for as long as `within`. May be dropped at any time.
    pub(crate) async fn call(
        &self,
        peer: NodeId,
        address: &str,
        request: Request,
        payload: Bytes,
        within: Duration,
    ) -> Result<Vec<u8>, CallError> {
        if payload.len() > request.limit() {
            return Err(CallError::NotSent(format!("{request:?} is over its size limit")));
        }
        if !self.gate.lets(peer, request) {
            return Err(CallError::NotSent(format!("node {peer} has not recognised this node yet")));
        }
        let (reply, answer) = oneshot::channel();
        let fate = Arc::new(AtomicU8::new(QUEUED));
        let call = Call { request, payload, fate: Arc::clone(&fate), reply };
        let Some(queue) = self.queue(peer, address, request.class()) else {
            return Err(CallError::NotSent(format!("node {peer} has lent this node no stream")));
        };
        match queue.try_send(call) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                refuse(&self.refusals, Limit::PeerCalls);
                return Err(CallError::Busy);
            }
            Err(TrySendError::Closed(_)) => return Err(CallError::NotSent("the node is stopping".into())),
        }
        match timeout(within, answer).await {
            Ok(answer) => {
                let answer = answer.unwrap_or(Err(CallError::Lost));
                if answer == Err(CallError::Refused(Refusal::Removed)) {
                    self.outcast.send_if_modified(|outcast| !std::mem::replace(outcast, true));
                }
                answer
            }
            Err(_) if fate.swap(ABANDONED, Ordering::SeqCst) == SENT => Err(CallError::Lost),
            Err(_) => Err(CallError::NotSent(format!("node {peer} at {address} was not reached in time"))),
        }
    }

    /// The voters over whose streams this node in the perimeter can ask.
    pub(crate) fn lenders(&self) -> watch::Receiver<BTreeSet<NodeId>> {
        self.lenders.subscribe()
    }

    /// Becomes true when a member of the realm says that this node was removed.
    pub(crate) fn outcast(&self) -> watch::Receiver<bool> {
        self.outcast.subscribe()
    }

    /// Whether nobody listens at an address: its host is there and says so.
    pub(crate) async fn refuses(&self, address: &str) -> bool {
        let dialed = self.net.dial(address).await;
        let kind = dialed.err().map(|error| error.kind());
        matches!(kind, Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset))
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<(NodeId, Class), Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this node opens streams at all.
    fn dials(&self) -> bool {
        self.tls.identity().role != Role::DmzLearner
    }

    /// Where calls to a peer queue; none when it cannot be reached.
    fn queue(&self, peer: NodeId, address: &str, class: Class) -> Option<mpsc::Sender<Call>> {
        let mut links = self.links();
        if !self.dials() {
            return links.get(&(peer, LENT)).map(|link| link.calls.clone());
        }
        if let Some(link) = links.get(&(peer, class)).filter(|link| link.address == address) {
            return Some(link.calls.clone());
        }
        let (calls, queue) = mpsc::channel(QUEUE);
        tokio::spawn(self.dialer(peer, address).run(queue));
        links.insert((peer, class), Link { address: address.to_owned(), calls: calls.clone() });
        Some(calls)
    }

    fn dialer(&self, peer: NodeId, address: &str) -> Dialer {
        let (net, tls) = (Arc::clone(&self.net), Arc::clone(&self.tls));
        Dialer { peer, address: address.to_owned(), net, tls }
    }

    /// Opens a stream to lend it.
    pub(crate) async fn open(&self, peer: NodeId, address: &str) -> Result<Connected, CallError> {
        let dialed = timeout(DIAL, self.dialer(peer, address).dial()).await;
        dialed.unwrap_or_else(|_| Err(CallError::NotSent("the dial took too long".into())))
    }

    /// Asks over a stream that a voter has lent, until it ends.
    pub(crate) async fn borrow(&self, stream: Connected) -> io::Result<()> {
        let lender = stream.peer.node;
        // Dropped after the queue, and so sees that it is closed.
        let _loan = Loan(self);
        let (calls, mut queue) = mpsc::channel(QUEUE);
        // The stream that the same voter lent before has an end then.
        self.links().insert((lender, LENT), Link { address: String::new(), calls });
        self.count_lenders();
        Session::new(stream, Idle::Probed).run(None, &mut queue).await;
        queue.close();
        let error = CallError::NotSent(format!("the stream that node {lender} had lent has ended"));
        refuse_all(&mut queue, &error);
        Ok(())
    }

    fn count_lenders(&self) {
        let lenders = self.links().keys().filter(|key| key.1 == LENT).map(|key| key.0).collect();
        self.lenders.send_replace(lenders);
    }

    /// Ends every stream.
    pub(crate) fn close(&self) {
        self.links().clear();
    }
}

/// The one class of a stream that was lent: everything that the node may ask travels on it.
const LENT: Class = Class::Forward;

/// A stream that is on loan to this node.
struct Loan<'a>(&'a Peers);

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.0.links().retain(|_, link| !link.calls.is_closed());
        self.0.count_lenders();
    }
}

/// Refuses all calls of a queue that were not sent.
fn refuse_all(calls: &mut mpsc::Receiver<Call>, error: &CallError) {
    while let Ok(call) = calls.try_recv() {
        drop(call.reply.send(Err(error.clone())));
    }
}

struct Dialer {
    peer: NodeId,
    address: String,
    net: Arc<dyn Net>,
    tls: Arc<PeerTls>,
}

impl Dialer {
    async fn run(self, mut calls: mpsc::Receiver<Call>) {
        while let Some(first) = calls.recv().await {
            let dialed = timeout(DIAL, self.dial()).await;
            let error = match dialed {
                Ok(Ok(stream)) => {
                    Session::new(stream, Idle::Closes).run(Some(first), &mut calls).await;
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => CallError::NotSent("the dial took too long".into()),
            };
            tracing::debug!(peer = %self.peer, address = %self.address, %error, "a peer is not reached");
            drop(first.reply.send(Err(error.clone())));
            refuse_all(&mut calls, &error);
        }
    }

    async fn dial(&self) -> Result<Connected, CallError> {
        let not_sent = |e: io::Error| CallError::NotSent(e.to_string());
        let stream = self.net.dial(&self.address).await.map_err(not_sent)?;
        let stream = self.tls.connect(self.peer, stream).await.map_err(not_sent)?;
        let identity = peer_of(&stream).map_err(not_sent)?;
        if identity.node != self.peer || !self.tls.is_kin(&identity) {
            return Err(CallError::NotSent(format!("{identity} answers at {}", self.address)));
        }
        let (reader, writer) = tokio::io::split(stream);
        let mut reader = BufReader::with_capacity(BATCH, reader);
        let head = frame::read_head(&mut reader).await.map_err(not_sent)?;
        let payload = frame::read_payload(&mut reader, head, 1).await.map_err(not_sent)?;
        match head.tag {
            Tag::Welcome => Ok(Connected { peer: identity, reader, writer }),
            Tag::Refused => Err(CallError::Refused(believed(&payload, identity.role))),
            other => Err(CallError::NotSent(format!("the peer began with {other:?}"))),
        }
    }
}

/// A refusal, as far as the peer is believed: only a voter knows who was removed. Else a learner that somebody took
/// over could make voters leave.
fn believed(payload: &[u8], peer: Role) -> Refusal {
    match Refusal::of(payload) {
        Refusal::Removed if peer != Role::Voter => Refusal::NotRunning,
        refusal => refusal,
    }
}

/// A stream to a peer that is known, past its welcome.
pub(crate) struct Connected {
    pub(crate) peer: PeerIdentity,
    pub(crate) reader: BufReader<tokio::io::ReadHalf<TlsStream<BoxStream>>>,
    pub(crate) writer: tokio::io::WriteHalf<TlsStream<BoxStream>>,
}

/// What becomes of a stream that nothing is sent over for long.
#[derive(Debug, Clone, Copy)]
enum Idle {
    /// It is closed: it can be opened again.
    Closes,
    /// It is probed: it was lent.
    Probed,
}

/// One stream's life.
struct Session {
    stream: Connected,
    idle: Idle,
    waiting: Waiting,
}

/// The calls that were sent and are not answered.
#[derive(Default)]
struct Waiting(Mutex<BTreeMap<u64, Reply>>);

impl Waiting {
    fn replies(&self) -> MutexGuard<'_, BTreeMap<u64, Reply>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.replies().is_empty()
    }
}

impl Session {
    fn new(stream: Connected, idle: Idle) -> Self {
        Self { stream, idle, waiting: Waiting::default() }
    }

    async fn run(self, first: Option<Call>, calls: &mut mpsc::Receiver<Call>) {
        let Self { stream: Connected { peer, mut reader, mut writer }, idle, waiting } = self;
        let ended = tokio::select! {
            biased;
            ended = read_answers(&mut reader, peer.role, &waiting) => ended,
            ended = write_calls(&mut writer, first, calls, &waiting, idle) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a stream to a peer ended");
        }
        for (_, reply) in std::mem::take(&mut *waiting.replies()) {
            drop(reply.send(Err(CallError::Lost)));
        }
    }
}

async fn read_answers(
    reader: &mut (impl AsyncRead + Unpin),
    peer: Role,
    waiting: &Waiting,
) -> io::Result<()> {
    loop {
        let head = {
            let reading = frame::read_head(reader);
            tokio::pin!(reading);
            let mut asked = false;
            loop {
                match timeout(SILENCE, &mut reading).await {
                    Ok(head) => break head?,
                    Err(_) if asked => return Err(io::ErrorKind::TimedOut.into()),
                    Err(_) => asked = !waiting.is_empty(),
                }
            }
        };
        let payload = timeout(SILENCE, frame::read_payload(reader, head, MAX_ANSWER)).await??;
        let answer = match head.tag {
            Tag::Answer => Ok(payload),
            Tag::Refused => Err(CallError::Refused(believed(&payload, peer))),
            other => return Err(frame::invalid(format!("{other:?} is no answer"))),
        };
        if let Some(reply) = waiting.replies().remove(&head.id) {
            drop(reply.send(answer));
        }
    }
}

async fn write_calls(
    writer: &mut (impl AsyncWrite + Unpin),
    first: Option<Call>,
    calls: &mut mpsc::Receiver<Call>,
    waiting: &Waiting,
    idle: Idle,
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(BATCH);
    let mut id = 0;
    let mut next = first;
    let mut probes = interval(PROBE);
    probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut idle_probes: u32 = 0;
    let mut holds_a_step = false;
    loop {
        while let Some(call) = next {
            id += 1;
            holds_a_step |= call.request == Request::Gateway;
            enqueue(&mut buffer, id, call, waiting);
            next = if buffer.len() < BATCH { calls.try_recv().ok() } else { None };
        }
        if !buffer.is_empty() {
            timeout(SILENCE, async {
                writer.write_all(&buffer).await?;
                writer.flush().await
            })
            .await??;
            if std::mem::take(&mut holds_a_step) {
                // What a visitor typed is in it.
                buffer.zeroize();
            }
            buffer.clear();
            buffer.shrink_to(BATCH);
        }
        next = tokio::select! {
            biased;
            call = calls.recv() => match call {
                Some(call) => { idle_probes = 0; Some(call) }
                None => return Ok(()),
            },
            _ = probes.tick() => {
                idle_probes = if waiting.is_empty() { idle_probes + 1 } else { 0 };
                let probe = match idle {
                    Idle::Closes if idle_probes > IDLE_PROBES => return Ok(()),
                    Idle::Closes => idle_probes == 0,
                    Idle::Probed => idle_probes.is_multiple_of(LENT_PROBES),
                };
                if probe {
                    frame::put(&mut buffer, 0, Tag::Request(Request::Ping), &[]);
                }
                None
            }
        };
    }
}

fn enqueue(buffer: &mut Vec<u8>, id: u64, call: Call, waiting: &Waiting) {
    let Call { request, payload, fate, reply } = call;
    if fate.compare_exchange(QUEUED, SENT, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        waiting.replies().insert(id, reply);
        frame::put(buffer, id, Tag::Request(request), &payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_voter_is_believed_that_this_node_was_removed() {
        let removed = Refusal::Removed.payload();
        assert_eq!(believed(&removed, Role::Voter), Refusal::Removed);
        assert_eq!(believed(&removed, Role::DmzLearner), Refusal::NotRunning);
        assert_eq!(believed(&removed, Role::SiteLearner), Refusal::NotRunning);
        assert_eq!(believed(&Refusal::Forbidden.payload(), Role::DmzLearner), Refusal::Forbidden);
    }
}
