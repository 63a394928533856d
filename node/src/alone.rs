//! A cluster of one that cannot fail, for tests of what stands on [`Consensus`].

use async_trait::async_trait;
use passquorum_domain::command::Command;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::{
    ClusterStatus, Consensus, Consistency, LogPositions, ProposeError, ReadError,
};
use passquorum_domain::state::State;
use std::sync::{Arc, Mutex};

/// Applies what is proposed at once.
#[derive(Default)]
pub(crate) struct Alone(Mutex<State>);

#[async_trait]
impl Consensus for Alone {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        Ok(self.0.lock().unwrap().apply(command).outcome)
    }

    async fn read(&self, _: Consistency) -> Result<Arc<State>, ReadError> {
        Ok(self.local())
    }

    fn local(&self) -> Arc<State> {
        Arc::new(self.0.lock().unwrap().clone())
    }

    fn node(&self) -> NodeId {
        NodeId(1)
    }

    fn status(&self) -> ClusterStatus {
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 1,
            revision: 0,
            quorum: true,
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            takes_part: true,
            level: FeatureLevel::FIRST,
            log: LogPositions::default(),
            members: Vec::new(),
        }
    }
}
