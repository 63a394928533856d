//! What visitors of nodes in the perimeter ask of voters. Such a node hands a step to one voter, over a stream that the
//! voter has lent it; the voter's [`Gateway`] does it.
//!
//! This module knows neither what is asked nor what is answered. It bounds both by size, and what one node in the
//! perimeter may have done: so many steps at a time and so many within a while, at each voter. What comes over that is
//! refused before anything of it is read.

use crate::cluster::Cluster;
use crate::member::Member;
use crate::refuse::refuse;
use crate::transport::client::CallError;
use crate::transport::request::{MAX_ANSWER, Request};
use crate::wire::Message;
use async_trait::async_trait;
use bytes::Bytes;
use passquorum_domain::ids::NodeId;
use passquorum_domain::limit::{Limit, Places, Refusals, Window};
use passquorum_domain::ports::Clock;
use passquorum_domain::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Steps of one node that a voter does at a time.
const AT_A_TIME: usize = 64;
/// Steps of one node that a voter takes within [`STEPS_WITHIN`].
const STEPS: u32 = 1200;
const STEPS_WITHIN: Span = Span::seconds(10);
/// A voter's answer is waited for this long: longer than any call to a directory may take.
const ANSWER: Duration = Duration::from_secs(50);
/// What an answer is wrapped in has fewer bytes.
const ENVELOPE: usize = 1024;

/// Does what visitors of nodes in the perimeter ask.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Does what a visitor asks, as a node in the perimeter tells it. None when this node cannot serve now, and has done
    /// nothing.
    async fn answer(&self, by_way_of: NodeId, ask: Zeroizing<Vec<u8>>) -> Option<Vec<u8>>;
}

/// Whether the same may be asked again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing.
    Harmless,
    /// It may change something.
    Never,
}

/// No voter has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// Nothing was done: no voter is reached, or none can serve now.
    #[error("no voter of the realm can be reached from here; nothing was done")]
    NoVoter,
    /// Nothing was done: this node has asked too much.
    #[error("the voters do no more for this node at the moment; nothing was done")]
    Busy,
    /// It was sent, and what became of it is unknown.
    #[error("it was sent to a voter, but no answer came")]
    Lost,
}

/// What a voter answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answered {
    /// It has dealt with it.
    Dealt(Vec<u8>),
    /// Nothing was done: the node asks too much.
    Busy,
    /// Nothing was done: the voter cannot serve now.
    NotNow,
}

/// A voter's side, and where a node in the perimeter goes on asking.
pub(crate) struct Turnstile {
    gateway: OnceLock<Arc<dyn Gateway>>,
    places: Arc<Places<NodeId>>,
    steps: Window<NodeId>,
    clock: Arc<dyn Clock>,
    refusals: Arc<Refusals>,
    turn: AtomicUsize,
}

impl Turnstile {
    pub(crate) fn new(clock: Arc<dyn Clock>, refusals: Arc<Refusals>) -> Self {
        Self {
            gateway: OnceLock::new(),
            places: Places::of_each_source(AT_A_TIME),
            steps: Window::new(STEPS, STEPS_WITHIN),
            clock,
            refusals,
            turn: AtomicUsize::new(0),
        }
    }

    /// Does a step of a node in the perimeter, if that has not asked too much.
    pub(crate) async fn pass(&self, from: NodeId, ask: Zeroizing<Vec<u8>>) -> Answered {
        let Some(gateway) = self.gateway.get() else { return Answered::NotNow };
        let now = self.clock.now();
        let place = match self.steps.refuses(from, now) {
            Some(_) => None,
            None => self.places.take(from),
        };
        let Some(_held) = place else {
            refuse(&self.refusals, Limit::Gateway);
            return Answered::Busy;
        };
        self.steps.count(from, now);
        match gateway.answer(from, ask).await {
            Some(answer) if answer.len() < MAX_ANSWER - ENVELOPE => Answered::Dealt(answer),
            Some(answer) => {
                tracing::error!(
                    bytes = answer.len(),
                    "an answer to a node in the perimeter is too large to be sent"
                );
                Answered::NotNow
            }
            None => Answered::NotNow,
        }
    }
}

impl Member {
    /// The voters that can be asked, each once, beginning with another one each time.
    fn voters_in_turn(&self) -> Vec<NodeId> {
        let mut voters: Vec<NodeId> = self.peers.lenders().borrow().iter().copied().collect();
        if !voters.is_empty() {
            let turn = self.turnstile.turn.fetch_add(1, Ordering::Relaxed) % voters.len();
            voters.rotate_left(turn);
        }
        voters
    }

    async fn ask_a_voter(&self, ask: Zeroizing<Vec<u8>>, repeat: Repeat) -> Result<Vec<u8>, GatewayError> {
        let ask = Bytes::from_owner(ask);
        let mut why = GatewayError::NoVoter;
        for voter in self.voters_in_turn() {
            let answer = self.peers.call(voter, "", Request::Gateway, ask.clone(), ANSWER).await;
            let answer = match answer.as_deref().map(Answered::decode) {
                Ok(Ok(answer)) => answer,
                Err(CallError::NotSent(_) | CallError::Busy | CallError::Refused(_)) => continue,
                Ok(Err(_)) | Err(CallError::Lost) if repeat == Repeat::Harmless => continue,
                Ok(Err(_)) | Err(CallError::Lost) => return Err(GatewayError::Lost),
            };
            match answer {
                Answered::Dealt(answer) => return Ok(answer),
                Answered::Busy => why = GatewayError::Busy,
                Answered::NotNow => {}
            }
        }
        Err(why)
    }
}

impl Cluster {
    /// From now on this node does what visitors of nodes in the perimeter ask, if it is a voter.
    pub fn open_gateway(&self, gateway: Arc<dyn Gateway>) {
        if self.member.turnstile.gateway.set(gateway).is_err() {
            tracing::error!("the gateway was opened already");
        }
    }

    /// Has a voter do what a visitor asks: the next one that can, over a stream that it has lent.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn ask_a_voter(
        &self,
        ask: Zeroizing<Vec<u8>>,
        repeat: Repeat,
    ) -> Result<Vec<u8>, GatewayError> {
        self.member.ask_a_voter(ask, repeat).await
    }

    /// The voters that a node in the perimeter can ask.
    #[must_use]
    pub fn lenders(&self) -> watch::Receiver<BTreeSet<NodeId>> {
        self.member.peers.lenders()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refuse::tests::Hand;

    struct Echo;

    #[async_trait]
    impl Gateway for Echo {
        async fn answer(&self, _: NodeId, ask: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
            Some(ask.to_vec())
        }
    }

    fn turnstile() -> (Turnstile, Arc<Hand>) {
        let clock = Arc::new(Hand::default());
        let turnstile =
            Turnstile::new(Arc::clone(&clock) as _, Refusals::new(Arc::clone(&clock) as Arc<dyn Clock>));
        assert!(turnstile.gateway.set(Arc::new(Echo)).is_ok());
        (turnstile, clock)
    }

    async fn pass(turnstile: &Turnstile, node: u64) -> Answered {
        turnstile.pass(NodeId(node), Zeroizing::new(vec![1])).await
    }

    #[tokio::test]
    async fn a_node_that_asks_too_much_at_a_time_is_refused_and_another_is_not() {
        let (turnstile, _) = turnstile();
        let held: Vec<_> = (0..AT_A_TIME).map(|_| turnstile.places.take(NodeId(4)).unwrap()).collect();
        assert_eq!(pass(&turnstile, 4).await, Answered::Busy);
        assert_eq!(turnstile.refusals.count(Limit::Gateway), 1);
        assert_eq!(pass(&turnstile, 5).await, Answered::Dealt(vec![1]));
        drop(held);
        assert_eq!(pass(&turnstile, 4).await, Answered::Dealt(vec![1]));
    }

    #[tokio::test]
    async fn a_node_that_asks_too_often_is_refused_until_its_time_is_over() {
        let (turnstile, clock) = turnstile();
        for _ in 0..STEPS {
            assert_eq!(pass(&turnstile, 4).await, Answered::Dealt(vec![1]));
        }
        assert_eq!(pass(&turnstile, 4).await, Answered::Busy);
        assert_eq!(pass(&turnstile, 5).await, Answered::Dealt(vec![1]), "another node has its own");
        clock.0.store(STEPS_WITHIN.0, Ordering::Relaxed);
        assert_eq!(pass(&turnstile, 4).await, Answered::Dealt(vec![1]));
    }

    #[tokio::test]
    async fn a_node_whose_gateway_is_not_open_has_done_nothing() {
        let clock: Arc<dyn Clock> = Arc::new(Hand::default());
        let turnstile = Turnstile::new(Arc::clone(&clock), Refusals::new(clock));
        assert_eq!(pass(&turnstile, 4).await, Answered::NotNow);
    }
}
