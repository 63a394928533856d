//! A node's consensus port with a witness beside it, who notes in the ledger what the sites ask and are told.

use crate::ledger::{Fact, Ledger};
use async_trait::async_trait;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::NodeId;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::{ClusterStatus, Consensus, Consistency, ProposeError, ReadError};
use passquorum_domain::state::State;
use std::sync::Arc;

/// The witness.
pub(super) struct Witness {
    /// The port.
    pub(super) inner: Arc<dyn Consensus>,
    /// Where it writes.
    pub(super) ledger: Arc<Ledger>,
}

#[async_trait]
impl Consensus for Witness {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        let node = self.inner.node();
        let mut when_done = None;
        match &command.action {
            Action::DecideAttempt { attempt, target: AttemptTarget::User(subject), right } => {
                self.ledger.note(Fact::Checked(node, *attempt, *subject, *right));
            }
            Action::LiftLock(subject) => drop(self.ledger.note(Fact::Lifted(*subject))),
            Action::CountAttempt { attempt, target: AttemptTarget::User(subject), .. } => {
                when_done = Some(Fact::Counted(node, *attempt, *subject));
            }
            Action::OpenTicket { ticket, subject, kind, .. } => {
                when_done = Some(Fact::Opened(node, *ticket, *subject, *kind));
            }
            _ => {}
        }
        let outcome = self.inner.propose(command).await;
        if let (Ok(Ok(_)), Some(fact)) = (&outcome, when_done) {
            self.ledger.note(fact);
        }
        outcome
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
