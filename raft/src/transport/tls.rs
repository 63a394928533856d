//! TLS between members: version 1.3 only, both sides with a certificate of the realm's authority, no resumption.
//!
//! rustls checks the signatures, the validity and that a server is the node that was dialed. Realm, epoch and role are
//! read from the certificate afterwards and checked by the caller against the registry.

use super::identity::{IdentityError, PeerIdentity, dns_name};
use crate::net::BoxStream;
use arc_swap::ArcSwap;
use passquorum_domain::ids::{NodeId, RealmId};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// The protocol and its version, as agreed in the handshake (ALPN).
const PROTOCOL: &[u8] = b"passquorum-peer/1";

/// This node's certificate and key, and what it takes to trust another's.
pub struct PeerTls {
    identity: PeerIdentity,
    authority: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    time: Arc<dyn TimeProvider>,
    configs: ArcSwap<Configs>,
}

/// A renewed certificate, ready to be used.
pub struct Renewed(Arc<Configs>);

struct Configs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// Certificates and keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file does not hold what it should.
    #[error("the {0} is not readable PEM: {1}")]
    Pem(&'static str, String),
    /// The certificate names no node.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The certificate is of another realm, epoch or node.
    #[error("the certificate names {found}, but this node needs one for {needed}")]
    OtherIdentity {
        /// What it names.
        found: PeerIdentity,
        /// What is needed.
        needed: String,
    },
    /// rustls refuses the certificate, the key or the authority.
    #[error("the certificate, its key or the authority cannot be used: {0}")]
    Unusable(String),
}

fn unusable(error: impl fmt::Display) -> TlsError {
    TlsError::Unusable(error.to_string())
}

impl PeerTls {
    /// Takes a certificate chain (own certificate first), its key and the authority's certificate, all PEM.
    ///
    /// # Errors
    /// One of them cannot be used, or the certificate is not of this realm and epoch.
    pub fn new(
        chain: &str,
        key: &str,
        authority: &str,
        realm: RealmId,
        epoch: u32,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self::with_provider(chain, key, authority, realm, epoch, provider, Arc::new(DefaultTimeProvider))
    }

    /// As [`PeerTls::new`], with another source of randomness and time: for a simulation.
    ///
    /// # Errors
    /// As [`PeerTls::new`].
    pub fn with_provider(
        chain: &str,
        key: &str,
        authority: &str,
        realm: RealmId,
        epoch: u32,
        provider: Arc<CryptoProvider>,
        time: Arc<dyn TimeProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for root in certificates("authority's certificate", authority)? {
            roots.add(root).map_err(unusable)?;
        }
        let roots = Arc::new(roots);
        let (identity, configs) = configure(chain, key, &roots, &provider, &time)?;
        if identity.realm != realm || identity.epoch != epoch {
            let needed = format!("realm {realm}, epoch {epoch}");
            return Err(TlsError::OtherIdentity { found: identity, needed });
        }
        Ok(Self { identity, authority: roots, provider, time, configs: ArcSwap::from_pointee(configs) })
    }

    /// Takes a renewed certificate chain and its key, PEM, and makes sure that peers will take it.
    ///
    /// # Errors
    /// It cannot be used, is not the authority's, is not valid now, or names somebody else.
    pub fn prepare(&self, chain: &str, key: &str) -> Result<Renewed, TlsError> {
        let (found, configs) = configure(chain, key, &self.authority, &self.provider, &self.time)?;
        if found != self.identity {
            return Err(TlsError::OtherIdentity { found, needed: self.identity.uri() });
        }
        let chain = certificates("certificate", chain)?;
        let (own, others) = chain.split_first().ok_or_else(|| unusable("it is empty"))?;
        let name = ServerName::try_from(found.dns_name()).map_err(unusable)?;
        let now = self.time.current_time().ok_or_else(|| unusable("the time is not known"))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::clone(&self.authority),
            Arc::clone(&self.provider),
        )
        .build()
        .map_err(unusable)?;
        verifier.verify_server_cert(own, others, &name, &[], now).map_err(unusable)?;
        Ok(Renewed(Arc::new(configs)))
    }

    /// Uses a renewed certificate from the next handshake on. Streams that are open stay as they are.
    pub fn put_in_use(&self, Renewed(configs): Renewed) {
        self.configs.store(configs);
    }

    /// Who this node is.
    #[must_use]
    pub fn identity(&self) -> PeerIdentity {
        self.identity
    }

    /// Whether a peer is of this realm and epoch.
    pub(crate) fn is_kin(&self, peer: &PeerIdentity) -> bool {
        peer.realm == self.identity.realm && peer.epoch == self.identity.epoch
    }

    /// The client's handshake with a node.
    pub(crate) async fn connect(&self, node: NodeId, stream: BoxStream) -> io::Result<TlsStream<BoxStream>> {
        let name = ServerName::try_from(dns_name(node)).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&self.configs.load().client));
        Ok(TlsStream::Client(connector.connect(name, stream).await?))
    }

    /// The server's handshake.
    pub(crate) async fn accept(&self, stream: BoxStream) -> io::Result<TlsStream<BoxStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.configs.load().server));
        Ok(TlsStream::Server(acceptor.accept(stream).await?))
    }
}

impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerTls({})", self.identity)
    }
}

/// Who is at the other end of a finished handshake.
pub(crate) fn peer_of(stream: &TlsStream<BoxStream>) -> io::Result<PeerIdentity> {
    let (_, connection) = stream.get_ref();
    if connection.alpn_protocol() != Some(PROTOCOL) {
        return Err(io::Error::other("the peer speaks another protocol"));
    }
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or_else(|| io::Error::other("the peer has no certificate"))?;
    PeerIdentity::of_certificate(certificate).map_err(io::Error::other)
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Pem(what, e.to_string()))?;
    if found.is_empty() { Err(TlsError::Pem(what, "it holds no certificate".into())) } else { Ok(found) }
}

fn configure(
    chain: &str,
    key: &str,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    time: &Arc<dyn TimeProvider>,
) -> Result<(PeerIdentity, Configs), TlsError> {
    let chain = certificates("certificate", chain)?;
    let own = chain.first().ok_or_else(|| TlsError::Pem("certificate", "it is empty".into()))?;
    let identity = PeerIdentity::of_certificate(own)?;
    // The parser's error could quote the key, so it is not passed on.
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| TlsError::Pem("private key", "it holds no private key".into()))?;

    let servers = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .build()
        .map_err(unusable)?;
    let mut client = ClientConfig::builder_with_details(Arc::clone(provider), Arc::clone(time))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain.clone(), key.clone_key())
        .map_err(unusable)?;
    client.alpn_protocols = vec![PROTOCOL.to_vec()];
    client.resumption = Resumption::disabled();

    let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .build()
        .map_err(unusable)?;
    let mut server = ServerConfig::builder_with_details(Arc::clone(provider), Arc::clone(time))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    server.alpn_protocols = vec![PROTOCOL.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok((identity, Configs { client: Arc::new(client), server: Arc::new(server) }))
}
