//! Linearizable reads: the leader confirms its leadership and names a log index; the reader waits until it has applied
//! that far. All readers that wait share one round, so the cost is per round, not per read. So many wait at most; one
//! more is refused at once.

use crate::member::{Lead, Member};
use crate::planted::{self, Plant};
use crate::refuse::refuse;
use crate::state_machine::Replica;
use crate::transport::request::Request;
use crate::types::TypeConfig;
use crate::wire::{Done, ReadPoint};
use openraft::ServerState;
use passquorum_domain::limit::{Limit, Refusals};
use passquorum_domain::ports::{LeaderRead, ReadError};
use passquorum_domain::state::State;
use passquorum_storage::Published;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// One round to the leader takes this long at most before it is tried again.
const ROUND: Duration = Duration::from_secs(1);
/// Readers that wait for a round at most; a round answers all of them.
const WAITING: usize = 8192;

type Waiter = oneshot::Sender<Result<Option<u64>, ReadError>>;

/// Where readers queue for the next round.
pub(crate) struct ReadGate {
    waiters: mpsc::Sender<Waiter>,
    refusals: Arc<Refusals>,
}

/// The other side of the gate.
pub(crate) struct ReadRounds(mpsc::Receiver<Waiter>);

/// A gate for this node's readers.
pub(crate) fn gate(refusals: Arc<Refusals>) -> (ReadGate, ReadRounds) {
    let (waiters, rounds) = mpsc::channel(WAITING);
    (ReadGate { waiters, refusals }, ReadRounds(rounds))
}

impl ReadGate {
    /// Waits for the next round with the others.
    fn enter(&self) -> Result<oneshot::Receiver<Result<Option<u64>, ReadError>>, ReadError> {
        let (waiter, point) = oneshot::channel();
        match self.waiters.try_send(waiter) {
            Ok(()) => Ok(point),
            Err(TrySendError::Full(_)) => {
                refuse(&self.refusals, Limit::Reads);
                Err(ReadError::Busy)
            }
            Err(TrySendError::Closed(_)) => Err(ReadError::NoQuorum),
        }
    }
}

impl ReadRounds {
    /// Runs rounds as long as the member lives. A reader that comes during a round waits for the next: the round may
    /// have begun before writes that the reader must see.
    pub(crate) async fn run(mut self, member: Weak<Member>) {
        while let Some(first) = self.0.recv().await {
            let mut waiting = vec![first];
            while let Ok(next) = self.0.try_recv() {
                waiting.push(next);
            }
            waiting.retain(|waiter| !waiter.is_closed());
            if waiting.is_empty() {
                continue;
            }
            let Some(member) = member.upgrade() else { return };
            let point = member.find_read_point(Instant::now() + member.tuning.patience).await;
            for waiter in waiting {
                // A reader that went away needs no answer.
                waiter.send(point).ok();
            }
        }
    }
}

impl Member {
    /// The state, with everything in it that was acknowledged before this call.
    pub(crate) async fn read_linearizable(&self) -> Result<Arc<State>, ReadError> {
        Ok(self.read_current().await?.machine.state())
    }

    /// The same, while this node leads. Who lost a term never leads it again, though a higher id may take it over: so a
    /// node that leads the same term before and after led it throughout, and the round in between was its own.
    pub(crate) async fn read_as_leader(&self) -> Result<LeaderRead, ReadError> {
        let term = self.leading_term().ok_or(ReadError::NoQuorum)?;
        let read = self.read_current().await?;
        let index = read.last_applied.map_or(0, |id| id.index);
        match self.leading_term() {
            Some(now) if now == term => Ok(LeaderRead { term, index, state: read.machine.state() }),
            _ => Err(ReadError::NoQuorum),
        }
    }

    pub(crate) fn leading_term(&self) -> Option<u64> {
        let metrics = self.metrics.borrow();
        let leads = metrics.state == ServerState::Leader && metrics.current_leader == Some(self.node.0);
        leads.then_some(metrics.current_term)
    }

    async fn read_current(&self) -> Result<Arc<Published<TypeConfig, Replica>>, ReadError> {
        // A node in the perimeter asks voters for whole steps, never for what it could decide by.
        if !self.integrity.serves() || !self.role().holds_keys() {
            return Err(ReadError::NoQuorum);
        }
        let deadline = Instant::now() + self.tuning.patience;
        let point = timeout_at(deadline, self.reads.enter()?).await;
        let Ok(Ok(index)) = point else { return Err(ReadError::NoQuorum) };
        let index = index?;
        let mut published = self.published.clone();
        let applied = published.wait_for(|now| now.last_applied.map(|id| id.index) >= index);
        let Ok(Ok(now)) = timeout_at(deadline, applied).await else { return Err(ReadError::NoQuorum) };
        Ok(Arc::clone(&now))
    }

    async fn find_read_point(&self, deadline: Instant) -> Result<Option<u64>, ReadError> {
        loop {
            if let ReadPoint::At(index) = self.ask_read_point().await {
                return Ok(index);
            }
            if !self.wait_to_retry(deadline).await {
                return Err(ReadError::NoQuorum);
            }
        }
    }

    async fn ask_read_point(&self) -> ReadPoint {
        match self.lead() {
            Lead::Here => self.read_point_here().await,
            Lead::Nowhere => ReadPoint::NotHere,
            Lead::At { node, address } => {
                let answer = self.peer(node, address).ask(Request::ReadIndex, &Done, ROUND).await;
                answer.unwrap_or(ReadPoint::NotHere)
            }
        }
    }

    /// A peer's question, which shares the rounds of this node's own readers.
    pub(crate) async fn read_point_for_peer(&self) -> ReadPoint {
        if !self.leads() {
            return ReadPoint::NotHere;
        }
        let Ok(point) = self.reads.enter() else { return ReadPoint::NotHere };
        match timeout(ROUND, point).await {
            Ok(Ok(Ok(index))) => ReadPoint::At(index),
            _ => ReadPoint::NotHere,
        }
    }

    async fn read_point_here(&self) -> ReadPoint {
        if !self.leads() {
            return ReadPoint::NotHere;
        }
        if planted::on(Plant::ReadWithoutReadIndex) {
            return ReadPoint::At(self.published.borrow().last_applied.map(|id| id.index));
        }
        match self.raft.get_read_log_id().await {
            Ok((read, _applied)) => ReadPoint::At(read.map(|id| id.index)),
            Err(error) => {
                tracing::debug!(%error, "leadership could not be confirmed for a read");
                ReadPoint::NotHere
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refuse::tests::Hand;

    #[test]
    fn a_gate_that_nobody_opens_refuses_one_reader_too_many() {
        let refusals = Refusals::new(Arc::new(Hand::default()));
        let (gate, mut rounds) = gate(Arc::clone(&refusals));
        let waiting: Vec<_> = (0..WAITING).map(|_| gate.enter().unwrap()).collect();
        assert_eq!(gate.enter().err(), Some(ReadError::Busy));
        assert_eq!(refusals.count(Limit::Reads), 1);
        drop(rounds.0.try_recv().unwrap());
        assert!(gate.enter().is_ok());
        drop(waiting);
    }
}
