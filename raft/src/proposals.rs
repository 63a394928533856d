//! Group commit: the commands that come in while an entry is being written go into the next entry together.
//!
//! openraft sends each follower one request at a time, and each entry costs several tasks a wakeup, so without this
//! many proposals would wait for one another.

use crate::member::Member;
use crate::types::Batch;
use crate::wire::Proposed;
use openraft::error::ClientWriteError;
use passquorum_domain::command::Command;
use std::sync::{Arc, Weak};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Commands in one entry at most.
const COMMANDS: usize = 256;
/// Encoded bytes of commands after which an entry is full; one command more may be in it.
const BYTES: usize = 512 * 1024;
/// Entries under way at most: one is on its way to the disks while the other is being made.
const UNDER_WAY: usize = 2;

struct Waiter {
    command: Command,
    size: usize,
    answer: oneshot::Sender<Proposed>,
}

/// Where proposals on a leader queue for the next entry.
pub(crate) struct Proposals(mpsc::UnboundedSender<Waiter>);

/// The other side of the queue.
pub(crate) struct Entries(mpsc::UnboundedReceiver<Waiter>);

/// A queue for this node's proposals.
pub(crate) fn queue() -> (Proposals, Entries) {
    let (waiters, entries) = mpsc::unbounded_channel();
    (Proposals(waiters), Entries(entries))
}

impl Proposals {
    /// Queues a command of an encoded size. The receiver is dropped if its fate is unknown.
    pub(crate) fn push(&self, command: Command, size: usize) -> oneshot::Receiver<Proposed> {
        let (answer, receiver) = oneshot::channel();
        if let Err(stopped) = self.0.send(Waiter { command, size, answer }) {
            stopped.0.answer.send(Proposed::NotLeader).ok();
        }
        receiver
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
            while let Some(Waiter { command, size, answer }) = next {
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
