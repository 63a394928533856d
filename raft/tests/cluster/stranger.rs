//! A peer that speaks the protocol by hand, on either side of a stream, with whatever certificate it has.

use crate::rig::{Authority, identity};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

pub(crate) const ANSWER: u8 = 128;
pub(crate) const REFUSED: u8 = 129;
pub(crate) const WELCOME: u8 = 130;
pub(crate) const FORBIDDEN: u8 = 1;
pub(crate) const REMOVED: u8 = 2;
pub(crate) const STRANGER: u8 = 3;
const PROTOCOL: &[u8] = b"passquorum-peer/1";

/// One end of a stream.
pub(crate) struct Stranger(TlsStream<TcpStream>);

fn roots(trust: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trust.pem.as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

fn certified(own: &(String, String)) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let (chain, key) = own;
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    (chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
}

impl Stranger {
    pub(crate) async fn connect(
        address: &str,
        server: NodeId,
        trust: &Authority,
        own: Option<(String, String)>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots(trust));
        let mut config = match own {
            None => config.with_no_client_auth(),
            Some(own) => {
                let (chain, key) = certified(&own);
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let name = ServerName::try_from(format!("node-{server}.passquorum")).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        Self(TlsStream::Client(stream))
    }

    /// What the other side has shown.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.0.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    pub(crate) async fn send(&mut self, length: u32, tag: u8, payload: &[u8]) {
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend_from_slice(&1_u64.to_be_bytes());
        frame.push(tag);
        frame.extend_from_slice(payload);
        self.0.write_all(&frame).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next frame's tag and payload; `None` when the stream has ended.
    pub(crate) async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 13];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[12], payload))
    }
}

/// A node of the realm whose host somebody took over: it listens where the node did.
pub(crate) struct Taken {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Taken {
    pub(crate) fn over(listener: TcpListener, authority: &Authority, node: NodeId, role: Role) -> Self {
        let (chain, key) = certified(&authority.issue(&identity(node, role)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let peers = WebPkiClientVerifier::builder_with_provider(roots(authority), Arc::clone(&provider));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(peers.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// The next stream that begins with a request of this kind; others are dropped.
    pub(crate) async fn stream_that_begins_with(&self, request: u8) -> Stranger {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            let Ok(stream) = self.acceptor.accept(stream).await else { continue };
            let mut stranger = Stranger(TlsStream::Server(stream));
            stranger.send(0, WELCOME, &[]).await;
            if stranger.receive().await.is_some_and(|(tag, _)| tag == request) {
                return stranger;
            }
        }
    }
}
