//! Where the log's events and the spans of traces become records of the protocol.

use super::TRACE;
use super::fields::Fields;
use super::queue::{Item, Outbox};
use super::settings::Signals;
use crate::telemetry;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A span of a trace names its kind in this field: `server`, `client`, or else it is internal.
const KIND: &str = "kind";
/// A span that records this field went wrong, and why.
const ERROR: &str = "error";

thread_local! {
    static LEFT_OUT: Cell<bool> = const { Cell::new(false) };
}

/// Nothing that this thread logs goes to the collector from now on.
pub(super) fn leave_this_thread_out() {
    LEFT_OUT.set(true);
}

/// Hands over what the subscriber hears.
#[derive(Debug)]
pub(crate) struct OtlpLayer {
    outbox: Outbox,
    send: Signals,
}

impl OtlpLayer {
    pub(super) fn new(outbox: Outbox, send: Signals) -> Self {
        Self { outbox, send }
    }
}

/// A span that is not over.
struct OpenSpan {
    span: Span,
    fields: Fields,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        Level::TRACE => SeverityNumber::Trace,
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for OtlpLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) =
            context.span(id).filter(|span| self.send.traces && span.metadata().target() == TRACE)
        else {
            return;
        };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let mut new = Span {
            span_id: rand::random::<[u8; 8]>().to_vec(),
            name: span.name().to_owned(),
            start_time_unix_nano: now(),
            ..Span::default()
        };
        let parent = span.scope().skip(1).find_map(|around| {
            let extensions = around.extensions();
            extensions.get::<OpenSpan>().map(|open| (open.span.trace_id.clone(), open.span.span_id.clone()))
        });
        (new.trace_id, new.parent_span_id) =
            parent.unwrap_or_else(|| (rand::random::<[u8; 16]>().to_vec(), Vec::new()));
        span.extensions_mut().insert(OpenSpan { span: new, fields });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<OpenSpan>()
        {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(open) = context.span(&id).and_then(|span| span.extensions_mut().remove::<OpenSpan>()) else {
            return;
        };
        let OpenSpan { mut span, mut fields } = open;
        span.kind = match fields.take(KIND).as_deref() {
            Some("server") => SpanKind::Server,
            Some("client") => SpanKind::Client,
            _ => SpanKind::Internal,
        } as i32;
        span.status = fields.take(ERROR).map(|message| Status { message, code: StatusCode::Error as i32 });
        span.end_time_unix_nano = now();
        span.attributes = fields.attributes;
        span.dropped_attributes_count = fields.left_out;
        self.outbox.put(Item::Span(span));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.send.logs || LEFT_OUT.get() {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        if let Some(component) = telemetry::component_of(metadata.target()) {
            fields.put("component", Value::StringValue(component.as_str().to_owned()));
        }
        fields.put("target", Value::StringValue(metadata.target().to_owned()));
        let time = now();
        let mut record = LogRecord {
            time_unix_nano: time,
            observed_time_unix_nano: time,
            severity_number: severity(*metadata.level()) as i32,
            severity_text: metadata.level().to_string(),
            body: fields.text.map(|text| AnyValue { value: Some(Value::StringValue(text)) }),
            attributes: fields.attributes,
            dropped_attributes_count: fields.left_out,
            ..LogRecord::default()
        };
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(open) = span.extensions().get::<OpenSpan>() {
                record.trace_id.clone_from(&open.span.trace_id);
                record.span_id.clone_from(&open.span.span_id);
                break;
            }
        }
        self.outbox.put(Item::Log(record));
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::{self, Counts};
    use super::*;
    use std::sync::Arc;
    use tracing_subscriber::layer::SubscriberExt as _;

    /// What is handed over while something is done: the log, then traces.
    fn heard(send: Signals, act: impl FnOnce()) -> Vec<Item> {
        let (outbox, mut inboxes) = queue::channel(Arc::new(Counts::default()));
        let subscriber = tracing_subscriber::registry().with(OtlpLayer::new(outbox, send));
        tracing::subscriber::with_default(subscriber, act);
        let queues = [&mut inboxes.logs, &mut inboxes.traces].into_iter();
        queues.flat_map(|queue| std::iter::from_fn(|| queue.try_recv().ok())).collect()
    }

    fn act() {
        let request =
            tracing::info_span!(target: TRACE, "request", kind = "server", error = tracing::field::Empty);
        request.in_scope(|| {
            let other = tracing::info_span!("of the library");
            other.in_scope(|| {
                tracing::info_span!(target: TRACE, "propose").in_scope(|| {
                    tracing::warn!(target: "passquorum_raft::election", "inside");
                });
            });
        });
        request.record("error", "503");
        drop(request);
        tracing::debug!(target: "hyper", "outside");
    }

    #[test]
    fn a_span_is_its_parents_child_and_a_record_says_in_which_span_it_was() {
        let items = heard(Signals::default(), act);
        let [Item::Log(inside), Item::Log(outside), Item::Span(propose), Item::Span(request)] =
            items.as_slice()
        else {
            panic!("{items:?}")
        };
        assert_eq!((request.trace_id.len(), request.span_id.len(), request.parent_span_id.len()), (16, 8, 0));
        assert_eq!(propose.trace_id, request.trace_id);
        assert_eq!(propose.parent_span_id, request.span_id);
        assert_eq!((request.kind, propose.kind), (SpanKind::Server as i32, SpanKind::Internal as i32));
        assert_eq!(request.status.as_ref().map(|status| status.code), Some(StatusCode::Error as i32));
        assert_eq!((&propose.status, request.attributes.len()), (&None, 0));
        assert!(request.end_time_unix_nano >= request.start_time_unix_nano);
        assert_eq!((&inside.trace_id, &inside.span_id), (&propose.trace_id, &propose.span_id));
        assert_eq!(
            (inside.severity_number, inside.severity_text.as_str()),
            (SeverityNumber::Warn as i32, "WARN")
        );
        assert!(outside.trace_id.is_empty());
        let names =
            |record: &LogRecord| record.attributes.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
        assert_eq!(names(inside), ["component", "target"]);
        assert_eq!(names(outside), ["target"], "of no component of ours");
    }

    #[test]
    fn only_what_was_asked_for_is_handed_over_and_nothing_of_the_thread_that_sends() {
        let logs = heard(Signals { logs: true, traces: false }, act);
        assert!(matches!(logs.as_slice(), [Item::Log(_), Item::Log(_)]), "{logs:?}");
        let traces = heard(Signals { logs: false, traces: true }, act);
        assert!(matches!(traces.as_slice(), [Item::Span(_), Item::Span(_)]), "{traces:?}");
        let sending = std::thread::spawn(|| {
            leave_this_thread_out();
            heard(Signals { logs: true, traces: false }, act).len()
        });
        assert_eq!(sending.join().unwrap(), 0);
    }
}
