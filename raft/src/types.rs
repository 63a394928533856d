//! The types that Raft is run with.
//!
//! Time and tasks are tokio's. Randomness (election jitter, nothing else in openraft) comes from a generator that a
//! simulation can seed, so that a run can be repeated. No openraft type of this module leaves the crate.

use openraft::{AsyncRuntime, TokioRuntime};
use passquorum_domain::command::Command;
use passquorum_domain::outcome::Outcome;
use passquorum_storage::SnapshotBody;
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

/// What the membership entries of the log say about a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeInfo {
    /// `host:port` where peers reach it.
    pub cluster_address: String,
}

/// The commands of one log entry: those that came in while the entry before was being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch(pub Vec<Command>);

/// What became of a batch: one outcome per command, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes(pub Vec<Outcome>);

openraft::declare_raft_types!(
    /// Batches of commands in, their outcomes out.
    pub TypeConfig:
        D = Batch,
        R = Outcomes,
        NodeId = u64,
        Node = NodeInfo,
        Entry = openraft::Entry<TypeConfig>,
        SnapshotData = SnapshotBody,
        AsyncRuntime = Runtime,
);

thread_local! {
    static JITTER: RefCell<Option<SmallRng>> = const { RefCell::new(None) };
}

/// Makes the election jitter of this thread repeatable. For a simulation, which runs every node on one thread.
pub fn seed_election_jitter(seed: u64) {
    JITTER.with_borrow_mut(|jitter| *jitter = Some(SmallRng::seed_from_u64(seed)));
}

/// The generator behind the election jitter: seeded by [`seed_election_jitter`], else the operating system's.
#[derive(Debug, Clone, Copy)]
pub struct Jitter;

impl Jitter {
    fn with<T>(draw: impl FnOnce(&mut dyn RngCore) -> T) -> T {
        JITTER.with_borrow_mut(|jitter| match jitter {
            Some(seeded) => draw(seeded),
            None => draw(&mut rand::thread_rng()),
        })
    }
}

impl RngCore for Jitter {
    fn next_u32(&mut self) -> u32 {
        Self::with(|rng| rng.next_u32())
    }

    fn next_u64(&mut self) -> u64 {
        Self::with(|rng| rng.next_u64())
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        Self::with(|rng| rng.fill_bytes(dest));
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand::Error> {
        Self::with(|rng| rng.try_fill_bytes(dest))
    }
}

/// tokio, but for the source of randomness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runtime;

impl AsyncRuntime for Runtime {
    type JoinError = <TokioRuntime as AsyncRuntime>::JoinError;
    type JoinHandle<T: Send + 'static> = <TokioRuntime as AsyncRuntime>::JoinHandle<T>;
    type Sleep = <TokioRuntime as AsyncRuntime>::Sleep;
    type Instant = <TokioRuntime as AsyncRuntime>::Instant;
    type TimeoutError = <TokioRuntime as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + Send> = <TokioRuntime as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = Jitter;
    type OneshotSender<T: Send> = <TokioRuntime as AsyncRuntime>::OneshotSender<T>;
    type OneshotReceiverError = <TokioRuntime as AsyncRuntime>::OneshotReceiverError;
    type OneshotReceiver<T: Send> = <TokioRuntime as AsyncRuntime>::OneshotReceiver<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        TokioRuntime::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        TokioRuntime::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + Send>(duration: Duration, future: F) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + Send>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        TokioRuntime::is_panic(join_error)
    }

    fn thread_rng() -> Jitter {
        Jitter
    }

    fn oneshot<T: Send>() -> (Self::OneshotSender<T>, Self::OneshotReceiver<T>) {
        TokioRuntime::oneshot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_jitter() {
        seed_election_jitter(7);
        let first = [Jitter.next_u64(), Jitter.next_u64()];
        seed_election_jitter(7);
        assert_eq!(first, [Jitter.next_u64(), Jitter.next_u64()]);
        assert_ne!(first[0], first[1]);
    }
}
