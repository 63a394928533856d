//! Bugs that are planted to see whether the invariants notice them. They sit in the ports that a node is given, never in
//! the code under test.

use async_trait::async_trait;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::{NodeId, RequestId, TicketId};
use passquorum_domain::lockout::{AttemptTarget, AttemptVerdict};
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::ports::{ClusterStatus, Consensus, Consistency, ProposeError, ReadError};
use passquorum_domain::state::State;
use passquorum_domain::ticket::TicketState;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// An attempt is counted after the answer was checked.
    CountAfterCheck,
    /// A ticket that was used can be used again.
    ReplayTicket,
    /// A reset goes to whoever has the name by now, not to the object that was found.
    ResetByName,
}

impl Plant {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("count-after-check", Self::CountAfterCheck),
        ("replay-ticket", Self::ReplayTicket),
        ("reset-by-name", Self::ResetByName),
    ];
}

/// A cluster with a bug.
pub struct Planted {
    /// The cluster.
    pub inner: Arc<dyn Consensus>,
    /// The bug.
    pub plant: Plant,
}

impl Planted {
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

    fn is_used(&self, ticket: TicketId) -> bool {
        let state = self.inner.local();
        state.ticket(ticket).is_some_and(|ticket| ticket.state != TicketState::Open)
    }
}

#[async_trait]
impl Consensus for Planted {
    async fn propose(&self, mut command: Command) -> Result<Outcome, ProposeError> {
        let fresh = match command.request {
            RequestId::Internal(uuid) | RequestId::Client(uuid) => TicketId(uuid),
        };
        match (self.plant, &mut command.action) {
            (Plant::CountAfterCheck, Action::CountAttempt { target: target @ AttemptTarget::User(_), .. }) => {
                let target = *target;
                return Ok(self.count_later(command, target));
            }
            (Plant::ReplayTicket, Action::OpenTicket { ticket, .. }) if self.is_used(*ticket) => {
                *ticket = fresh;
            }
            _ => {}
        }
        self.inner.propose(command).await
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
