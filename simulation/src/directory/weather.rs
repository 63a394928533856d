//! What can go wrong between a node and the domain controller, drawn from the seed: outages, slow answers, requests
//! that are lost before anything happened, and answers that are lost after it did.

use passquorum_domain::ids::NodeId;
use passquorum_domain::time::{Span, Timestamp};
use rand::Rng as _;
use rand::rngs::SmallRng;
use std::collections::BTreeMap;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Climate {
    /// How likely a call meets the begin of an outage.
    pub outage: f64,
    /// How likely a call is slow.
    pub slow: f64,
    /// How likely a request is lost.
    pub lost_request: f64,
    /// How likely an answer is lost.
    pub lost_answer: f64,
    /// What a good answer takes at most.
    pub latency: Span,
}

impl Climate {
    /// Nothing goes wrong, and nothing takes time.
    pub const CALM: Self =
        Self { outage: 0.0, slow: 0.0, lost_request: 0.0, lost_answer: 0.0, latency: Span(0) };
    /// Now and then something does.
    pub const MILD: Self =
        Self { outage: 0.01, slow: 0.02, lost_request: 0.02, lost_answer: 0.05, latency: Span(8) };
    /// Much does.
    pub const ROUGH: Self =
        Self { outage: 0.03, slow: 0.1, lost_request: 0.05, lost_answer: 0.15, latency: Span(60) };
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// There is no connection; nothing was sent.
    Down,
    /// Sent and lost: no answer within this span.
    Lost(Span),
    /// It arrives after the first span; the answer takes the second one, or does not come within it.
    Arrives { after: Span, answer: Result<Span, Span> },
}

/// A caller gives up after this.
const DEADLINE: Span = Span::seconds(5);

/// The weather of a run.
#[derive(Debug)]
pub(super) struct Weather {
    climate: Climate,
    rng: SmallRng,
    /// Until when a node, or all of them, cannot reach the controller.
    out: BTreeMap<Option<NodeId>, Timestamp>,
}

impl Weather {
    pub(super) fn new(climate: Climate, rng: SmallRng) -> Self {
        Self { climate, rng, out: BTreeMap::new() }
    }

    pub(super) fn calm(&mut self) {
        self.climate = Climate { latency: self.climate.latency, ..Climate::CALM };
        self.out.clear();
    }

    pub(super) fn draw(&mut self, node: NodeId, now: Timestamp) -> Fate {
        let Climate { outage, slow, lost_request, lost_answer, latency } = self.climate;
        if self.rng.gen_bool(outage) {
            let whom = self.rng.gen_bool(0.7).then_some(node);
            self.out.insert(whom, now.plus(Span(self.rng.gen_range(200..4000))));
        }
        if [None, Some(node)].iter().any(|whom| self.out.get(whom).is_some_and(|until| now < *until)) {
            return Fate::Down;
        }
        if self.rng.gen_bool(lost_request) {
            return Fate::Lost(DEADLINE);
        }
        let most = if self.rng.gen_bool(slow) { Span(4000) } else { latency };
        let after = Span(self.rng.gen_range(0..=most.0 / 2));
        let rest = Span(self.rng.gen_range(0..=most.0 / 2));
        let answer = if self.rng.gen_bool(lost_answer) { Err(DEADLINE) } else { Ok(rest) };
        Fate::Arrives { after, answer }
    }
}
