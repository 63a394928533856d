//! Clients that write and read labels through any node, as the sites' interface does: a write whose outcome is unknown
//! is sent again under its request id, perhaps to another node. What each saw goes into the history.

use crate::history::{Answer, Condition, Deleted, Op, Operation, Present, Written};
use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use crate::time;
use crate::trace::What;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::RequestId;
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::ports::{Clock as _, Consensus as _, Consistency, ProposeError, ReadError};
use passquorum_domain::state::State;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngCore as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// A client waits so long for a node that does not answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// Times that a write of unknown outcome is sent at most.
const TRIES: u32 = 3;

/// One client.
pub struct Client {
    stage: Arc<Stage>,
    id: u32,
    rng: SmallRng,
    /// The last revision that it was told of each label, for conditions.
    told: Vec<Option<u64>>,
    written: u32,
}

impl Client {
    /// A client with a generator of its own.
    #[must_use]
    pub fn new(stage: Arc<Stage>, id: u32) -> Self {
        let rng = stage.generator();
        let told = vec![None; stage.plan.labels as usize];
        Self { stage, id, rng, told, written: 0 }
    }

    /// Works as long as there are faults.
    pub async fn work(mut self) {
        while self.stage.act() == Act::Faults {
            let pause = self.stage.plan.pause.mul_f64(self.rng.r#gen());
            sleep(pause).await;
            let label = self.rng.gen_range(0..self.told.len());
            let op = self.draw(label);
            let Some(node) = self.pick() else { continue };
            self.perform(label, op, node).await;
        }
    }

    /// Reads every label through one node.
    pub async fn read_all(&mut self, node: &Arc<SimulatedNode>) {
        for label in 0..self.told.len() {
            self.perform(label, Op::Get { key: key_of(label) }, Arc::clone(node)).await;
        }
    }

    /// Writes one label through one node; whether the write was acknowledged.
    pub async fn write_one(&mut self, node: &Arc<SimulatedNode>) -> bool {
        let op = self.put(0, Condition::Always);
        let answer = self.perform(0, op, Arc::clone(node)).await;
        matches!(answer, Some(Answer::Put(Written::Ok { .. })))
    }

    fn pick(&mut self) -> Option<Arc<SimulatedNode>> {
        let up: Vec<_> = self.stage.nodes().into_iter().filter(|node| node.is_up()).collect();
        up.choose(&mut self.rng).cloned()
    }

    fn draw(&mut self, label: usize) -> Op {
        let told = self.told.get(label).copied().flatten();
        let condition = match self.rng.gen_range(0..10) {
            0 => Condition::Absent,
            1..=4 => told.map_or(Condition::Absent, Condition::Revision),
            _ => Condition::Always,
        };
        match self.rng.gen_range(0..10) {
            0..=3 => Op::Get { key: key_of(label) },
            4 if condition != Condition::Absent => Op::Delete { key: key_of(label), condition },
            _ => self.put(label, condition),
        }
    }

    fn put(&mut self, label: usize, condition: Condition) -> Op {
        self.written += 1;
        Op::Put { key: key_of(label), value: format!("c{}-{}", self.id, self.written), condition }
    }

    async fn perform(&mut self, label: usize, op: Op, node: Arc<SimulatedNode>) -> Option<Answer> {
        let trace = Arc::clone(&self.stage.surroundings.trace);
        let invoked = time::stamp();
        trace.record(What::Client(self.id, format!("{op:?} on {}", node.id)));
        let answer = match &op {
            Op::Get { key } => read(&node, key).await,
            Op::Put { key, value, condition } => {
                let action = Action::PutLabel {
                    key: label_key(key),
                    value: Blob::from(value.as_bytes()),
                    condition: label_condition(*condition),
                };
                self.write(action, &node).await.map(put_answer)
            }
            Op::Delete { key, condition } => {
                let action =
                    Action::RemoveLabel { key: label_key(key), condition: label_condition(*condition) };
                self.write(action, &node).await.map(delete_answer)
            }
        };
        let answer = answer.flatten();
        if let Some(told) = self.told.get_mut(label) {
            match answer {
                Some(Answer::Put(Written::Ok { revision })) => *told = Some(revision),
                Some(
                    Answer::Get { revision, .. }
                    | Answer::Put(Written::Refused(Present { revision: Some(revision) })),
                ) => *told = revision,
                Some(Answer::Delete(_)) => *told = None,
                _ => {}
            }
        }
        let returned = answer.is_some().then(time::stamp);
        trace.record(What::Client(self.id, format!("was told {answer:?}")));
        self.stage.note(Operation { client: self.id, invoked, returned, op, result: answer.clone() });
        answer
    }

    /// Sends a write until its outcome is known or patience ends. `Some(None)`: nothing was done.
    async fn write(&mut self, action: Action, first: &Arc<SimulatedNode>) -> Option<Option<Outcome>> {
        let uuid = uuid(&mut self.rng);
        let request = if self.rng.r#gen() { RequestId::Internal(uuid) } else { RequestId::Client(uuid) };
        let at = first.clock.now();
        let command = Command { request, at, actor: Actor::Anonymous, detail: None, action };
        let mut node = Arc::clone(first);
        let mut in_doubt = false;
        for _ in 0..TRIES {
            match propose(&node, command.clone()).await {
                Some(Ok(Err(Rejection::TooOld))) => return None,
                Some(Ok(outcome)) => return Some(Some(outcome)),
                Some(Err(ProposeError::Unknown)) | None => in_doubt = true,
                Some(Err(_)) if !in_doubt => return Some(None),
                Some(Err(_)) => {}
            }
            sleep(Duration::from_millis(self.rng.gen_range(0..300))).await;
            node = self.pick().unwrap_or(node);
        }
        None
    }
}

/// Proposes on a node; none when the node went away.
pub async fn propose(node: &SimulatedNode, command: Command) -> Option<Result<Outcome, ProposeError>> {
    let answer = node.ask(move |ports| async move { ports.cluster.propose(command).await });
    timeout(PATIENCE, answer).await.ok()?.ok()
}

/// The state as of now; none when the node went away.
pub async fn linearizable(node: &SimulatedNode) -> Option<Result<Arc<State>, ReadError>> {
    let answer = node.ask(|ports| async move { ports.cluster.read(Consistency::Linearizable).await });
    timeout(PATIENCE, answer).await.ok()?.ok()
}

async fn read(node: &SimulatedNode, key: &str) -> Option<Option<Answer>> {
    let Ok(state) = linearizable(node).await? else { return Some(Some(Answer::NothingDone)) };
    let label = state.label(&label_key(key));
    let value = label.map(|label| String::from_utf8_lossy(label.value.as_bytes()).into_owned());
    Some(Some(Answer::Get { value, revision: label.map(|label| label.revision) }))
}

fn put_answer(outcome: Option<Outcome>) -> Option<Answer> {
    match outcome {
        None => Some(Answer::NothingDone),
        Some(Ok(Effect::Label(revision))) => Some(Answer::Put(Written::Ok { revision })),
        Some(Err(Rejection::ConditionFailed { current })) => {
            Some(Answer::Put(Written::Refused(Present { revision: Some(current) })))
        }
        Some(_) => None,
    }
}

fn delete_answer(outcome: Option<Outcome>) -> Option<Answer> {
    match outcome {
        None => Some(Answer::NothingDone),
        Some(Ok(Effect::Label(_))) => Some(Answer::Delete(Deleted::Ok(()))),
        Some(Err(Rejection::ConditionFailed { current })) => {
            Some(Answer::Delete(Deleted::Refused(Present { revision: Some(current) })))
        }
        Some(Err(Rejection::NotFound)) => {
            Some(Answer::Delete(Deleted::Refused(Present { revision: Some(None) })))
        }
        Some(_) => None,
    }
}

/// A fresh id.
pub fn uuid(rng: &mut SmallRng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn key_of(label: usize) -> String {
    format!("label-{label}")
}

/// The key of a name that is within the rules.
pub(crate) fn label_key(key: &str) -> LabelKey {
    // The names above are within the rules of a key.
    LabelKey::parse(key).unwrap_or_else(|_| unreachable!("a valid key"))
}

fn label_condition(condition: Condition) -> LabelCondition {
    match condition {
        Condition::Always => LabelCondition::Always,
        Condition::Absent => LabelCondition::Absent,
        Condition::Revision(revision) => LabelCondition::Revision(revision),
    }
}
