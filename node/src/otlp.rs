//! The log and traces of requests for an OpenTelemetry collector: OTLP over HTTP, in protobuf.
//!
//! A layer of the log's subscriber ([`layer`]) puts records into a bounded queue for each kind ([`queue`]); a thread with a
//! runtime of its own takes each kind out in batches ([`sender`]) and brings them to the collector ([`collector`]).
//!
//! Invariants: whoever has something to say never waits for the collector, and what finds no room is dropped and counted.
//! What the thread itself says goes into the log and not to the collector, so that nothing feeds itself. Which records
//! there are is the log's filter's to say; nothing is redacted here, since nothing secret gets into a log (see
//! [`crate::telemetry`]).

mod collector;
mod fields;
mod layer;
mod queue;
mod sender;
mod settings;
mod trouble;

pub use settings::{BadCollector, CollectorUrl, OtlpSettings, Signals};

pub use collector::CollectorError;

pub(crate) use layer::OtlpLayer;
pub(crate) use queue::{Count, Signal};

use collector::Collector;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use passquorum_raft::PeerIdentity;
use queue::Counts;
use sender::Sender;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::oneshot;
use trouble::Trouble;

/// Spans of this target are traces, and are in no line of the log.
pub(crate) const TRACE: &str = "passquorum_trace";
/// What is left is sent within this when the node ends, or not at all; the rest is for the thread to end.
const FAREWELL: Duration = Duration::from_secs(2);
const END: Duration = Duration::from_secs(3);

/// What this process did with its records; there is one exporter in a process.
static COUNTS: OnceLock<Arc<Counts>> = OnceLock::new();

/// What became of the records of one kind so far; nothing when there is no collector.
pub(crate) fn count(signal: Signal, count: Count) -> u64 {
    COUNTS.get().map_or(0, |counts| counts.read(signal, count))
}

/// The thread that sends. It ends when this is dropped, and sends what is left only with [`Exporter::finish`].
#[derive(Debug)]
pub struct Exporter {
    stop: [oneshot::Sender<()>; 2],
    ended: oneshot::Receiver<()>,
}

impl Exporter {
    /// Starts the thread. The layer belongs into the subscriber.
    ///
    /// # Errors
    /// A file that the settings name cannot be used, or the host gives no thread.
    pub(crate) fn start(
        settings: &OtlpSettings,
        resource: Resource,
    ) -> Result<(Self, OtlpLayer), CollectorError> {
        let collector = Arc::new(Collector::new(settings)?);
        let counts = Arc::clone(COUNTS.get_or_init(Arc::default));
        let (outbox, inboxes) = queue::channel(Arc::clone(&counts));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(CollectorError::Thread)?;
        let (stop_logs, logs_stopped) = oneshot::channel();
        let (stop_traces, traces_stopped) = oneshot::channel();
        let (told, ended) = oneshot::channel();
        let trouble = Arc::new(Trouble::new(Arc::clone(&counts)));
        let sender = |signal, inbox| {
            let (collector, counts) = (Arc::clone(&collector), Arc::clone(&counts));
            Sender::new(signal, inbox, collector, resource.clone(), counts, Arc::clone(&trouble))
        };
        let logs = sender(Signal::Logs, inboxes.logs);
        let traces = sender(Signal::Traces, inboxes.traces);
        let run = move || {
            layer::leave_this_thread_out();
            runtime.block_on(async {
                tokio::join!(logs.run(logs_stopped, FAREWELL), traces.run(traces_stopped, FAREWELL))
            });
            // A name that is being looked up is not waited for.
            runtime.shutdown_background();
            // Nobody listens when the node does not wait any more.
            let _ = told.send(());
        };
        std::thread::Builder::new().name("otlp".to_owned()).spawn(run).map_err(CollectorError::Thread)?;
        Ok((Self { stop: [stop_logs, stop_traces], ended }, OtlpLayer::new(outbox, settings.send)))
    }

    /// Sends what is left, for a moment at most.
    pub async fn finish(self) {
        let told = self.stop.map(|stop| stop.send(()).is_ok());
        if told.contains(&true) && tokio::time::timeout(END, self.ended).await.is_err() {
            tracing::warn!("the last records could not be sent to the OTLP collector in time");
        }
    }
}

/// Who sends: the three names of OpenTelemetry's that tell one process of many from the others.
pub(crate) fn resource(name: &str, identity: &PeerIdentity) -> Resource {
    let attributes = [
        ("service.name", "passquorum".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.namespace", identity.realm.to_string()),
        ("service.instance.id", identity.node.to_string()),
        ("passquorum.node.name", name.to_owned()),
        ("passquorum.node.role", identity.role.to_string()),
    ];
    let attributes =
        attributes.into_iter().map(|(key, value)| fields::attribute(key, Value::StringValue(value)));
    Resource { attributes: attributes.collect(), ..Resource::default() }
}
