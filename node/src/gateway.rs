//! The gateway, both ends: a node in the perimeter hands what its visitors ask to a voter, and a voter does it.
//!
//! A voter believes such a node what it tells of its visitors' addresses, for the limits and the audit, which name the
//! node. One address may have so much done at a time and within a while, so that it leaves room for the others of its node.

use async_trait::async_trait;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::limit::{Limit, Places, Refusals, Source, Window};
use passquorum_domain::ports::Clock;
use passquorum_domain::time::Span;
use passquorum_raft::{Cluster, Gateway, GatewayError, MAX_STEP, Repeat, refuse};
use passquorum_sites::Failure;
use passquorum_sites::gateway::{Answer, Ask, SelfService, Visitor};
use passquorum_storage::codec::{self, Kind};
use std::sync::Arc;
use zeroize::Zeroizing;

const ASK: Kind = Kind::new(150, 1);
const ANSWER: Kind = Kind::new(151, 1);
/// Steps of one address that a voter does at a time: half of what its node may have.
const AT_A_TIME: usize = 32;
/// Steps of one address that a voter takes within [`STEPS_WITHIN`]: half of what its node may have.
const STEPS: u32 = 600;
const STEPS_WITHIN: Span = Span::seconds(10);

/// Where a node in the perimeter has its work done.
pub struct Voters(pub Arc<Cluster>);

#[async_trait]
impl SelfService for Voters {
    async fn ask(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure> {
        let repeat = if ask.only_looks() { Repeat::Harmless } else { Repeat::Never };
        let bytes = Zeroizing::new(codec::encode(ASK, &(visitor, &ask)).map_err(Failure::internal)?);
        drop(ask);
        if bytes.len() > MAX_STEP {
            return Err(Failure::new(ErrorCode::TooLarge));
        }
        let answer = self.0.ask_a_voter(bytes, repeat).await.map_err(|error| {
            let code = match error {
                GatewayError::NoVoter => ErrorCode::NoVoter,
                GatewayError::Busy => ErrorCode::Busy,
                GatewayError::Lost => ErrorCode::UnknownOutcome,
            };
            Failure::new(code).because(error)
        })?;
        codec::decode::<Result<Answer, Failure>>(ANSWER, &answer).map_err(Failure::internal)?
    }
}

/// What a voter does for visitors of nodes in the perimeter.
pub struct Visitors {
    work: Arc<dyn SelfService>,
    can_serve: Box<dyn Fn() -> bool + Send + Sync>,
    places: Arc<Places<(NodeId, Source)>>,
    steps: Window<(NodeId, Source)>,
    clock: Arc<dyn Clock>,
    refusals: Arc<Refusals>,
}

impl Visitors {
    /// Has `work` do what they ask, as long as this node can.
    pub fn new(
        work: Arc<dyn SelfService>,
        can_serve: impl Fn() -> bool + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
        refusals: Arc<Refusals>,
    ) -> Self {
        Self {
            work,
            can_serve: Box::new(can_serve),
            places: Places::of_each_source(AT_A_TIME),
            steps: Window::new(STEPS, STEPS_WITHIN),
            clock,
            refusals,
        }
    }

    async fn serve(&self, by_way_of: NodeId, ask: &[u8]) -> Result<Answer, Failure> {
        let read = codec::decode::<(Visitor, Ask)>(ASK, ask);
        let (visitor, ask) = read.map_err(|error| Failure::new(ErrorCode::BadInput).because(error))?;
        let source = (by_way_of, Source::from(visitor.source()));
        let now = self.clock.now();
        let place = match self.steps.refuses(source, now) {
            Some(_) => None,
            None => self.places.take(source),
        };
        let Some(_held) = place else {
            refuse(&self.refusals, Limit::SourceRequests);
            return Err(Failure::new(ErrorCode::TooManyRequests));
        };
        self.steps.count(source, now);
        let request = visitor.request();
        let answer = self.work.ask(&visitor.told_by(by_way_of), ask).await;
        if let Err(failure) | Ok(Answer::Failed { failure, .. } | Answer::Again { shown: Err(failure), .. }) =
            &answer
        {
            failure.log(request);
        }
        answer
    }
}

#[async_trait]
impl Gateway for Visitors {
    async fn answer(&self, by_way_of: NodeId, ask: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        if !(self.can_serve)() {
            return None;
        }
        let answer = self.serve(by_way_of, &ask).await;
        match codec::encode(ANSWER, &answer) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                tracing::error!(%error, "an answer to a node in the perimeter cannot be written");
                None
            }
        }
    }
}
