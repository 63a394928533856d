//! The queues between those who log and the thread that sends, one for each kind of record, so that what the collector does
//! not take of one is in nobody else's way: bounded, and nobody waits at their end.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Records in a queue, of at most 16 KiB each ([`super::fields`]).
pub(super) const ROOM: usize = 2048;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
}

impl Signal {
    pub(crate) const ALL: [Self; 2] = [Self::Logs, Self::Traces];

    /// As it is written in settings, metrics and URLs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The collector took it.
    Sent,
    /// It found no room, or the collector refused it.
    Dropped,
}

/// How many records there were of each.
#[derive(Debug, Default)]
pub(super) struct Counts([[AtomicU64; 2]; 2]);

impl Counts {
    fn of(&self, signal: Signal, count: Count) -> &AtomicU64 {
        let [logs, traces] = &self.0;
        let [sent, dropped] = match signal {
            Signal::Logs => logs,
            Signal::Traces => traces,
        };
        match count {
            Count::Sent => sent,
            Count::Dropped => dropped,
        }
    }

    pub(super) fn add(&self, signal: Signal, count: Count, more: u64) {
        self.of(signal, count).fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn read(&self, signal: Signal, count: Count) -> u64 {
        self.of(signal, count).load(Ordering::Relaxed)
    }

    /// Of every kind.
    pub(super) fn dropped(&self) -> u64 {
        Signal::ALL.into_iter().map(|signal| self.read(signal, Count::Dropped)).sum()
    }
}

/// One record.
#[derive(Debug)]
pub(super) enum Item {
    Log(LogRecord),
    Span(Span),
}

impl Item {
    pub(super) fn log(&self) -> Option<&LogRecord> {
        if let Self::Log(record) = self { Some(record) } else { None }
    }

    pub(super) fn span(&self) -> Option<&Span> {
        if let Self::Span(span) = self { Some(span) } else { None }
    }

    fn signal(&self) -> Signal {
        match self {
            Self::Log(_) => Signal::Logs,
            Self::Span(_) => Signal::Traces,
        }
    }
}

/// Where records are put in.
#[derive(Debug)]
pub(super) struct Outbox {
    logs: mpsc::Sender<Item>,
    traces: mpsc::Sender<Item>,
    counts: Arc<Counts>,
}

impl Outbox {
    /// Never waits; a record that finds no room is dropped and counted.
    pub(super) fn put(&self, item: Item) {
        let signal = item.signal();
        let queue = match signal {
            Signal::Logs => &self.logs,
            Signal::Traces => &self.traces,
        };
        if queue.try_send(item).is_err() {
            self.counts.add(signal, Count::Dropped, 1);
        }
    }
}

/// Where the records of each kind are taken out.
pub(super) struct Inboxes {
    pub(super) logs: mpsc::Receiver<Item>,
    pub(super) traces: mpsc::Receiver<Item>,
}

/// All ends.
pub(super) fn channel(counts: Arc<Counts>) -> (Outbox, Inboxes) {
    let (logs, logs_out) = mpsc::channel(ROOM);
    let (traces, traces_out) = mpsc::channel(ROOM);
    (Outbox { logs, traces, counts }, Inboxes { logs: logs_out, traces: traces_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_or_nobody_is_dropped_and_counted_by_kind() {
        let counts = Arc::new(Counts::default());
        let (outbox, inboxes) = channel(Arc::clone(&counts));
        let dropped = || Signal::ALL.map(|signal| counts.read(signal, Count::Dropped));
        (0..ROOM).for_each(|_| outbox.put(Item::Log(LogRecord::default())));
        assert_eq!(dropped(), [0, 0]);
        outbox.put(Item::Log(LogRecord::default()));
        outbox.put(Item::Span(Span::default()));
        assert_eq!(dropped(), [1, 0], "there is room for the other kind");
        drop(inboxes);
        outbox.put(Item::Span(Span::default()));
        outbox.put(Item::Span(Span::default()));
        assert_eq!(dropped(), [1, 2]);
    }
}
