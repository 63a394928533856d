//! Writers that go on whatever happens, each with a label of its own per write, and what became of each write.

use crate::client::Client;
use http::Method;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

const WRITERS: usize = 4;
const PACE: Duration = Duration::from_millis(20);

/// One write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) key: u64,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    pub(super) acknowledged: bool,
}

/// Where a write's label is.
pub(super) fn path(key: u64) -> String {
    format!("/api/v1/labels/drill-{key}")
}

/// A load that runs.
pub(super) struct Load {
    begun: Instant,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    writers: JoinSet<()>,
}

impl Load {
    /// Begins to write, to each node in turn; who gets no answer from one asks the next.
    pub(super) fn begin(clients: Vec<Client>) -> Self {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let keys = Arc::new(AtomicU64::new(0));
        let clients = Arc::new(clients);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (outcomes, keys, clients) = (Arc::clone(&outcomes), Arc::clone(&keys), Arc::clone(&clients));
            writers.spawn(async move {
                let mut pace = interval(PACE);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut turn = clients.iter().cycle().skip(writer);
                let mut client = turn.next();
                while let Some(asked) = client {
                    pace.tick().await;
                    let key = keys.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    let value = b"drill".to_vec();
                    let acknowledged = asked.send(Method::PUT, &path(key), &[], value).await.is_ok();
                    locked(&outcomes).push(Outcome { key, begun, ended: Instant::now(), acknowledged });
                    if !acknowledged {
                        client = turn.next();
                    }
                }
            });
        }
        Self { begun: Instant::now(), outcomes, writers }
    }

    /// How many writes were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        locked(&self.outcomes).iter().filter(|outcome| outcome.acknowledged).count()
    }

    /// Whether a write was acknowledged that was begun after this.
    pub(super) fn acknowledged_since(&self, at: Instant) -> bool {
        locked(&self.outcomes).iter().any(|outcome| outcome.acknowledged && outcome.begun > at)
    }

    /// Ends it, and tells when it began and what became of each write.
    pub(super) async fn end(mut self) -> (Instant, Vec<Outcome>) {
        self.writers.shutdown().await;
        let mut outcomes = std::mem::take(&mut *locked(&self.outcomes));
        outcomes.sort_by_key(|outcome| outcome.ended);
        (self.begun, outcomes)
    }
}

fn locked(outcomes: &Mutex<Vec<Outcome>>) -> MutexGuard<'_, Vec<Outcome>> {
    outcomes.lock().unwrap_or_else(PoisonError::into_inner)
}
