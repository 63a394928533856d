//! Load client for `ops/bench/etcd.sh`: the same closed loop of HTTPS writes against passquorum's label API and
//! against etcd's JSON gateway, one kept connection a client, spread over the endpoints in turn.
//!
//! `bench writes …` prints one JSON line with the rate and the latencies; `bench failover …` kills a process and
//! prints how long the next acknowledged write took. It knows nothing of either system but the one request it sends.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Sender = SendRequest<Full<Bytes>>;

/// Bytes of each written value.
const VALUE_BYTES: usize = 256;
/// Keys that each client writes in turn.
const KEYS_PER_CLIENT: u64 = 100;

#[derive(Clone, Copy, PartialEq)]
enum System {
    Passquorum,
    Etcd,
}

#[derive(Clone)]
struct Target {
    system: System,
    endpoints: Vec<Uri>,
    token: Option<String>,
    tls: Arc<rustls::ClientConfig>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let position = arguments.iter().position(|argument| argument == name)?;
        arguments.get(position + 1).cloned()
    };
    let required = |name: &str| option(name).ok_or_else(|| format!("{name} is missing"));
    let system = match required("--system")?.as_str() {
        "passquorum" => System::Passquorum,
        "etcd" => System::Etcd,
        other => return Err(format!("--system {other}: use passquorum or etcd").into()),
    };
    let target = Target {
        system,
        endpoints: required("--endpoints")?.split(',').map(str::parse).collect::<Result<_, _>>()?,
        token: option("--token"),
        tls: tls(&required("--ca")?)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.first().map(String::as_str) {
        Some("writes") => {
            let (clients, seconds) = (required("--clients")?.parse()?, required("--seconds")?.parse()?);
            runtime.block_on(writes(target, clients, Duration::from_secs(seconds)))
        }
        Some("failover") => runtime.block_on(failover(target, required("--kill")?.parse()?)),
        _ => Err("use: bench writes|failover --system … --endpoints … --ca … [--token …] …".into()),
    }
}

fn tls(authority: &str) -> Result<Arc<rustls::ClientConfig>, Failure> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls::pki_types::CertificateDer::pem_file_iter(authority)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

impl Target {
    async fn connect(&self, endpoint: usize) -> Result<Sender, Failure> {
        let uri = self.endpoints.get(endpoint % self.endpoints.len()).ok_or("no endpoint")?;
        let host = uri.host().ok_or("an endpoint needs a host")?.to_owned();
        let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443))).await?;
        stream.set_nodelay(true)?;
        let name = rustls::pki_types::ServerName::try_from(host)?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, client: usize, number: u64) -> Result<Request<Full<Bytes>>, Failure> {
        let key = format!("bench-{client}-{}", number % KEYS_PER_CLIENT);
        let mut value = vec![b'.'; VALUE_BYTES];
        for (slot, byte) in value.iter_mut().zip(format!("{client}/{number}").bytes()) {
            *slot = byte;
        }
        let (method, path, body) = match self.system {
            System::Passquorum => (Method::PUT, format!("/api/v1/labels/{key}"), value),
            System::Etcd => {
                let body =
                    format!(r#"{{"key":"{}","value":"{}"}}"#, STANDARD.encode(key), STANDARD.encode(value));
                (Method::POST, "/v3/kv/put".to_owned(), body.into_bytes())
            }
        };
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }

    async fn write(&self, sender: &mut Sender, client: usize, number: u64) -> Result<(), Failure> {
        sender.ready().await?;
        let response = sender.send_request(self.request(client, number)?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }
}

async fn writes(target: Target, clients: usize, length: Duration) -> Result<(), Failure> {
    let mut tasks = Vec::new();
    let mut senders = Vec::new();
    for client in 0..clients {
        let mut sender = target.connect(client).await?;
        target.write(&mut sender, client, 0).await?;
        senders.push(sender);
    }
    let begin = Instant::now();
    for (client, mut sender) in senders.into_iter().enumerate() {
        let target = target.clone();
        tasks.push(tokio::spawn(async move {
            let (mut latencies, mut errors) = (Vec::new(), 0u64);
            while begin.elapsed() < length {
                let sent = Instant::now();
                match target.write(&mut sender, client, latencies.len() as u64).await {
                    Ok(()) => latencies.push(sent.elapsed()),
                    Err(_) => {
                        errors += 1;
                        sender = target.connect(client).await?;
                    }
                }
            }
            Ok::<_, Failure>((latencies, errors))
        }));
    }
    let (mut latencies, mut errors) = (Vec::new(), 0);
    for task in tasks {
        let (own, failed) = task.await??;
        latencies.extend(own);
        errors += failed;
    }
    let elapsed = begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = ((latencies.len() as f64 - 1.0) * share).max(0.0) as usize;
        latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    };
    println!(
        r#"{{"clients":{clients},"writes_per_second":{:.1},"p50_ms":{:.3},"p99_ms":{:.3},"max_ms":{:.3},"errors":{errors}}}"#,
        latencies.len() as f64 / elapsed,
        at(0.5),
        at(0.99),
        at(1.0),
    );
    Ok(())
}

/// Kills the process and writes to the endpoints in turn until one acknowledges.
async fn failover(target: Target, victim: u32) -> Result<(), Failure> {
    let mut senders = Vec::new();
    for endpoint in 0..target.endpoints.len() {
        senders.push(Some(target.connect(endpoint).await?));
    }
    let killed = Instant::now();
    let status = std::process::Command::new("kill").args(["-9", &victim.to_string()]).status()?;
    if !status.success() {
        return Err(format!("process {victim} could not be killed").into());
    }
    let mut number = 0;
    while killed.elapsed() < Duration::from_secs(30) {
        for (endpoint, slot) in senders.iter_mut().enumerate() {
            number += 1;
            let mut sender = match slot.take() {
                Some(sender) => sender,
                None => target.connect(endpoint).await?,
            };
            let attempt = target.write(&mut sender, 1000 + endpoint, number);
            if let Ok(Ok(())) = tokio::time::timeout(Duration::from_millis(100), attempt).await {
                println!(r#"{{"failover_ms":{:.1}}}"#, killed.elapsed().as_secs_f64() * 1000.0);
                return Ok(());
            }
        }
    }
    Err("no write was acknowledged within 30 seconds".into())
}
