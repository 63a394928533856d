//! Linearizable reads: the leader confirms its leadership and names a log index; the reader waits until it has applied
//! that far. All readers that wait share one round, so the cost is per round, not per read.

use crate::member::{Lead, Member};
use crate::planted::{self, Plant};
use crate::state_machine::Replica;
use crate::transport::request::Request;
use crate::types::TypeConfig;
use crate::wire::{Done, ReadPoint};
use openraft::ServerState;
use passquorum_domain::ports::{LeaderRead, ReadError};
use passquorum_domain::state::State;
use passquorum_storage::Published;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// One round to the leader takes this long at most before it is tried again.
const ROUND: Duration = Duration::from_secs(1);

type Waiter = oneshot::Sender<Result<Option<u64>, ReadError>>;

/// Where readers queue for the next round.
pub(crate) struct ReadGate(mpsc::UnboundedSender<Waiter>);

/// The other side of the gate.
pub(crate) struct ReadRounds(mpsc::UnboundedReceiver<Waiter>);

/// A gate for this node's readers.
pub(crate) fn gate() -> (ReadGate, ReadRounds) {
    let (waiters, rounds) = mpsc::unbounded_channel();
    (ReadGate(waiters), ReadRounds(rounds))
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
        let term = self.leading_term().ok_or(ReadError)?;
        let read = self.read_current().await?;
        let index = read.last_applied.map_or(0, |id| id.index);
        match self.leading_term() {
            Some(now) if now == term => Ok(LeaderRead { term, index, state: read.machine.state() }),
            _ => Err(ReadError),
        }
    }

    pub(crate) fn leading_term(&self) -> Option<u64> {
        let metrics = self.metrics.borrow();
        let leads = metrics.state == ServerState::Leader && metrics.current_leader == Some(self.node.0);
        leads.then_some(metrics.current_term)
    }

    async fn read_current(&self) -> Result<Arc<Published<TypeConfig, Replica>>, ReadError> {
        if !self.integrity.serves() {
            return Err(ReadError);
        }
        let deadline = Instant::now() + self.tuning.patience;
        let (waiter, point) = oneshot::channel();
        self.reads.0.send(waiter).map_err(|_| ReadError)?;
        let index = timeout_at(deadline, point).await.map_err(|_| ReadError)?.map_err(|_| ReadError)??;
        let mut published = self.published.clone();
        let applied = published.wait_for(|now| now.last_applied.map(|id| id.index) >= index);
        let now = timeout_at(deadline, applied).await.map_err(|_| ReadError)?.map_err(|_| ReadError)?;
        Ok(Arc::clone(&now))
    }

    async fn find_read_point(&self, deadline: Instant) -> Result<Option<u64>, ReadError> {
        loop {
            if let ReadPoint::At(index) = self.ask_read_point().await {
                return Ok(index);
            }
            if !self.wait_to_retry(deadline).await {
                return Err(ReadError);
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
        let (waiter, point) = oneshot::channel();
        if self.reads.0.send(waiter).is_err() {
            return ReadPoint::NotHere;
        }
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
