//! An OTLP collector for tests: takes what is sent over HTTP, decodes it with OpenTelemetry's own messages, and can be
//! as bad as a real one in trouble.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How it treats who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes everything.
    Good,
    /// Takes the connection and says nothing.
    Silent,
    /// Answers 503.
    Busy,
    /// Answers what is not HTTP.
    Nonsense,
}

/// What it got.
#[derive(Default)]
pub(crate) struct Got {
    pub(crate) logs: Vec<LogRecord>,
    pub(crate) spans: Vec<Span>,
    /// Of whoever sent last.
    pub(crate) resource: BTreeMap<String, String>,
    /// The token that came with each request.
    pub(crate) authorization: Vec<String>,
    /// Requests of any kind.
    pub(crate) asked: usize,
}

/// A collector at one port.
pub(crate) struct Collector {
    manner: watch::Sender<Manner>,
    got: Arc<Mutex<Got>>,
    port: u16,
    served: Option<JoinHandle<()>>,
}

impl Collector {
    pub(crate) async fn start(port: u16) -> Self {
        let (manner, _) = watch::channel(Manner::Good);
        let mut collector = Self { manner, got: Arc::default(), port, served: None };
        collector.open().await;
        collector
    }

    /// Listens again.
    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let (manner, got) = (self.manner.subscribe(), Arc::clone(&self.got));
        self.served = Some(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, got) = (manner.clone(), Arc::clone(&got));
                connections.spawn(async move { serve(stream, manner, &got).await.ok() });
            }
        }));
    }

    /// Refuses connections.
    pub(crate) async fn close(&mut self) {
        if let Some(served) = self.served.take() {
            served.abort();
            assert!(served.await.is_err_and(|ended| ended.is_cancelled()));
        }
    }

    pub(crate) fn be(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Got) -> T) -> T {
        look(&self.got.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets what it got.
    pub(crate) fn forget(&self) {
        *self.got.lock().unwrap_or_else(PoisonError::into_inner) = Got::default();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(served) = self.served.take() {
            served.abort();
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    mut manner: watch::Receiver<Manner>,
    got: &Mutex<Got>,
) -> io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let now = *manner.borrow_and_update();
    let answer: &[u8] = {
        let mut got = got.lock().unwrap_or_else(PoisonError::into_inner);
        got.asked += 1;
        match now {
            Manner::Good => {
                got.take(&request);
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
            }
            Manner::Busy => b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            Manner::Nonsense => b"\0\x01\x02 I am no web server\n\n",
            Manner::Silent => b"",
        }
    };
    if now == Manner::Silent {
        // Until the other side has had enough.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
    }
    stream.write_all(answer).await
}

struct Request {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// `None` when the other side has left.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(length)) = head.parse(&bytes) {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers: BTreeMap<_, _> =
                head.headers.iter().map(|one| (one.name.to_lowercase(), text(one.value))).collect();
            let whole = length + headers["content-length"].parse::<usize>().unwrap();
            if bytes.len() >= whole {
                let path = head.path.unwrap_or_default().to_owned();
                return Ok(Some(Request { path, headers, body: bytes[length..whole].to_vec() }));
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

impl Got {
    fn take(&mut self, request: &Request) {
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        self.authorization.push(request.headers.get("authorization").cloned().unwrap_or_default());
        match request.path.as_str() {
            "/v1/logs" => {
                let logs = ExportLogsServiceRequest::decode(request.body.as_slice()).unwrap();
                for one in logs.resource_logs {
                    self.resource = texts(&one.resource.unwrap().attributes);
                    self.logs.extend(one.scope_logs.into_iter().flat_map(|scope| scope.log_records));
                }
            }
            "/v1/traces" => {
                let spans = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
                for one in spans.resource_spans {
                    self.resource = texts(&one.resource.unwrap().attributes);
                    self.spans.extend(one.scope_spans.into_iter().flat_map(|scope| scope.spans));
                }
            }
            other => panic!("{other} is no path of the protocol"),
        }
    }
}

/// Attributes as text.
pub(crate) fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        other => Some(format!("{other:?}")),
    };
    attributes.iter().map(|one| (one.key.clone(), text(one).unwrap_or_default())).collect()
}

/// What a record says.
pub(crate) fn body(record: &LogRecord) -> &str {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}
