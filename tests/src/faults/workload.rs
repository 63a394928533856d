//! The load of a trial: clients that write, read and remove a few labels through all nodes, so that they contend. A
//! client that does not learn the outcome of a request repeats it under the same `Idempotency-Key` at the next node,
//! until its patience ends. Every operation is in the history.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::api::{Api, Told};
use super::history::{Answer, Condition, Deleted, Op, Operation, Present, Written};
use crate::rig::RigError;
use crate::wait;

/// Clients of each node.
const CLIENTS_PER_NODE: u64 = 2;
/// Labels that all clients share.
const LABELS: u32 = 5;
/// The least time from one request of a client to its next, so that the audit window holds the whole trial.
const PACE: Duration = Duration::from_millis(20);
/// How long a client tries to learn an outcome.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the clients of a trial share.
#[derive(Debug, Clone)]
pub struct Course {
    /// How to ask.
    pub api: Api,
    /// The nodes.
    pub places: Vec<u64>,
    /// Begins every label of the trial.
    pub prefix: String,
    /// When the trial began.
    pub begin: Instant,
}

impl Course {
    /// Every label that is written.
    pub fn labels(&self) -> Vec<String> {
        (0..LABELS).map(|number| format!("{}-{number}", self.prefix)).collect()
    }

    /// Microseconds since the trial began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The `number`th node from the one with this index on, in turn.
    fn place(&self, from: usize, number: usize) -> u64 {
        self.places.get((from + number) % self.places.len().max(1)).copied().unwrap_or(1)
    }
}

/// Running clients.
#[derive(Debug)]
pub struct Workload {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<Operation>>,
}

impl Workload {
    /// Starts the clients.
    pub fn start(course: &Course, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        let count = u32::try_from(CLIENTS_PER_NODE * course.places.len() as u64).unwrap_or(u32::MAX);
        for number in 0..count {
            let random = SmallRng::seed_from_u64(seed ^ u64::from(number) << 32);
            let client = Client { course: course.clone(), number, random, seen: BTreeMap::new(), asked: 0 };
            clients.spawn(client.run(Arc::clone(&stop)));
        }
        Self { stop, clients }
    }

    /// Lets every client finish its operation, and gives the history.
    ///
    /// # Errors
    /// [`RigError::Contract`] when a client died, [`RigError::Elapsed`] when one does not end.
    pub async fn stop(mut self) -> Result<Vec<Operation>, RigError> {
        self.stop.store(true, Ordering::Relaxed);
        let mut history = Vec::new();
        let ended = async {
            while let Some(client) = self.clients.join_next().await {
                let operations = client
                    .map_err(|error| RigError::Contract { who: "a client", answer: error.to_string() })?;
                history.extend(operations);
            }
            Ok(history)
        };
        wait::within("the clients end their last operation", PATIENCE * 3, ended).await?
    }
}

struct Client {
    course: Course,
    number: u32,
    random: SmallRng,
    /// The revision of each label that this client saw last; none when it was absent.
    seen: BTreeMap<String, Option<u64>>,
    asked: u64,
}

impl Client {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Vec<Operation> {
        let mut history = Vec::new();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            pace.tick().await;
            let op = self.choose();
            let operation = self.perform(op, &mut pace).await;
            self.remember(&operation);
            history.push(operation);
        }
        history
    }

    fn choose(&mut self) -> Op {
        self.asked += 1;
        let labels = self.course.labels();
        let key = labels.get(self.random.gen_range(0..labels.len())).cloned().unwrap_or_default();
        let value = format!("{}/{}", self.number, self.asked);
        let condition = match (self.random.gen_range(0..4), self.seen.get(&key)) {
            (0 | 1, Some(Some(revision))) => Condition::Revision(*revision),
            (0 | 1, Some(None)) | (2, _) => Condition::Absent,
            _ => Condition::Always,
        };
        match (self.random.gen_range(0..10), condition) {
            (0..4, _) => Op::Get { key },
            (4, Condition::Revision(_) | Condition::Always) => Op::Delete { key, condition },
            _ => Op::Put { key, value, condition },
        }
    }

    async fn perform(&mut self, op: Op, pace: &mut tokio::time::Interval) -> Operation {
        let (client, invoked) = (self.number, self.course.now());
        let began = Instant::now();
        let key = format!("{}/{client}/{}", self.course.prefix, self.asked);
        let mut maybe = false;
        for number in 0.. {
            let place = self.course.place(client as usize, number);
            match self.course.api.label(place, &op, &key).await {
                Told::Answer(answer) => {
                    let returned = Some(self.course.now());
                    return Operation { client, invoked, returned, op, result: Some(answer) };
                }
                Told::NothingDone => {}
                Told::Unknown => maybe = true,
            }
            if began.elapsed() > PATIENCE {
                break;
            }
            pace.tick().await;
        }
        // A read without an answer did nothing.
        let nothing = !maybe || matches!(op, Op::Get { .. });
        let (returned, result) =
            if nothing { (Some(self.course.now()), Some(Answer::NothingDone)) } else { (None, None) };
        Operation { client, invoked, returned, op, result }
    }

    fn remember(&mut self, operation: &Operation) {
        let revision = match &operation.result {
            Some(Answer::Put(Written::Ok { revision })) => Some(*revision),
            Some(Answer::Get { revision, .. }) => *revision,
            Some(Answer::Delete(Deleted::Ok(()))) => None,
            Some(
                Answer::Put(Written::Refused(Present { revision }))
                | Answer::Delete(Deleted::Refused(Present { revision })),
            ) => *revision,
            Some(Answer::NothingDone) | None => return,
        };
        self.seen.insert(operation.op.key().to_owned(), revision);
    }
}

/// Reads every label once from each node, linearizably: the last word of a history.
///
/// # Errors
/// [`RigError::Contract`] when a node does not answer.
pub async fn read_all(course: &Course) -> Result<Vec<Operation>, RigError> {
    let mut history = Vec::new();
    for place in &course.places {
        for key in course.labels() {
            let (invoked, op) = (course.now(), Op::Get { key });
            let Told::Answer(answer) = course.api.label(*place, &op, "last").await else {
                let answer = format!("node {place} does not answer a read of {}", op.key());
                return Err(RigError::Contract { who: "passquorum", answer });
            };
            let (client, returned) = (u32::MAX, Some(course.now()));
            history.push(Operation { client, invoked, returned, op, result: Some(answer) });
        }
    }
    Ok(history)
}
