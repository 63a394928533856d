//! The loop that sends one kind of record: batches out of the queue, the same one again while the collector does not take it, with longer
//! and longer pauses.

use super::collector::{Collector, PostError};
use super::queue::{Count, Counts, Item, Signal};
use super::trouble::Trouble;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
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

/// The loop and what it holds.
pub(super) struct Sender {
    signal: Signal,
    inbox: mpsc::Receiver<Item>,
    /// The records that are sent next.
    batch: Vec<Item>,
    collector: Arc<Collector>,
    resource: Resource,
    counts: Arc<Counts>,
    trouble: Arc<Trouble>,
}

impl Sender {
    pub(super) fn new(
        signal: Signal,
        inbox: mpsc::Receiver<Item>,
        collector: Arc<Collector>,
        resource: Resource,
        counts: Arc<Counts>,
        trouble: Arc<Trouble>,
    ) -> Self {
        Self { signal, inbox, batch: Vec::new(), collector, resource, counts, trouble }
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
                // What was refused is gone.
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
        if self.batch.is_empty() {
            match self.inbox.recv().await {
                Some(item) => self.batch.push(item),
                None => return false,
            }
        }
        let end = Instant::now() + GATHERING;
        while self.batch.len() < BATCH {
            match timeout_at(end, self.inbox.recv()).await {
                Ok(Some(item)) => self.batch.push(item),
                Ok(None) | Err(_) => break,
            }
        }
        true
    }

    /// Sends the batch. What fails for now stays in it; what was refused does not.
    async fn deliver(&mut self) -> Result<(), PostError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let answer = self.collector.post(self.signal, self.request()).await;
        let result = self.settle(answer.map(|answer| refused(self.signal, &answer)));
        self.trouble.tell(self.signal, &result, self.collector.url());
        result
    }

    fn request(&self) -> Vec<u8> {
        let resource = Some(self.resource.clone());
        match self.signal {
            Signal::Logs => {
                let log_records = self.batch.iter().filter_map(Item::log).cloned().collect();
                let scope_logs = vec![ScopeLogs { scope: scope(), log_records, ..ScopeLogs::default() }];
                let logs = ResourceLogs { resource, scope_logs, ..ResourceLogs::default() };
                ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec()
            }
            Signal::Traces => {
                let spans = self.batch.iter().filter_map(Item::span).cloned().collect();
                let scope_spans = vec![ScopeSpans { scope: scope(), spans, ..ScopeSpans::default() }];
                let spans = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
                ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec()
            }
        }
    }

    /// Counts what became of the batch. A collector may take it and yet refuse some of it.
    fn settle(&mut self, answer: Result<Option<i64>, PostError>) -> Result<(), PostError> {
        let count = self.batch.len() as u64;
        let (refused, result) = match answer {
            Ok(refused) => (u64::try_from(refused.unwrap_or(0)).unwrap_or(0).min(count), Ok(())),
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => (count, Err(error)),
        };
        self.counts.add(self.signal, Count::Dropped, refused);
        self.counts.add(self.signal, Count::Sent, count - refused);
        self.batch.clear();
        result
    }
}

/// How many records of a batch that was taken were refused all the same.
fn refused(signal: Signal, answer: &[u8]) -> Option<i64> {
    match signal {
        Signal::Logs => {
            Some(ExportLogsServiceResponse::decode(answer).ok()?.partial_success?.rejected_log_records)
        }
        Signal::Traces => {
            Some(ExportTraceServiceResponse::decode(answer).ok()?.partial_success?.rejected_spans)
        }
    }
}

fn scope() -> Option<InstrumentationScope> {
    let (name, version) = ("passquorum".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Some(InstrumentationScope { name, version, ..InstrumentationScope::default() })
}

#[cfg(test)]
mod tests;
