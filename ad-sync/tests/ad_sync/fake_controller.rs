//! A domain controller that is not one: it speaks TLS under an authority of its own and answers as a script says, in
//! whatever bytes. [`honest`] is how one answers that means well.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) const BIND: u8 = 0x60;
pub(crate) const SEARCH: u8 = 0x63;
pub(crate) const MODIFY: u8 = 0x66;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) id: u32,
    pub(crate) operation: u8,
    /// What a search begins at.
    pub(crate) base: String,
    /// Without its outermost head.
    pub(crate) raw: Vec<u8>,
}

/// What a script does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// A byte a second, and again from the beginning, for ever.
    Drip(Vec<u8>),
    /// As often as the other side takes it.
    Flood(Vec<u8>),
    Wait(Duration),
    /// No word any more.
    Silence,
    Close,
}

type Script = Arc<dyn Fn(&Asked) -> Vec<Act> + Send + Sync>;

pub(crate) struct FakeController {
    address: SocketAddr,
    authority: String,
    sent: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl FakeController {
    /// `greeting` is sent before anything was asked.
    pub(crate) async fn start(
        greeting: Vec<Act>,
        script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let (authority, acceptor) = identity();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let (script, count): (Script, _) = (Arc::new(script), Arc::clone(&sent));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serve = serve(acceptor.clone(), stream, greeting.clone(), script.clone(), count.clone());
                tokio::spawn(serve);
            }
        });
        Self { address, authority, sent, accepting }
    }

    pub(crate) async fn honest() -> Self {
        Self::start(Vec::new(), |asked| vec![Act::Send(honest(asked))]).await
    }

    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// As a user's record names it.
    pub(crate) fn dc(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Bytes that were taken from it.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for FakeController {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn identity() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&own, &Issuer::new(authority, key)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
        )
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    greeting: Vec<Act>,
    script: Script,
    sent: Arc<AtomicUsize>,
) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    perform(&mut stream, greeting, &sent).await?;
    loop {
        let asked = read(&mut stream).await?;
        perform(&mut stream, script(&asked), &sent).await?;
    }
}

async fn perform(stream: &mut TlsStream<TcpStream>, acts: Vec<Act>, sent: &AtomicUsize) -> Option<()> {
    for act in acts {
        match act {
            Act::Send(bytes) => send(stream, &bytes, sent).await?,
            Act::Drip(bytes) => {
                for byte in bytes.iter().cycle() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    send(stream, &[*byte], sent).await?;
                }
            }
            Act::Flood(bytes) => loop {
                send(stream, &bytes, sent).await?;
            },
            Act::Wait(time) => tokio::time::sleep(time).await,
            Act::Silence => std::future::pending().await,
            Act::Close => return None,
        }
    }
    Some(())
}

async fn send(stream: &mut TlsStream<TcpStream>, bytes: &[u8], sent: &AtomicUsize) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.flush().await.ok()?;
    sent.fetch_add(bytes.len(), Ordering::SeqCst);
    Some(())
}

/// The library's requests are well-formed, and those of these tests short.
async fn read(stream: &mut TlsStream<TcpStream>) -> Option<Asked> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let mut length = usize::from(head[1]);
    if length >= 0x80 {
        let mut digits = vec![0; length & 0x7f];
        stream.read_exact(&mut digits).await.ok()?;
        length = digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let at = 2 + usize::from(body[1]);
    let id = body[2..at].iter().fold(0, |id, digit| (id << 8) | u32::from(*digit));
    let operation = body[at];
    let operand = if body[at + 1] < 0x80 { at + 2 } else { at + 2 + usize::from(body[at + 1] & 0x7f) };
    let base = match operation {
        SEARCH => body[operand + 2..][..usize::from(body[operand + 1])].to_vec(),
        _ => Vec::new(),
    };
    Some(Asked { id, operation, base: String::from_utf8(base).unwrap(), raw: body })
}

/// One BER element.
pub(crate) fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [vec![tag, 0x84], length.to_vec(), content].concat()
}

pub(crate) fn text(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    element(4, &[bytes.as_ref().to_vec()])
}

pub(crate) fn message(id: u32, operation: Vec<u8>) -> Vec<u8> {
    let digits: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
    // A number that begins with a high bit would be read as a negative one.
    let head = if digits.first().is_none_or(|digit| *digit >= 0x80) { vec![0] } else { Vec::new() };
    let length = u8::try_from(head.len() + digits.len()).unwrap();
    element(0x30, &[vec![2, length], head, digits, operation])
}

/// The end of an empty page with a note of the place, for the paged results control (RFC 2696).
pub(crate) fn empty_page(id: u32) -> Vec<u8> {
    let value = element(0x30, &[vec![2, 1, 0], text(id.to_string())]);
    let control = element(0x30, &[text("1.2.840.113556.1.4.319"), text(value)]);
    let done = element(0x65, &[vec![10, 1, 0], text(""), text("")]);
    message(id, [done, element(0xa0, &[control])].concat())
}

/// An `LDAPResult` in answer to a request of that kind.
pub(crate) fn result(id: u32, operation: u8, code: u8, referral: Option<&str>) -> Vec<u8> {
    let mut parts = vec![vec![10, 1, code], text(""), text("")];
    parts.extend(referral.map(|url| element(0xa3, &[text(url)])));
    message(id, element(operation, &parts))
}

/// A `SearchResultEntry` with attributes of one value.
pub(crate) fn entry(id: u32, dn: impl AsRef<[u8]>, attributes: &[(&str, &[u8])]) -> Vec<u8> {
    let attributes = attributes.iter().map(|(name, value)| {
        let values = element(0x31, &[text(value)]);
        element(0x30, &[text(name), values])
    });
    message(id, element(0x64, &[text(dn), element(0x30, &attributes.collect::<Vec<_>>())]))
}

pub(crate) const PERSON: &str = "CN=alice,OU=People,DC=corp,DC=example,DC=test";

/// The one user there is.
pub(crate) fn person(id: u32) -> Vec<u8> {
    let attributes: [(&str, &[u8]); 4] = [
        ("objectGUID", &[7; 16]),
        ("sAMAccountName", b"alice"),
        ("userAccountControl", b"512"),
        ("objectSid", &[0xff; 28]),
    ];
    entry(id, PERSON, &attributes)
}

/// All is well, and everybody is alice.
pub(crate) fn honest(asked: &Asked) -> Vec<u8> {
    match asked.operation {
        SEARCH if asked.base.is_empty() => {
            let root = entry(asked.id, "", &[("defaultNamingContext", b"DC=corp,DC=example,DC=test")]);
            [root, result(asked.id, 0x65, 0, None)].concat()
        }
        SEARCH => [person(asked.id), result(asked.id, 0x65, 0, None)].concat(),
        operation => result(asked.id, operation + 1, 0, None),
    }
}
