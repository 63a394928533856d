//! The loop that sends: batches out of the queue, the same one again while the collector does not take it, with longer
//! and longer pauses. An outage is told in the log once, and once that it is over, with how much was lost.

use super::collector::{Collector, PostError};
use super::queue::{Count, Counts, Item, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// Records of one batch.
const BATCH: usize = 512;
/// A record waits for others so long.
const GATHERING: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// The records that are sent next.
#[derive(Default)]
struct Batch {
    logs: Vec<LogRecord>,
    spans: Vec<Span>,
}

impl Batch {
    fn len(&self) -> usize {
        self.logs.len() + self.spans.len()
    }

    fn put(&mut self, item: Item) {
        match item {
            Item::Log(record) => self.logs.push(record),
            Item::Span(span) => self.spans.push(span),
        }
    }
}

/// What the log was told.
struct Told {
    of_trouble: bool,
    /// The last batch did not get there.
    is_failing: bool,
    /// So many were dropped when all was well.
    before: u64,
    /// So many when a batch was sent last.
    lately: u64,
}

/// The loop and what it holds.
pub(super) struct Sender {
    inbox: mpsc::Receiver<Item>,
    batch: Batch,
    collector: Collector,
    resource: Resource,
    counts: Arc<Counts>,
    told: Told,
}

impl Sender {
    pub(super) fn new(
        inbox: mpsc::Receiver<Item>,
        collector: Collector,
        resource: Resource,
        counts: Arc<Counts>,
    ) -> Self {
        let dropped = counts.dropped();
        let told = Told { of_trouble: false, is_failing: false, before: dropped, lately: dropped };
        Self { inbox, batch: Batch::default(), collector, resource, counts, told }
    }

    /// Runs until the word to stop, then sends what is left for a moment. Without the word nothing more is sent.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>, farewell: Duration) {
        let in_order = tokio::select! {
            word = &mut stop => word.is_ok(),
            () = self.send_on() => true,
        };
        if in_order && timeout(farewell, self.flush()).await.is_err() {
            tracing::warn!("the last records were not sent: the OTLP collector is too slow");
        }
    }

    /// What is gathered stays in `self`, so that this may be dropped at any point.
    async fn send_on(&mut self) {
        let mut pause = FIRST_PAUSE;
        while self.gather().await {
            match self.deliver().await {
                Err(error) if error.may_pass() => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                // What was refused is gone: a collector that takes no traces gets the log as fast as any.
                Ok(()) | Err(_) => pause = FIRST_PAUSE,
            }
        }
    }

    async fn flush(&mut self) {
        self.inbox.close();
        while self.gather().await {
            if self.deliver().await.is_err_and(|error| error.may_pass()) {
                tracing::warn!("the last records were not sent: the OTLP collector does not take them");
                return;
            }
        }
    }

    /// Fills the batch; `false` when nothing will come any more and nothing is left.
    async fn gather(&mut self) -> bool {
        if self.batch.len() == 0 {
            match self.inbox.recv().await {
                Some(item) => self.batch.put(item),
                None => return false,
            }
        }
        let end = Instant::now() + GATHERING;
        while self.batch.len() < BATCH {
            match timeout_at(end, self.inbox.recv()).await {
                Ok(Some(item)) => self.batch.put(item),
                Ok(None) | Err(_) => break,
            }
        }
        true
    }

    /// Sends the batch. What fails for now stays in it; what was refused does not.
    async fn deliver(&mut self) -> Result<(), PostError> {
        let result = match (self.deliver_logs().await, self.deliver_spans().await) {
            // What may pass is the one to wait for.
            (Err(refused), spans) if !refused.may_pass() => spans.and(Err(refused)),
            (logs, spans) => logs.and(spans),
        };
        self.tell(&result);
        result
    }

    fn tell(&mut self, result: &Result<(), PostError>) {
        let dropped = self.counts.dropped();
        let was_failing = std::mem::replace(&mut self.told.is_failing, result.is_err());
        let goes_on = dropped > std::mem::replace(&mut self.told.lately, dropped);
        match result {
            Err(error) if !self.told.of_trouble => {
                self.told.of_trouble = true;
                tracing::warn!(
                    collector = self.collector.url(),
                    %error,
                    "the OTLP collector does not take what is sent; the node goes on without it, and drops what finds no room"
                );
            }
            Ok(()) if self.told.of_trouble && (was_failing || !goes_on) => {
                self.told.of_trouble = false;
                let dropped = dropped - std::mem::replace(&mut self.told.before, dropped);
                tracing::info!(dropped, "the OTLP collector takes what is sent again");
            }
            Ok(()) if !self.told.of_trouble && goes_on => {
                self.told.of_trouble = true;
                tracing::warn!(
                    "records for the OTLP collector are dropped: there are more than it takes, or it refuses some"
                );
            }
            Err(_) | Ok(()) => {}
        }
    }

    async fn deliver_logs(&mut self) -> Result<(), PostError> {
        if self.batch.logs.is_empty() {
            return Ok(());
        }
        let scope_logs =
            ScopeLogs { scope: scope(), log_records: self.batch.logs.clone(), ..ScopeLogs::default() };
        let resource = Some(self.resource.clone());
        let logs = ResourceLogs { resource, scope_logs: vec![scope_logs], ..ResourceLogs::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
        let answer = self.collector.post(Signal::Logs, request.encode_to_vec()).await;
        let refused = |answer: &[u8]| {
            let answer = ExportLogsServiceResponse::decode(answer).ok()?;
            Some(answer.partial_success?.rejected_log_records)
        };
        let count = self.batch.logs.len();
        self.settle(Signal::Logs, count, answer.map(|answer| refused(&answer)))
    }

    async fn deliver_spans(&mut self) -> Result<(), PostError> {
        if self.batch.spans.is_empty() {
            return Ok(());
        }
        let scope_spans =
            ScopeSpans { scope: scope(), spans: self.batch.spans.clone(), ..ScopeSpans::default() };
        let resource = Some(self.resource.clone());
        let spans = ResourceSpans { resource, scope_spans: vec![scope_spans], ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![spans] };
        let answer = self.collector.post(Signal::Traces, request.encode_to_vec()).await;
        let refused = |answer: &[u8]| {
            let answer = ExportTraceServiceResponse::decode(answer).ok()?;
            Some(answer.partial_success?.rejected_spans)
        };
        let count = self.batch.spans.len();
        self.settle(Signal::Traces, count, answer.map(|answer| refused(&answer)))
    }

    /// Counts what became of the records of one kind. A collector may take a batch and yet refuse some of it.
    fn settle(
        &mut self,
        signal: Signal,
        count: usize,
        answer: Result<Option<i64>, PostError>,
    ) -> Result<(), PostError> {
        let count = count as u64;
        let (refused, result) = match answer {
            Ok(refused) => (u64::try_from(refused.unwrap_or(0)).unwrap_or(0).min(count), Ok(())),
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => (count, Err(error)),
        };
        self.counts.add(signal, Count::Dropped, refused);
        self.counts.add(signal, Count::Sent, count - refused);
        match signal {
            Signal::Logs => self.batch.logs.clear(),
            Signal::Traces => self.batch.spans.clear(),
        }
        result
    }
}

fn scope() -> Option<InstrumentationScope> {
    let (name, version) = ("passquorum".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Some(InstrumentationScope { name, version, ..InstrumentationScope::default() })
}

#[cfg(test)]
mod tests {
    use super::super::queue;
    use super::super::settings::{OtlpSettings, Signals};
    use super::*;
    use http::StatusCode;

    fn sender() -> (queue::Outbox, Sender) {
        let endpoint = "http://127.0.0.1:1".parse().unwrap();
        let settings = OtlpSettings { endpoint, ca: None, headers: None, send: Signals::default() };
        let counts = Arc::new(Counts::default());
        let (outbox, inbox) = queue::channel(Arc::clone(&counts));
        (outbox, Sender::new(inbox, Collector::new(&settings).ok().unwrap(), Resource::default(), counts))
    }

    /// How many of three records are sent, dropped and still there after an answer.
    fn after(answer: Result<Option<i64>, PostError>) -> (u64, u64, usize) {
        let (_outbox, mut sender) = sender();
        sender.batch.logs = vec![LogRecord::default(); 3];
        let failed = answer.is_err();
        assert_eq!(sender.settle(Signal::Logs, 3, answer).is_err(), failed);
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
        outbox.put(Item::Log(LogRecord::default()));
        outbox.put(Item::Span(Span::default()));
        let began = Instant::now();
        assert!(sender.gather().await);
        assert_eq!((sender.batch.logs.len(), sender.batch.spans.len()), (1, 1));
        assert_eq!(began.elapsed().as_secs(), GATHERING.as_secs());
        (0..2 * BATCH).for_each(|_| outbox.put(Item::Log(LogRecord::default())));
        assert!(sender.gather().await);
        assert_eq!(sender.batch.len(), BATCH);
        drop(outbox);
        sender.batch = Batch::default();
        assert!(sender.gather().await, "what was left");
        sender.batch = Batch::default();
        sender.inbox.close();
        while sender.inbox.try_recv().is_ok() {}
        assert!(!sender.gather().await, "nothing is left");
    }

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_is_over() {
        let (_outbox, mut sender) = sender();
        let busy = || Err(PostError::Busy(StatusCode::SERVICE_UNAVAILABLE));
        let mut told = Vec::new();
        for (result, dropped) in
            [(Ok(()), 0), (Ok(()), 5), (Ok(()), 5), (Ok(()), 0), (busy(), 0), (busy(), 5), (Ok(()), 4)]
        {
            sender.counts.add(Signal::Logs, Count::Dropped, dropped);
            sender.tell(&result);
            told.push(sender.told.of_trouble);
        }
        assert_eq!(told, [false, true, true, false, true, true, false]);
        assert_eq!(sender.told.before, 19);
    }
}
