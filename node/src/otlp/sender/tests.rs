//! What is sent, sent again and dropped, and that one kind of record does not wait for the other.

use super::super::queue::{self, Outbox};
use super::super::settings::{OtlpSettings, Signals};
use super::*;
use http::StatusCode;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// One for each kind of record.
fn senders(endpoint: &str) -> (Outbox, [Sender; 2]) {
    let endpoint = endpoint.parse().unwrap();
    let settings = OtlpSettings { endpoint, ca: None, headers: None, send: Signals::default() };
    let counts = Arc::new(Counts::default());
    let (outbox, inboxes) = queue::channel(Arc::clone(&counts));
    let collector = Arc::new(Collector::new(&settings).ok().unwrap());
    let trouble = Arc::new(Trouble::new(Arc::clone(&counts)));
    let sender = |signal, inbox| {
        let (collector, counts) = (Arc::clone(&collector), Arc::clone(&counts));
        Sender::new(signal, inbox, collector, Resource::default(), counts, Arc::clone(&trouble))
    };
    (outbox, [sender(Signal::Logs, inboxes.logs), sender(Signal::Traces, inboxes.traces)])
}

fn sender() -> (Outbox, Sender) {
    let (outbox, [logs, _]) = senders("http://127.0.0.1:1");
    (outbox, logs)
}

fn log() -> Item {
    Item::Log(LogRecord::default())
}

/// How many of three records are sent, dropped and still there after an answer.
fn after(answer: Result<Option<i64>, PostError>) -> (u64, u64, usize) {
    let (_outbox, mut sender) = sender();
    sender.batch = vec![log(), log(), log()];
    let failed = answer.is_err();
    assert_eq!(sender.settle(answer).is_err(), failed);
    let read = |count| sender.counts.read(Signal::Logs, count);
    (read(Count::Sent), read(Count::Dropped), sender.batch.len())
}

#[test]
fn each_record_is_sent_dropped_or_sent_again() {
    assert_eq!(after(Ok(None)), (3, 0, 0));
    assert_eq!(after(Ok(Some(2))), (1, 2, 0), "the collector refused two");
    assert_eq!(after(Ok(Some(-1))), (3, 0, 0));
    assert_eq!(after(Ok(Some(i64::MAX))), (0, 3, 0));
    assert_eq!(after(Err(PostError::Silent)), (0, 0, 3));
    assert_eq!(after(Err(PostError::Busy(StatusCode::SERVICE_UNAVAILABLE))), (0, 0, 3));
    assert_eq!(after(Err(PostError::Refused(StatusCode::FORBIDDEN))), (0, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_what_came_within_a_moment_and_never_too_much() {
    let (outbox, mut sender) = sender();
    outbox.put(log());
    outbox.put(Item::Span(Span::default()));
    let began = Instant::now();
    assert!(sender.gather().await);
    assert_eq!(sender.batch.len(), 1, "of its own kind");
    assert_eq!(began.elapsed().as_secs(), GATHERING.as_secs());
    (0..2 * BATCH).for_each(|_| outbox.put(log()));
    assert!(sender.gather().await);
    assert_eq!(sender.batch.len(), BATCH);
    drop(outbox);
    sender.batch.clear();
    assert!(sender.gather().await, "what was left");
    sender.batch.clear();
    sender.inbox.close();
    while sender.inbox.try_recv().is_ok() {}
    assert!(!sender.gather().await, "nothing is left");
}

/// A collector that never takes the log, and traces at once.
async fn half_a_collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut asked, mut buffer) = (Vec::new(), [0; 4096]);
            let whole = |asked: &[u8]| {
                let text = String::from_utf8_lossy(asked).to_lowercase();
                let (head, _) = text.split_once("\r\n\r\n")?;
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
                (asked.len() >= head.len() + 4 + length.parse::<usize>().ok()?).then_some(())
            };
            while whole(&asked).is_none() {
                let read = stream.read(&mut buffer).await.unwrap();
                asked.extend_from_slice(&buffer[..read]);
            }
            let status = if asked.starts_with(b"POST /v1/logs") { "503 Busy" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_collector_that_does_not_take_the_log_gets_the_traces_all_the_same() {
    let (outbox, [logs, traces]) = senders(&half_a_collector().await);
    let counts = Arc::clone(&logs.counts);
    (0..2 * BATCH).for_each(|_| outbox.put(log()));
    (0..3).for_each(|_| outbox.put(Item::Span(Span::default())));
    let (_go_on, stop_logs) = oneshot::channel();
    let (end, stop_traces) = oneshot::channel();
    tokio::spawn(logs.run(stop_logs, Duration::from_secs(1)));
    end.send(()).unwrap();
    traces.run(stop_traces, Duration::from_secs(30)).await;
    assert_eq!(counts.read(Signal::Traces, Count::Sent), 3);
    assert_eq!(Signal::ALL.map(|signal| counts.read(signal, Count::Dropped)), [0, 0]);
    assert_eq!(counts.read(Signal::Logs, Count::Sent), 0);
}
