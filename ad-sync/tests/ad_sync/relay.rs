//! A TCP relay in front of a domain controller. The way back can be cut or lead nowhere, so that requests arrive and
//! answers do not; the way forth can be held, so that requests arrive later.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Relay {
    address: SocketAddr,
    answers: watch::Sender<Answers>,
    way_forth: watch::Sender<bool>,
    held: watch::Receiver<bool>,
    kept: watch::Receiver<bool>,
    requests: Arc<AtomicUsize>,
    visits: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What becomes of answers.
#[derive(Clone, Copy)]
enum Answers {
    PassedOn,
    /// The first one closes the connection.
    Swallowed,
    /// From that request on they stay here, and the connection stays open.
    KeptFrom(usize),
}

/// What the connections of one relay share.
#[derive(Clone)]
struct Ways {
    answers: watch::Receiver<Answers>,
    kept: watch::Sender<bool>,
    forth: watch::Receiver<bool>,
    holding: watch::Sender<bool>,
    requests: Arc<AtomicUsize>,
}

impl Relay {
    /// Listens on a free port of `on` and passes on to `to`.
    pub(crate) async fn start(on: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((on, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, answers_now) = watch::channel(Answers::PassedOn);
        let (way_forth, forth) = watch::channel(true);
        let ((holding, held), (keeping, kept)) = (watch::channel(false), watch::channel(false));
        let (requests, visits) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let ways =
            Ways { answers: answers_now, kept: keeping, forth, holding, requests: Arc::clone(&requests) };
        let seen = Arc::clone(&visits);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass_on(client, to, ways.clone()));
            }
        });
        Self { address, answers, way_forth, held, kept, requests, visits, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// Connections that anybody has made so far.
    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// From now on the first answer of each connection is swallowed and the connection is closed.
    pub(crate) fn swallow_answers(&self) {
        self.answers.send_replace(Answers::Swallowed);
    }

    /// The answer to that request from now on, 1 being the next one, does not come, nor any later one, while the
    /// connection stays open. The end of a TLS handshake counts as a request.
    pub(crate) fn keep_answers_from(&self, request: usize) {
        let from = self.requests.load(Ordering::SeqCst) + request;
        self.answers.send_replace(Answers::KeptFrom(from));
    }

    /// Waits until an answer has been kept.
    pub(crate) async fn an_answer_is_kept(&self) {
        self.kept.clone().wait_for(|kept| *kept).await.unwrap();
    }

    /// From now on requests wait here.
    pub(crate) fn hold_requests(&self) {
        self.way_forth.send_replace(false);
    }

    /// Waits until one does.
    pub(crate) async fn a_request_is_held(&self) {
        self.held.clone().wait_for(|held| *held).await.unwrap();
    }

    /// Passes on what waits.
    pub(crate) fn let_requests_go(&self) {
        self.way_forth.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass_on(client: TcpStream, to: SocketAddr, ways: Ways) {
    let Ways { answers: what, kept, mut forth, holding, requests: count } = ways;
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let (mut buffer, mut records) = ([0; 16 * 1024], Records::default());
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            holding.send_replace(!*forth.borrow());
            if forth.wait_for(|open| *open).await.is_err() {
                break;
            }
            count.fetch_add(records.of_application(&buffer[..length]), Ordering::SeqCst);
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    let answers = async {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            let what = *what.borrow();
            match what {
                Answers::Swallowed => break,
                Answers::KeptFrom(from) if count.load(Ordering::SeqCst) >= from => {
                    kept.send_replace(true);
                }
                _ if to_client.write_all(&buffer[..length]).await.is_err() => break,
                _ => {}
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// Where a stream of TLS records is (RFC 8446, 5.1): a type, a version and a length of two bytes each but the first,
/// and as many bytes. A short LDAP request is one record.
#[derive(Default)]
struct Records {
    head: Vec<u8>,
    left: usize,
}

impl Records {
    const APPLICATION_DATA: u8 = 0x17;

    /// How many records of application data begin in these bytes, the next of the stream.
    fn of_application(&mut self, mut bytes: &[u8]) -> usize {
        let mut begun = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let step = self.left.min(bytes.len());
                self.left -= step;
                bytes = &bytes[step..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if let [kind, _, _, high, low] = self.head[..] {
                self.left = usize::from(u16::from_be_bytes([high, low]));
                begun += usize::from(kind == Self::APPLICATION_DATA);
                self.head.clear();
            }
        }
        begun
    }
}
