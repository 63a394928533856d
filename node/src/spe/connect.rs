//! The way to one server: its address, TCP, a proxy between, TLS, one HTTP request. Each step leaves a note; the first that
//! fails says why by name.

use super::report::{Fault, Stage};
use super::target::Target;
use crate::http_connection::ask;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Each step may take so long.
const PATIENCE: Duration = Duration::from_secs(8);
/// A proxy's answer to `CONNECT` is short.
const HEAD: usize = 16 * 1024;

/// What was seen on the way.
pub(super) type Notes = Vec<(Stage, String)>;

/// Why it does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) stage: Stage,
    pub(super) fault: Fault,
    pub(super) saw: String,
}

fn problem(stage: Stage, fault: Fault, saw: impl Into<String>) -> Problem {
    Problem { stage, fault, saw: saw.into() }
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// Through the proxy at this host and port.
    Through(String, u16),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Whom a client believes.
pub(super) struct Net {
    verifier: Arc<WebPkiServerVerifier>,
}

impl Net {
    /// The authorities that the client's machine trusts, PEM.
    pub(super) fn new(authorities: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            // Collections of the system hold some that cannot be used; the others still can.
            roots.add(certificate).ok();
        }
        let provider = Arc::new(ring::default_provider());
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        built.map(|verifier| Self { verifier }).map_err(|error| error.to_string())
    }

    /// Asks for a page and reads all of it.
    pub(super) async fn get(
        &self,
        target: &Target,
        way: &Way,
        notes: &mut Notes,
    ) -> Result<Response<Bytes>, Problem> {
        let stream = self.connect(target, way, notes).await?;
        let request = Request::get(&target.path)
            .header(http::header::HOST, target.authority())
            .header(http::header::USER_AGENT, concat!("passquorum-spe-diagnose/", env!("CARGO_PKG_VERSION")))
            .header(http::header::ACCEPT, "text/html, */*")
            .body(Full::new(Bytes::new()))
            .map_err(|error| problem(Stage::Page, Fault::UrlInvalid, error.to_string()))?;
        match tokio::time::timeout(PATIENCE, ask(stream, request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(problem(Stage::Page, Fault::NoHttp, error.to_string())),
            Err(_) => Err(problem(Stage::Page, Fault::NoHttp, "no answer in time")),
        }
    }

    async fn connect(
        &self,
        target: &Target,
        way: &Way,
        notes: &mut Notes,
    ) -> Result<Box<dyn Stream>, Problem> {
        let tcp = match way {
            Way::Direct => {
                let at = resolve(&target.host, target.port)
                    .await
                    .map_err(|why| problem(Stage::Name, Fault::NameUnresolved, why))?;
                notes.push((Stage::Name, format!("{} is {}", target.host, listed(&at))));
                let tcp =
                    dial(&at).await.map_err(|why| problem(Stage::Connection, Fault::Unreachable, why))?;
                notes.push((Stage::Connection, format!("port {} is open", target.port)));
                tcp
            }
            Way::Through(host, port) => tunnel(host, *port, target, notes).await?,
        };
        if target.is_tls { Ok(Box::new(self.secure(tcp, target, notes).await?)) } else { Ok(Box::new(tcp)) }
    }

    async fn secure(
        &self,
        tcp: TcpStream,
        target: &Target,
        notes: &mut Notes,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Problem> {
        let failed = |fault, saw: String| problem(Stage::Certificate, fault, saw);
        let name = ServerName::try_from(target.host.clone())
            .map_err(|error| failed(Fault::UrlInvalid, error.to_string()))?;
        let witness = Arc::new(Witness { inner: Arc::clone(&self.verifier), shown: Mutex::default() });
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(Fault::TlsFailed, error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Witness>::clone(&witness))
            .with_no_client_auth();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let outcome = match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(outcome) => outcome,
            Err(late) => Err(late.into()),
        };
        let shown = witness.describe();
        match outcome {
            Ok(stream) => {
                notes.push((Stage::Certificate, shown));
                Ok(stream)
            }
            Err(error) => {
                let (fault, why) = why_not(&error);
                Err(failed(fault, if shown.is_empty() { why } else { format!("{why}; {shown}") }))
            }
        }
    }
}

/// The addresses of a host.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let looked_up = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    let found: Vec<_> = match looked_up {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(format!("{host} cannot be looked up: {error}")),
        Err(_) => return Err(format!("{host} cannot be looked up: no answer in time")),
    };
    if found.is_empty() { Err(format!("{host} has no address")) } else { Ok(found) }
}

fn listed(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|at| at.ip().to_string()).collect::<Vec<_>>().join(", ")
}

async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(addresses)).await {
        Ok(Ok(tcp)) => Ok(tcp),
        Ok(Err(error)) => Err(format!("{}: {error}", listed(addresses))),
        Err(_) => Err(format!("{}: no answer in time", listed(addresses))),
    }
}

/// `CONNECT` (RFC 9110, 9.3.6), as somebody without an account at the proxy.
async fn tunnel(host: &str, port: u16, target: &Target, notes: &mut Notes) -> Result<TcpStream, Problem> {
    let unreachable =
        |why: String| problem(Stage::Proxy, Fault::ProxyUnreachable, format!("{host}:{port}: {why}"));
    let at = resolve(host, port).await.map_err(unreachable)?;
    let mut tcp = dial(&at).await.map_err(unreachable)?;
    let to = target.authority();
    let exchange = async {
        tcp.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).await?;
        head(&mut tcp).await
    };
    let answer = match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(answer) => answer.map_err(|error| unreachable(error.to_string()))?,
        Err(_) => return Err(unreachable("no answer in time".to_owned())),
    };
    let mut lines = answer.lines();
    let first = lines.next().unwrap_or_default();
    match first.split_whitespace().nth(1) {
        Some(status) if status.starts_with('2') => {
            notes.push((Stage::Proxy, format!("{host}:{port} opens a way to {to}, and looks its name up")));
            Ok(tcp)
        }
        Some("407") => {
            let schemes: Vec<_> = lines
                .filter_map(|line| line.split_once(':'))
                .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
                .filter_map(|(_, value)| value.split_whitespace().next())
                .collect();
            let asks = if schemes.is_empty() { String::new() } else { format!(" ({})", schemes.join(", ")) };
            let saw =
                format!("{host}:{port} wants the client to sign in{asks} before it opens a way to {to}");
            Err(problem(Stage::Proxy, Fault::ProxyAuthentication, saw))
        }
        Some(_) => Err(problem(
            Stage::Proxy,
            Fault::ProxyRefused,
            format!("{host}:{port} answers {first:?} for {to}"),
        )),
        None => Err(unreachable("it does not speak as a proxy does".to_owned())),
    }
}

/// The head of an answer, and not a byte more: what follows belongs to the server behind.
async fn head(tcp: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD {
            return Err(io::Error::other("its answer has no end"));
        }
        head.push(tcp.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn why_not(error: &io::Error) -> (Fault, String) {
    let rustls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let fault = match rustls {
        Some(Error::InvalidCertificate(why)) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::CertificateExpired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Fault::CertificateNotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Fault::CertificateWrongName
            }
            // A bad signature: the client trusts another authority of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Fault::CertificateUnknownAuthority
            }
            _ => Fault::CertificateRefused,
        },
        _ => Fault::TlsFailed,
    };
    (fault, error.to_string())
}

/// Verifies as any client does, and remembers what was shown, so that it can be told even when it is refused.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    shown: Mutex<Vec<CertificateDer<'static>>>,
}

impl Witness {
    fn describe(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Ok((_, first))) = shown.first().map(|der| X509Certificate::from_der(der)) else {
            return String::new();
        };
        let names = first.subject_alternative_name().ok().flatten().map(|extension| {
            let names = extension.value.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(bytes) => Some(address(bytes)),
                _ => None,
            });
            names.collect::<Vec<_>>().join(", ")
        });
        let validity = first.validity();
        let rest = shown.len().saturating_sub(1);
        format!(
            "the certificate names {}, is valid from {} to {}, is issued by {}, and {rest} more come with it",
            names.filter(|names| !names.is_empty()).unwrap_or_else(|| "no host".to_owned()),
            validity.not_before,
            validity.not_after,
            first.issuer(),
        )
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return std::net::Ipv4Addr::from(four).to_string();
    }
    <[u8; 16]>::try_from(bytes)
        .map_or_else(|_| "?".to_owned(), |all| std::net::Ipv6Addr::from(all).to_string())
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates).map(|one| one.clone().into_owned());
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
