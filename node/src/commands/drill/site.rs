//! The HTTPS side of a node, as a client outside of it sees it. Its certificate has to be of the realm's authority.

use crate::commands::Failure;
use crate::config::{NodeConfig, SiteUrl};
use crate::http_connection::{AskError, ask};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_pki_types::pem::PemObject as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const DEADLINE: Duration = Duration::from_secs(10);

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum SiteError {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[from] io::Error),
    /// The connection broke.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The request cannot be put into words.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// Not in time.
    #[error("no answer within {} seconds", DEADLINE.as_secs())]
    Late,
}

/// The sites of one node.
#[derive(Clone)]
pub(super) struct Site {
    address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Site {
    /// The sites of a node of this host.
    pub(super) fn of(node: &NodeConfig) -> Result<Self, Failure> {
        Self::at(&node.site_url, &node.data.keys().join("authority.crt"))
    }

    fn at(url: &SiteUrl, authority: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(authority)
            .map_err(|error| Failure::not_now(format!("{}: {error}", authority.display())))?;
        roots.add(certificate)?;
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let address = url.authority();
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        Ok(Self { address, name, tls: TlsConnector::from(Arc::new(tls)) })
    }

    /// Asks over a connection of its own, as somebody who comes for the first time.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, SiteError> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.address);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let asked = async {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            let stream = self.tls.connect(self.name.clone(), stream).await?;
            Ok(ask(stream, request).await?)
        };
        tokio::time::timeout(DEADLINE, asked).await.unwrap_or(Err(SiteError::Late))
    }
}
