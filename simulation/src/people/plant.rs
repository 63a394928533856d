//! Bugs that are planted to see whether the invariants notice them. They sit in the ports that a node is given, never in
//! the code under test.

use async_trait::async_trait;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::NodeId;
use passquorum_domain::lockout::{AttemptTarget, AttemptVerdict};
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::ports::{ClusterStatus, Consensus, Consistency, ProposeError, ReadError};
use passquorum_domain::state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// An attempt is counted after the answer was checked.
    CountAfterCheck,
    /// A reset goes to whoever has the name by now, not to the object that was found.
    ResetByName,
}

/// A cluster that counts attempts when it is too late.
pub(super) struct CountsLate {
    /// The cluster.
    pub(super) inner: Arc<dyn Consensus>,
}

impl CountsLate {
    fn count_later(&self, command: Command, target: AttemptTarget) -> Outcome {
        if let Some(until) = self.inner.local().locked_until(target, command.at) {
            return Err(Rejection::Locked { until });
        }
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            sleep(Duration::from_millis(200)).await;
            inner.propose(command).await.ok();
        });
        Ok(Effect::Attempt(AttemptVerdict::Counted { remaining: 1 }))
    }
}

#[async_trait]
impl Consensus for CountsLate {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        match command.action {
            Action::CountAttempt { target: target @ AttemptTarget::User(_), .. } => {
                Ok(self.count_later(command, target))
            }
            _ => self.inner.propose(command).await,
        }
    }

    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        self.inner.read(consistency).await
    }

    fn local(&self) -> Arc<State> {
        self.inner.local()
    }

    fn node(&self) -> NodeId {
        self.inner.node()
    }

    fn status(&self) -> ClusterStatus {
        self.inner.status()
    }
}
