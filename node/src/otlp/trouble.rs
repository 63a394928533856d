//! What the log is told of the collector: an outage once, whichever kinds of records it is of, and once that it is over, with
//! how much was lost.

use super::collector::PostError;
use super::queue::{Counts, Signal};
use std::sync::{Arc, Mutex, PoisonError};

/// What the log was told.
struct Told {
    of_trouble: bool,
    /// The last batch of this kind did not get there.
    is_failing: [bool; 2],
    /// So many were dropped when all was well.
    before: u64,
    /// So many when a batch was sent last.
    lately: u64,
}

/// Shared by those who send.
pub(super) struct Trouble {
    counts: Arc<Counts>,
    told: Mutex<Told>,
}

impl Trouble {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        let dropped = counts.dropped();
        let told = Told { of_trouble: false, is_failing: [false; 2], before: dropped, lately: dropped };
        Self { counts, told: Mutex::new(told) }
    }

    /// Takes note of what became of a batch.
    pub(super) fn tell(&self, signal: Signal, result: &Result<(), PostError>, collector: &str) {
        let dropped = self.counts.dropped();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let was_failing = told.is_failing.contains(&true);
        let [logs, traces] = &mut told.is_failing;
        match signal {
            Signal::Logs => *logs = result.is_err(),
            Signal::Traces => *traces = result.is_err(),
        }
        let is_failing = told.is_failing.contains(&true);
        let goes_on = dropped > std::mem::replace(&mut told.lately, dropped);
        match result {
            Err(error) if !told.of_trouble => {
                told.of_trouble = true;
                tracing::warn!(
                    collector,
                    kind = signal.as_str(),
                    %error,
                    "the OTLP collector does not take what is sent; the node goes on without it, and drops what finds no room"
                );
            }
            Ok(()) if told.of_trouble && !is_failing && (was_failing || !goes_on) => {
                told.of_trouble = false;
                let dropped = dropped - std::mem::replace(&mut told.before, dropped);
                tracing::info!(dropped, "the OTLP collector takes what is sent again");
            }
            Ok(()) if !told.of_trouble && goes_on => {
                told.of_trouble = true;
                tracing::warn!(
                    "records for the OTLP collector are dropped: there are more than it takes, or it refuses some"
                );
            }
            Err(_) | Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::Count;
    use super::*;
    use http::StatusCode;

    fn busy() -> Result<(), PostError> {
        Err(PostError::Busy(StatusCode::SERVICE_UNAVAILABLE))
    }

    /// Whether the log was last told of trouble, after each of these.
    fn told(trouble: &Trouble, steps: Vec<(Signal, Result<(), PostError>, u64)>) -> Vec<bool> {
        let step = |(signal, result, dropped)| {
            trouble.counts.add(signal, Count::Dropped, dropped);
            trouble.tell(signal, &result, "x");
            trouble.told.lock().unwrap().of_trouble
        };
        steps.into_iter().map(step).collect()
    }

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_is_over() {
        let trouble = Trouble::new(Arc::default());
        let steps =
            [(Ok(()), 0), (Ok(()), 5), (Ok(()), 5), (Ok(()), 0), (busy(), 0), (busy(), 5), (Ok(()), 4)];
        let steps = steps.into_iter().map(|(result, dropped)| (Signal::Logs, result, dropped)).collect();
        assert_eq!(told(&trouble, steps), [false, true, true, false, true, true, false]);
        assert_eq!(trouble.told.lock().unwrap().before, 19);
    }

    #[test]
    fn it_is_over_when_it_is_over_for_every_kind() {
        let trouble = Trouble::new(Arc::default());
        let (logs, traces) = (Signal::Logs, Signal::Traces);
        let steps = vec![
            (logs, busy(), 0),
            (traces, Ok(()), 0),
            (traces, busy(), 0),
            (logs, Ok(()), 0),
            (traces, Ok(()), 0),
        ];
        assert_eq!(told(&trouble, steps), [true, true, true, true, false]);
    }
}
