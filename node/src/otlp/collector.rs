//! One request to the collector: a fresh connection, over TLS if the URL says so, and what the answer means.

use super::queue::Signal;
use super::settings::OtlpSettings;
use crate::http_connection::{self, Answer, AskError};
use crate::secret_file::{self, SecretFileError};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// From the dial to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// More of an answer is not read.
const ANSWER_SIZE: usize = 64 * 1024;
/// What the protocol itself says in a request.
const OWN_HEADERS: [HeaderName; 4] =
    [header::HOST, header::CONTENT_TYPE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The file with headers is open to others or cannot be read.
    #[error("otlp.headers: {0}")]
    HeadersFile(#[from] SecretFileError),
    /// A line of it is no header. What is in it is not told.
    #[error("otlp.headers: {path}, line {line}: {why}")]
    Header {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What would be right.
        why: &'static str,
    },
    /// The authorities.
    #[error("otlp.ca: {path}: {why}")]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The host has none.
    #[error(
        "otlp.endpoint: this host has no authorities of its own to check a certificate by ({0}); name a file in otlp.ca"
    )]
    NoAuthorities(String),
    /// The host's name, or TLS itself.
    #[error("otlp.endpoint: {0}")]
    Tls(String),
    /// The host gives no thread.
    #[error("the thread that sends to the OTLP collector does not start: {0}")]
    Thread(io::Error),
}

/// A batch did not get there.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// No connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    /// It did not answer.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// It broke off, or what it says is not HTTP.
    #[error("{0}")]
    Ask(#[from] AskError),
    /// It answered that it takes nothing now.
    #[error("it answered {0}")]
    Busy(StatusCode),
    /// It answered that it will not take this batch, however often it is sent.
    #[error("it refused what was sent with {0}; check otlp.endpoint and otlp.headers in node.toml")]
    Refused(StatusCode),
}

impl PostError {
    /// Whether the same batch may be taken later.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// How to reach the collector.
pub(super) struct Collector {
    settings: OtlpSettings,
    headers: HeaderMap,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Collector {
    /// Reads the files that the settings name.
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, CollectorError> {
        let headers = settings.headers.as_deref().map(read_headers).transpose()?.unwrap_or_default();
        let tls = settings.endpoint.is_secure().then(|| connector(settings)).transpose()?;
        Ok(Self { settings: settings.clone(), headers, tls })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        self.settings.endpoint.as_str()
    }

    /// Sends a batch; answers with what the collector says, in protobuf.
    pub(super) async fn post(&self, signal: Signal, batch: Vec<u8>) -> Result<Vec<u8>, PostError> {
        tokio::time::timeout(PATIENCE, self.ask(signal, batch)).await.unwrap_or(Err(PostError::Silent))
    }

    async fn ask(&self, signal: Signal, batch: Vec<u8>) -> Result<Vec<u8>, PostError> {
        let (host, path) = self.settings.endpoint.parts(&format!("/v1/{}", signal.as_str()));
        let mut request = Request::new(Full::new(Bytes::from(batch)));
        *request.method_mut() = http::Method::POST;
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        *request.uri_mut() = path.parse().map_err(|_| invalid("the path of the URL"))?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers
            .insert(header::HOST, HeaderValue::from_str(&host).map_err(|_| invalid("the host of the URL"))?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let stream = TcpStream::connect(self.settings.endpoint.address()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some((tls, name)) => exchange(tls.connect(name.clone(), stream).await?, request).await,
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Vec<u8>, PostError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = http_connection::begin(stream, request).await?;
    match answer.status() {
        status if status.is_success() => Ok(start_of(answer).await?),
        // What the protocol has sent again; of anything else the same batch would be the answer once more.
        status @ (StatusCode::TOO_MANY_REQUESTS
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT) => Err(PostError::Busy(status)),
        status => Err(PostError::Refused(status)),
    }
}

async fn start_of(mut answer: Answer) -> Result<Vec<u8>, AskError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.piece().await? {
        body.extend(piece);
        if body.len() > ANSWER_SIZE {
            break;
        }
    }
    Ok(body)
}

/// `Name: value` on each line; empty ones and those that begin with `#` say nothing.
fn read_headers(path: &Path) -> Result<HeaderMap, CollectorError> {
    let content = secret_file::read(path)?;
    let mut headers = HeaderMap::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (name, value) = header_of(line).map_err(|why| CollectorError::Header {
            path: path.to_owned(),
            line: index + 1,
            why,
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header_of(line: &[u8]) -> Result<(HeaderName, HeaderValue), &'static str> {
    let usual = "write it as NAME: VALUE, such as Authorization: Bearer …";
    let colon = line.iter().position(|byte| *byte == b':').ok_or(usual)?;
    let (name, value) = line.split_at_checked(colon).ok_or(usual)?;
    let name = HeaderName::from_bytes(name.trim_ascii()).map_err(|_| usual)?;
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
    let mut value = HeaderValue::from_bytes(value).map_err(|_| usual)?;
    if OWN_HEADERS.contains(&name) {
        return Err("the node says this header itself");
    }
    value.set_sensitive(true);
    Ok((name, value))
}

fn connector(settings: &OtlpSettings) -> Result<(TlsConnector, ServerName<'static>), CollectorError> {
    let bad = |error: &dyn std::fmt::Display| CollectorError::Tls(error.to_string());
    let (host, _) = settings.endpoint.address();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| bad(&error))?;
    let roots = match &settings.ca {
        Some(path) => authorities(path)?,
        None => host_authorities()?,
    };
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| bad(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn authorities(path: &Path) -> Result<RootCertStore, CollectorError> {
    let bad = |why: String| CollectorError::Authorities { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() { Err(bad("there is no certificate in it (PEM)".to_owned())) } else { Ok(roots) }
}

fn host_authorities() -> Result<RootCertStore, CollectorError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or("none were found".to_owned(), ToString::to_string);
        return Err(CollectorError::NoAuthorities(why));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Signals;
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    fn settings(endpoint: &str) -> OtlpSettings {
        OtlpSettings {
            endpoint: endpoint.parse().unwrap(),
            ca: None,
            headers: None,
            send: Signals::default(),
        }
    }

    fn file(folder: &Path, name: &str, mode: u32, text: &str) -> Option<PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Some(path)
    }

    #[test]
    fn headers_come_from_a_file_that_others_cannot_read_and_an_error_tells_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings("http://collector");
        settings.headers = file(folder.path(), "open", 0o640, "Authorization: Bearer s3cret");
        assert!(matches!(Collector::new(&settings), Err(CollectorError::HeadersFile(_))));
        settings.headers =
            file(folder.path(), "good", 0o600, "# ours\n\nAuthorization:  Bearer a:b \r\nX-Scope: 7\n");
        let collector = Collector::new(&settings).ok().unwrap();
        assert_eq!(collector.headers["authorization"], "Bearer a:b");
        assert_eq!(collector.headers["x-scope"], "7");
        assert!(!format!("{:?}", collector.headers).contains("Bearer"));
        for text in ["X: 1\ns3cret", "X: 1\nHost: s3cret", "X: 1\ns3 cret: s3cret", "X: 1\n: s3cret"] {
            settings.headers = file(folder.path(), "bad", 0o600, text);
            let error = Collector::new(&settings).err().unwrap().to_string();
            assert!(error.contains("line 2") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_file_of_authorities_without_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings("https://collector");
        settings.ca = file(folder.path(), "ca.pem", 0o644, "no certificate");
        assert!(matches!(Collector::new(&settings), Err(CollectorError::Authorities { .. })));
        settings.ca = Some("/nowhere/ca.pem".into());
        assert!(matches!(Collector::new(&settings), Err(CollectorError::Authorities { .. })));
    }

    /// Answers one request over TLS, if the client trusts it, and tells what it was asked.
    async fn answer_once(listener: TcpListener, tls: TlsAcceptor, answer: &'static str) -> Option<String> {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = tls.accept(stream).await.ok()?;
        let mut asked = Vec::new();
        while !asked.ends_with(b"the batch") {
            stream.read_buf(&mut asked).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        Some(String::from_utf8(asked).unwrap())
    }

    /// How a batch goes to a server on this host whose certificate is for `name`, and what it was asked.
    async fn post(name: &str, answer: &'static str) -> (Result<Vec<u8>, PostError>, Option<String>) {
        let own = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(answer_once(listener, TlsAcceptor::from(Arc::new(config)), answer));
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&format!("https://127.0.0.1:{port}/base"));
        settings.ca = file(folder.path(), "ca.pem", 0o644, &own.cert.pem());
        let collector = Collector::new(&settings).ok().unwrap();
        let answered = collector.post(Signal::Traces, b"the batch".to_vec()).await;
        (answered, served.await.unwrap())
    }

    #[tokio::test]
    async fn a_collector_is_sent_to_over_tls_if_its_certificate_is_right() {
        let (answered, asked) = post("127.0.0.1", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        assert_eq!(answered.unwrap(), b"ok");
        let asked = asked.unwrap().to_lowercase();
        assert!(asked.starts_with("post /base/v1/traces http/1.1\r\n"), "{asked}");
        assert!(asked.contains("content-type: application/x-protobuf\r\n"), "{asked}");
        let (answered, asked) = post("another.example", "").await;
        assert!(matches!(answered, Err(PostError::Unreachable(_))), "{answered:?}");
        assert_eq!(asked, None, "nothing was sent");
    }

    #[tokio::test]
    async fn what_the_answer_means_decides_whether_a_batch_is_sent_again() {
        for (answer, again) in [
            ("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 302 There\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", false),
            ("nonsense\r\n\r\n", true),
            ("", true),
        ] {
            let (answered, _) = post("127.0.0.1", answer).await;
            assert_eq!(answered.unwrap_err().may_pass(), again, "{answer}");
        }
    }
}
