//! Remembers what each request was answered, so that a repetition changes nothing and gets the same answer.
//!
//! A repetition carries the time of the first try. What is older than all that is remembered cannot be told from a
//! repetition, and is refused.

use super::Change;
use crate::ids::RequestId;
use crate::outcome::{Outcome, Rejection};
use crate::state::{CellKey, Remembered, State};
use crate::time::{Span, Timestamp};

/// A node's own retries end long before this.
const KEEP_INTERNAL: Span = Span::minutes(2);
/// What an `Idempotency-Key` is good for.
const KEEP_CLIENT: Span = Span::hours(24);
/// Forgotten with each new request at most, so that one command stays cheap.
const FORGET_AT_ONCE: usize = 2;

impl State {
    /// The answer given before, or the refusal of what is too old.
    pub(super) fn recall(&self, request: RequestId, at: Timestamp) -> Option<Outcome> {
        if let Some(remembered) = self.requests.get(&request) {
            return Some(remembered.outcome.clone());
        }
        let internal = matches!(request, RequestId::Internal(_));
        (internal && at < self.totals.forgotten_before).then_some(Err(Rejection::TooOld))
    }
}

impl Change<'_> {
    pub(super) fn remember(&mut self, request: RequestId, outcome: &Outcome) {
        let at = self.at;
        self.state.totals.latest = self.state.totals.latest.max(at);
        self.state.requests.insert(request, Remembered { at, outcome: outcome.clone() });
        self.state.request_times.insert((at, request));
        self.touch(CellKey::Request(request));
        self.forget_old_requests();
    }

    fn forget_old_requests(&mut self) {
        let latest = self.state.totals.latest;
        let overdue: Vec<_> = self
            .state
            .request_times
            .iter()
            .take_while(|(at, _)| latest.since(*at) > KEEP_INTERNAL)
            .filter(|(at, request)| {
                matches!(request, RequestId::Internal(_)) || latest.since(*at) > KEEP_CLIENT
            })
            .take(FORGET_AT_ONCE)
            .copied()
            .collect();
        for (at, request) in overdue {
            self.state.request_times.remove(&(at, request));
            self.state.requests.remove(&request);
            if matches!(request, RequestId::Internal(_)) {
                let horizon = &mut self.state.totals.forgotten_before;
                *horizon = (*horizon).max(Timestamp(at.0.saturating_add(1)));
            }
            self.touch(CellKey::Request(request));
        }
    }
}
