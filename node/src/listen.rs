//! The HTTPS listener for browsers, operators, joining nodes and probes.
//!
//! Handshakes run in tasks of their own under a deadline, and the number of connections is bounded, in all and of one
//! source, so that slow peers hold up nobody.

use crate::http_connection;
use crate::secret_file::SecretFileError;
use crate::site_door::SiteDoor;
use crate::stop::Stop;
use axum::Router;
use passquorum_sites::PeerAddress;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a joining node asks for by SNI; no browser does.
pub const JOIN_SERVER_NAME: &str = "join.passquorum";
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The listener could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key.
    #[error("{what} cannot be used for TLS: {message}")]
    Certificate {
        /// Which.
        what: String,
        /// Why.
        message: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The certificate file of the site cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Binds the listener.
pub async fn bind(address: &str) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ListenError::Bind { address: address.to_owned(), source })
}

/// Serves until the word to stop, then lets open requests end.
pub async fn serve(
    listener: TcpListener,
    door: SiteDoor,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    mut stop: Stop,
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let next = async {
            let room = door.room().await?;
            Some((room, listener.accept().await))
        };
        let (room, accepted) = tokio::select! {
            next = next => match next {
                Some(next) => next,
                None => break,
            },
            () = stop.stopped() => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let Some(admitted) = door.admit(room, peer.ip()) else { continue };
                let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
                connections.spawn(async move {
                    connection(stream, PeerAddress(peer.ip()), &acceptor, router, stop).await;
                    drop(admitted);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // Out of file descriptors: give those that are open a moment to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: PeerAddress,
    acceptor: &TlsAcceptor,
    router: Router,
    mut stop: Stop,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let handshake = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream));
    let accepted = tokio::select! {
        accepted = handshake => accepted,
        () = stop.stopped() => return,
    };
    match accepted {
        Ok(Ok(stream)) => http_connection::serve(stream, router, peer, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, NewAuthority, Validity, signing_request};
    use crate::config::SiteCertificate;
    use crate::config::SiteConnections;
    use crate::env::SystemClock;
    use crate::secret_file;
    use crate::site_tls::SiteTls;
    use crate::stop;
    use axum::Extension;
    use axum::routing::get;
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::instance::Role;
    use passquorum_domain::limit::{Limit, Refusals};
    use passquorum_domain::time::{Span, Timestamp};
    use passquorum_raft::PeerIdentity;
    use rustls::crypto::ring;
    use rustls::pki_types::ServerName;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    use std::time::{SystemTime, UNIX_EPOCH};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    const TRUSTED: [u8; 4] = [127, 0, 0, 3];

    struct Issued {
        chain: String,
        key: String,
        authority: String,
    }

    fn issue(hosts: &[&str]) -> Issued {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp(u64::try_from(since.as_millis()).unwrap());
        let realm = RealmId(uuid::Uuid::from_u128(1));
        let new = NewAuthority::create(realm, now).unwrap();
        let authority = Authority::open(&new.certificate, &new.key).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let identity = PeerIdentity { realm, epoch: 1, node: NodeId(1), role: Role::Voter };
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let csr = signing_request(&key).unwrap();
        let chain = authority
            .sign(&csr, &identity, &hosts, [1; 16], Validity::lasting(now, Span::hours(24)))
            .unwrap();
        Issued { chain, key: key.serialize_pem(), authority: new.certificate }
    }

    fn door(most: SiteConnections) -> SiteDoor {
        SiteDoor::new(most, [TRUSTED.into()].into(), Refusals::new(Arc::new(SystemClock)))
    }

    /// What `GET /` answers to a client that trusts one authority, or `None` when the handshake fails.
    async fn get_from(address: std::net::SocketAddr, name: &'static str, authority: &str) -> Option<String> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(name).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        Some(answer)
    }

    #[tokio::test]
    async fn browsers_get_the_site_certificate_joining_nodes_the_nodes_and_a_silent_peer_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (node, site) = (issue(&[JOIN_SERVER_NAME]), issue(&["pw.example.com"]));
        let files = SiteCertificate {
            certificate: folder.path().join("site.crt"),
            key: folder.path().join("site.key"),
        };
        secret_file::write(&files.certificate, site.chain.as_bytes()).unwrap();
        secret_file::write(&files.key, site.key.as_bytes()).unwrap();
        let certificates = SiteTls::open(&node.chain, &node.key, Some(&files)).unwrap();
        let config = certificates.config().unwrap();
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let show = |Extension(PeerAddress(ip)): Extension<PeerAddress>| async move { ip.to_string() };
        let (stopper, stop) = stop::channel();
        let door = door(SiteConnections::default());
        let served = tokio::spawn(serve(listener, door, config, Router::new().route("/", get(show)), stop));
        let silent = TcpStream::connect(address).await.unwrap();

        let browser = get_from(address, "pw.example.com", &site.authority).await.unwrap();
        assert!(browser.starts_with("HTTP/1.1 200 OK") && browser.ends_with("127.0.0.1"), "{browser}");
        assert!(get_from(address, JOIN_SERVER_NAME, &node.authority).await.is_some());
        assert_eq!(get_from(address, "pw.example.com", &node.authority).await, None);

        stopper.stop();
        served.await.unwrap();
        drop(silent);
    }

    /// A connection from an address of this host that says nothing.
    async fn silent_from(address: [u8; 4], to: std::net::SocketAddr) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Whether a silent connection is closed from the other side; one that is kept never answers.
    async fn is_closed(stream: &mut TcpStream) {
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn one_address_gets_its_share_of_connections_and_a_trusted_proxy_more() {
        let node = issue(&["pw.example.com"]);
        let config = SiteTls::open(&node.chain, &node.key, None).unwrap().config().unwrap();
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = door(SiteConnections { in_all: 100, per_source: 2 });
        let refusals = door.refusals();
        let (stopper, stop) = stop::channel();
        let router = Router::new().route("/", get(|| async { "here" }));
        let served = tokio::spawn(serve(listener, door, config, router, stop));

        let mut greedy = Vec::new();
        for _ in 0..3 {
            greedy.push(silent_from([127, 0, 0, 2], address).await);
        }
        is_closed(&mut greedy[2]).await;
        assert_eq!(refusals.count(Limit::SourceConnections), 1);
        let mut trusted = Vec::new();
        for _ in 0..3 {
            trusted.push(silent_from(TRUSTED, address).await);
        }
        assert!(get_from(address, "pw.example.com", &node.authority).await.is_some(), "another address");
        assert_eq!(refusals.count(Limit::SourceConnections), 1);

        stopper.stop();
        served.await.unwrap();
    }

    #[tokio::test]
    async fn when_every_place_is_taken_a_connection_waits_for_one_and_that_is_counted() {
        let node = issue(&["pw.example.com"]);
        let config = SiteTls::open(&node.chain, &node.key, None).unwrap().config().unwrap();
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = door(SiteConnections { in_all: 1, per_source: 1 });
        let refusals = door.refusals();
        let (stopper, stop) = stop::channel();
        let router = Router::new().route("/", get(|| async { "here" }));
        let served = tokio::spawn(serve(listener, door, config, router, stop));

        let first = silent_from([127, 0, 0, 2], address).await;
        let waiting = tokio::spawn(async move { get_from(address, "pw.example.com", &node.authority).await });
        let counted = async {
            while refusals.count(Limit::Connections) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), counted).await.expect("it is not counted");
        drop(first);
        assert!(waiting.await.unwrap().is_some());

        stopper.stop();
        served.await.unwrap();
    }
}
