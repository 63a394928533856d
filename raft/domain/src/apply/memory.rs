//! Remembers what each request was answered, so that a repetition changes nothing and gets the same answer.
//!
//! A repetition carries the time of the first try. What is older than all that is remembered cannot be told from a
//! repetition, and is refused.

use super::Change;
use crate::ids::RequestId;
use crate::outcome::{Outcome, Rejection};
use crate::planted::{self, Plant};
use crate::state::{CellKey, Remembered, State};
use crate::time::{Span, Timestamp};
use uuid::Uuid;

/// A node's own retries end long before this.
const KEEP_INTERNAL: Span = Span::minutes(2);
/// What an `Idempotency-Key` is good for.
const KEEP_CLIENT: Span = Span::hours(24);
/// Forgotten with each new request at most, so that one command stays cheap.
const FORGET_AT_ONCE: usize = 2;

/// How long a request is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Internal,
    Client,
}

impl Memory {
    fn of(request: RequestId) -> Self {
        match request {
            RequestId::Internal(_) => Self::Internal,
            RequestId::Client(_) => Self::Client,
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Internal => KEEP_INTERNAL,
            Self::Client => KEEP_CLIENT,
        }
    }
}

impl State {
    /// The first requests of one kind, if they are past their time. Looks at no more of them than are forgotten at
    /// once, so that a command costs the same however many are remembered.
    ///
    /// The ids of internal requests begin with their time, so that the first ones are the oldest. One whose id says
    /// something else is forgotten later than the others, or holds them up for its own time.
    fn overdue(&self, memory: Memory) -> Vec<(Timestamp, RequestId)> {
        let past = |at: &Timestamp| self.totals.latest.since(*at) > memory.span();
        match memory {
            Memory::Internal => self
                .requests
                .range(RequestId::Internal(Uuid::nil())..RequestId::Client(Uuid::nil()))
                .map(|(request, remembered)| (remembered.at, *request))
                .take(FORGET_AT_ONCE)
                .take_while(|(at, _)| past(at))
                .collect(),
            Memory::Client => {
                let first = self.client_requests.iter().take(FORGET_AT_ONCE);
                first.take_while(|(at, _)| past(at)).copied().collect()
            }
        }
    }

    /// Puts a request where it is found again.
    pub(crate) fn keep_request(&mut self, request: RequestId, remembered: Remembered) {
        if Memory::of(request) == Memory::Client {
            self.client_requests.insert((remembered.at, request));
        }
        self.requests.insert(request, remembered);
    }

    /// The answer given before, or the refusal of what is too old.
    pub(super) fn recall(&self, request: RequestId, at: Timestamp) -> Option<Outcome> {
        if let Some(remembered) = self.requests.get(&request)
            && !planted::on(Plant::NoRequestDedup)
        {
            return Some(remembered.outcome.clone());
        }
        (Memory::of(request) == Memory::Internal && at < self.totals.forgotten_before)
            .then_some(Err(Rejection::TooOld))
    }
}

impl Change<'_> {
    pub(super) fn remember(&mut self, request: RequestId, outcome: &Outcome) {
        let at = self.at;
        self.state.totals.latest = self.state.totals.latest.max(at);
        self.state.keep_request(request, Remembered { at, outcome: outcome.clone() });
        self.touch(CellKey::Request(request));
        self.forget_old_requests();
    }

    fn forget_old_requests(&mut self) {
        for memory in [Memory::Internal, Memory::Client] {
            for (at, request) in self.state.overdue(memory) {
                self.state.requests.remove(&request);
                match memory {
                    Memory::Internal => {
                        let horizon = &mut self.state.totals.forgotten_before;
                        *horizon = (*horizon).max(Timestamp(at.0.saturating_add(1)));
                    }
                    Memory::Client => drop(self.state.client_requests.remove(&(at, request))),
                }
                self.touch(CellKey::Request(request));
            }
        }
    }
}
