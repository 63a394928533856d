//! Group commit: the commands that come in while an entry is being written go into the next entry together.
//!
//! openraft sends each follower one request at a time, and each entry costs several tasks a wakeup, so without this
//! many proposals would wait for one another.
//!
//! The queue is bounded by number and by bytes. What finds no room is refused at once: it would only wait, and every
//! caller with it, until all of them run out of patience.

use crate::member::Member;
use crate::refuse::refuse;
use crate::types::Batch;
use crate::wire::Proposed;
use openraft::error::ClientWriteError;
use passquorum_domain::command::Command;
use passquorum_domain::limit::{Limit, Refusals};
use std::sync::{Arc, Weak};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Commands in one entry at most.
const COMMANDS: usize = 256;
/// Encoded bytes of commands after which an entry is full; one command more may be in it.
const BYTES: usize = 512 * 1024;
/// Entries under way at most: one is on its way to the disks while the other is being made.
const UNDER_WAY: usize = 2;
/// Commands that wait for an entry at most: sixteen full entries, which a healthy leader writes within half a second.
const WAITING: usize = 16 * COMMANDS;
/// Encoded bytes of commands that wait for an entry at most.
const WAITING_BYTES: usize = 32 * 1024 * 1024;

struct Waiter {
    command: Command,
    size: usize,
    answer: oneshot::Sender<Proposed>,
    /// Held as long as it waits.
    room: OwnedSemaphorePermit,
}

/// Where proposals on a leader queue for the next entry.
pub(crate) struct Proposals {
    waiters: mpsc::Sender<Waiter>,
    room: Arc<Semaphore>,
    refusals: Arc<Refusals>,
}

/// The other side of the queue.
pub(crate) struct Entries(mpsc::Receiver<Waiter>);

/// A queue for this node's proposals.
pub(crate) fn queue(refusals: Arc<Refusals>) -> (Proposals, Entries) {
    let (waiters, entries) = mpsc::channel(WAITING);
    let room = Arc::new(Semaphore::new(WAITING_BYTES));
    (Proposals { waiters, room, refusals }, Entries(entries))
}

impl Proposals {
    /// Queues a command of an encoded size, or says why not. The answer's sender is dropped if its fate is unknown.
    pub(crate) fn push(
        &self,
        command: Command,
        size: usize,
    ) -> Result<oneshot::Receiver<Proposed>, Proposed> {
        let busy = || {
            refuse(&self.refusals, Limit::Proposals);
            Proposed::Busy
        };
        let bytes = u32::try_from(size).map_err(|_| busy())?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| busy())?;
        let (answer, receiver) = oneshot::channel();
        match self.waiters.try_send(Waiter { command, size, answer, room }) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => Err(busy()),
            Err(TrySendError::Closed(_)) => Err(Proposed::NotLeader),
        }
    }
}

impl Entries {
    /// Writes entries as long as the member lives.
    pub(crate) async fn run(mut self, member: Weak<Member>) {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY));
        loop {
            let Ok(permit) = Arc::clone(&under_way).acquire_owned().await else { return };
            let Some(first) = self.0.recv().await else { return };
            let Some(member) = member.upgrade() else { return };
            let (mut commands, mut answers) = (Vec::new(), Vec::new());
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(Waiter { command, size, answer, room: _room }) = next {
                if !answer.is_closed() {
                    bytes += size;
                    commands.push(command);
                    answers.push(answer);
                }
                let room = commands.len() < COMMANDS && bytes < BYTES;
                next = if room { self.0.try_recv().ok() } else { None };
            }
            if commands.is_empty() {
                continue;
            }
            tokio::spawn(async move {
                write(&member, commands, answers).await;
                drop(permit);
            });
        }
    }
}

async fn write(member: &Member, commands: Vec<Command>, answers: Vec<oneshot::Sender<Proposed>>) {
    let nothing_done = |answers: Vec<oneshot::Sender<Proposed>>| {
        for answer in answers {
            answer.send(Proposed::NotLeader).ok();
        }
    };
    if !member.leads() {
        return nothing_done(answers);
    }
    let Ok(written) = member.raft.client_write_ff(Batch(commands)).await else {
        // Raft takes no messages any more, so it did not take this one.
        return nothing_done(answers);
    };
    // Not for ever: an entry that a snapshot overtook is never answered, and must not hold up those that follow.
    let Ok(written) = timeout(member.tuning.patience, written).await else { return };
    match written {
        Ok(Ok(written)) => {
            for (answer, outcome) in answers.into_iter().zip(written.data.0) {
                answer.send(Proposed::Committed(outcome)).ok();
            }
        }
        // It never entered the log, or was cut off it by a leader that does not have it: it is not committed.
        Ok(Err(ClientWriteError::ForwardToLeader(_))) => nothing_done(answers),
        // Raft ended with the entry in its log. The answers are dropped, which says that it is unknown.
        Ok(Err(ClientWriteError::ChangeMembershipError(_))) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refuse::tests::Hand;
    use passquorum_domain::audit::Actor;
    use passquorum_domain::command::Action;
    use passquorum_domain::ids::RequestId;
    use passquorum_domain::time::Timestamp;
    use uuid::Uuid;

    fn command() -> Command {
        let request = RequestId::Internal(Uuid::from_u128(1));
        Command { request, at: Timestamp(1), actor: Actor::Realm, detail: None, action: Action::Sweep }
    }

    #[test]
    fn a_queue_that_nobody_empties_refuses_what_has_no_room_and_takes_it_again_later() {
        let refusals = Refusals::new(Arc::new(Hand::default()));
        let (proposals, mut entries) = queue(Arc::clone(&refusals));
        for _ in 0..WAITING {
            assert!(proposals.push(command(), 1).is_ok());
        }
        assert_eq!(proposals.push(command(), 1).err(), Some(Proposed::Busy));
        assert_eq!(refusals.count(Limit::Proposals), 1);
        drop(entries.0.try_recv().unwrap());
        assert!(proposals.push(command(), 1).is_ok());
    }

    #[test]
    fn a_few_large_commands_fill_the_queue_too() {
        let (proposals, mut entries) = queue(Refusals::new(Arc::new(Hand::default())));
        let large = WAITING_BYTES / 4;
        for _ in 0..4 {
            assert!(proposals.push(command(), large).is_ok());
        }
        assert_eq!(proposals.push(command(), 1).err(), Some(Proposed::Busy));
        drop(entries.0.try_recv().unwrap());
        assert!(proposals.push(command(), large).is_ok());
    }

    #[test]
    fn a_queue_whose_member_is_gone_did_nothing() {
        let (proposals, entries) = queue(Refusals::new(Arc::new(Hand::default())));
        drop(entries);
        assert_eq!(proposals.push(command(), 1).err(), Some(Proposed::NotLeader));
    }
}
