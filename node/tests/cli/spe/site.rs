//! Web servers that answer as they are told, with certificates as they are wished for, and a proxy.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An authority, and what it signs.
pub(super) struct World {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    files: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Dates {
    Valid,
    Past,
    Future,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        Self { folder, issuer: Issuer::new(params, key), files: AtomicUsize::new(0) }
    }

    pub(super) fn authorities(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(super) fn file(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join(format!("file-{}", self.files.fetch_add(1, Ordering::SeqCst)));
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn certificate(&self, names: &[&str], dates: Dates) -> Arc<rustls::ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let now = OffsetDateTime::now_utc();
        let days = |from, to| (now + Duration::days(from), now + Duration::days(to));
        (params.not_before, params.not_after) = match dates {
            Dates::Valid => days(-1, 9),
            Dates::Past => days(-9, -1),
            Dates::Future => days(1, 9),
        };
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                )
                .unwrap();
        Arc::new(config)
    }
}

/// An answer with a page of this product, by node 1.
pub(super) fn page(status: &str, body: &str) -> String {
    let head = "<meta name=\"application-name\" content=\"passquorum\"><meta name=\"passquorum-node\" content=\"1\">";
    plain(status, &format!("<title>x</title>{head}{body}"))
}

pub(super) fn plain(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A port that nobody listens at.
pub(super) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A web server; it ends when dropped.
pub(super) struct Server {
    pub(super) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn tls(
        config: &Arc<rustls::ServerConfig>,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::clone(config))), answer).await
    }

    pub(super) async fn clear(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(None, answer).await
    }

    async fn start(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (tls, answer) = (tls.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            // A client that does not believe the certificate leaves.
                            let Ok(stream) = tls.accept(tcp).await else { return };
                            serve(stream, answer.as_ref()).await;
                        }
                        None => serve(tcp, answer.as_ref()).await,
                    }
                });
            }
        });
        Self { port, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &(impl Fn(&str) -> String + Sync)) {
    let Some(head) = head(&mut stream).await else { return };
    let path = head.split_whitespace().nth(1).unwrap_or("/");
    stream.write_all(answer(path).as_bytes()).await.ok();
    stream.shutdown().await.ok();
}

/// A proxy that opens ways to one port of this host, to those who show what it wants.
pub(super) struct Proxy {
    pub(super) port: u16,
    served: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(super) async fn start(to: u16, wants: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&served);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, to, wants, Arc::clone(&count)));
            }
        });
        Self { port, served, task }
    }

    pub(super) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

async fn pass(mut client: TcpStream, to: u16, wants: Option<&'static str>, served: Arc<AtomicUsize>) {
    let Some(head) = head(&mut client).await else { return };
    let shown = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
    let refusal = match wants {
        Some(wanted) if shown != Some(wanted) => {
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"
        }
        _ if !head.starts_with(&format!("CONNECT localhost:{to} ")) => "HTTP/1.1 403 Forbidden\r\n\r\n",
        _ => {
            let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            served.fetch_add(1, Ordering::SeqCst);
            tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
            return;
        }
    };
    client.write_all(refusal.as_bytes()).await.ok();
}
