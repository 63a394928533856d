//! Writers that go on whatever happens, each with a label of its own per write, and what became of each write.

use super::STEP;
use super::balancer::Balancer;
use crate::client::Client;
use crate::commands::Failure;
use crate::commands::fleet::until;
use http::Method;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Where writes go.
pub(super) enum Door {
    /// To one node, over its local socket.
    Node(Client),
    /// To any node that is ready, over the network.
    Balancer(Balancer),
}

impl Door {
    /// Writes, or says why that failed.
    async fn put(&self, path: &str) -> Result<(), String> {
        let value = b"drill".to_vec();
        match self {
            Self::Node(client) => {
                let put = client.send(Method::PUT, path, &[], value).await;
                put.map(drop).map_err(|error| first_line(&error))
            }
            Self::Balancer(balancer) => balancer.put(path, value).await,
        }
    }
}

/// How much is written, and where to.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    pub(super) writers: usize,
    /// The least time between two writes of a writer.
    pub(super) between: Duration,
    /// What the labels' names begin with.
    pub(super) prefix: String,
}

impl Pace {
    /// What a throw-away cluster is put under.
    pub(super) fn full() -> Self {
        Self { writers: 4, between: Duration::from_millis(20), prefix: "drill".to_owned() }
    }

    /// The label of a write.
    pub(super) fn label(&self, key: u64) -> String {
        format!("{}-{key}", self.prefix)
    }

    /// Where it is.
    pub(super) fn path(&self, key: u64) -> String {
        format!("/api/v1/labels/{}", self.label(key))
    }
}

/// One write.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) key: u64,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    /// Why it was not acknowledged.
    pub(super) failure: Option<String>,
}

impl Outcome {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.failure.is_none()
    }
}

/// An error without its remedy.
pub(super) fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A load that runs.
pub(super) struct Load {
    pub(super) pace: Pace,
    begun: Instant,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    /// The first that no writer has taken.
    next_key: Arc<AtomicU64>,
    writers: JoinSet<()>,
}

/// A load that has ended.
pub(super) struct Past {
    pub(super) pace: Pace,
    pub(super) begun: Instant,
    /// In the order in which they ended.
    pub(super) outcomes: Vec<Outcome>,
    /// Writes below this number were begun, those too whose end nobody saw.
    pub(super) keys: u64,
}

impl Load {
    /// Begins to write, through each door in turn; who gets no answer at one goes to the next.
    pub(super) fn begin(doors: Vec<Door>, pace: Pace) -> Self {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let next_key = Arc::new(AtomicU64::new(0));
        let doors = Arc::new(doors);
        let mut writers = JoinSet::new();
        for writer in 0..pace.writers {
            let (outcomes, keys, doors) = (Arc::clone(&outcomes), Arc::clone(&next_key), Arc::clone(&doors));
            let pace = pace.clone();
            writers.spawn(async move {
                let mut ticks = interval(pace.between);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut turn = doors.iter().cycle().skip(writer);
                let mut door = turn.next();
                while let Some(asked) = door {
                    ticks.tick().await;
                    let key = keys.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    let failure = asked.put(&pace.path(key)).await.err();
                    if failure.is_some() {
                        door = turn.next();
                    }
                    locked(&outcomes).push(Outcome { key, begun, ended: Instant::now(), failure });
                }
            });
        }
        Self { pace, begun: Instant::now(), outcomes, next_key, writers }
    }

    /// Waits until so many more writes are acknowledged.
    pub(super) async fn goes_on(&self, more: usize) -> Result<(), Failure> {
        let goal = self.acknowledged().saturating_add(more);
        let reached = until(STEP, || async { (self.acknowledged() >= goal).then_some(()) });
        reached.await.ok_or_else(|| Failure::not_now("too few writes are acknowledged"))
    }

    /// Waits until a write is acknowledged that was begun after now.
    pub(super) async fn serves_again(&self) -> Result<(), Failure> {
        let now = Instant::now();
        let served = until(STEP, || async { self.acknowledged_since(now).then_some(()) });
        served.await.ok_or_else(|| Failure::not_now("no write is acknowledged any more"))
    }

    /// How many writes were acknowledged.
    fn acknowledged(&self) -> usize {
        locked(&self.outcomes).iter().filter(|outcome| outcome.is_acknowledged()).count()
    }

    /// Whether a write was acknowledged that was begun after this.
    fn acknowledged_since(&self, at: Instant) -> bool {
        locked(&self.outcomes).iter().any(|outcome| outcome.is_acknowledged() && outcome.begun > at)
    }

    /// How long no write has been acknowledged.
    pub(super) fn silent_for(&self) -> Duration {
        let outcomes = locked(&self.outcomes);
        let last =
            outcomes.iter().filter(|outcome| outcome.is_acknowledged()).map(|outcome| outcome.ended).max();
        last.unwrap_or(self.begun).elapsed()
    }

    /// The numbers of the writes that were acknowledged.
    pub(super) fn acknowledged_keys(&self) -> Vec<u64> {
        locked(&self.outcomes)
            .iter()
            .filter(|outcome| outcome.is_acknowledged())
            .map(|outcome| outcome.key)
            .collect()
    }

    /// Ends it, and tells when it began and what became of each write.
    pub(super) async fn end(mut self) -> Past {
        self.writers.shutdown().await;
        let mut outcomes = std::mem::take(&mut *locked(&self.outcomes));
        outcomes.sort_by_key(|outcome| outcome.ended);
        Past { pace: self.pace, begun: self.begun, outcomes, keys: self.next_key.load(Ordering::Relaxed) }
    }
}

fn locked(outcomes: &Mutex<Vec<Outcome>>) -> MutexGuard<'_, Vec<Outcome>> {
    outcomes.lock().unwrap_or_else(PoisonError::into_inner)
}
