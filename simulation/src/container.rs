//! The directory's storage container in the simulated world: one domain controller, to which requests get late, get lost,
//! or get without their answer coming back.
//!
//! A request that was sent is in the world's hands: it arrives when it arrives, also when the one who sent it has given
//! up or crashed, which is what a frozen leader's last write looks like.

use crate::invariant::Broken;
use crate::invariant::mirror_fenced::{Fences, Shown, Written};
use crate::time;
use crate::trace::{Trace, What};
use crate::watch::Watch;
use async_trait::async_trait;
use passquorum_domain::blob::Blob;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{
    Container, ContainerError, DirectoryError, DirectoryReason, Fence, Held, Leadership, Retry,
};
use passquorum_domain::state::State;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Nobody waits longer for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The domain controller and what is kept of it, for all nodes of a run.
pub struct Controller {
    trace: Arc<Trace>,
    watch: Arc<Watch>,
    blind: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    rng: SmallRng,
    calm: bool,
    held: Option<Held>,
    /// Writes on their way, by when they arrive and in which order they were sent.
    under_way: BTreeMap<(Duration, u64), Write>,
    outcomes: BTreeMap<u64, Result<(), ContainerError>>,
    sent: u64,
    fences: Fences,
    shown: Shown,
}

struct Write {
    by: NodeId,
    seen: Option<Fence>,
    fence: Fence,
    document: Blob,
}

/// What becomes of one request.
struct Passage {
    there: Duration,
    back: Duration,
    arrives: bool,
    answered: bool,
}

impl Controller {
    /// A controller without a container. When `blind`, it takes every write whatever is there: a planted bug.
    #[must_use]
    pub fn new(seed: u64, trace: Arc<Trace>, watch: Arc<Watch>, blind: bool) -> Self {
        let inner = Inner {
            rng: SmallRng::seed_from_u64(seed ^ 0xdc),
            calm: false,
            held: None,
            under_way: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            sent: 0,
            fences: Fences::default(),
            shown: Shown::default(),
        };
        Self { trace, watch, blind, inner: Mutex::new(inner) }
    }

    /// From now on every request arrives and is answered; those under way stay late.
    pub fn calm(&self) {
        self.inner().calm = true;
    }

    /// Whether it is calm.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.inner().calm
    }

    /// Takes note of a state as of an index, as a node has it.
    pub fn observe(&self, node: NodeId, index: u64, state: &Arc<State>) {
        if let Err(broken) = self.inner().shown.observe(node, index, state) {
            self.watch.breaks(broken);
        }
    }

    /// Takes note of whom a node takes for the leader.
    pub fn believe(&self, belief: Leadership) {
        self.inner().shown.believe(belief);
    }

    /// What the container holds, when no request is under way any more.
    #[must_use]
    pub fn settled(&self) -> Option<Held> {
        self.arrive(time::now());
        let inner = self.inner();
        inner.held.clone().filter(|_| inner.under_way.is_empty())
    }

    /// Whether each document that was ever written shows a state that there was, and its leader.
    pub fn judge(&self) -> Result<(), Broken> {
        let inner = self.inner();
        inner.fences.written().iter().try_for_each(|written| inner.shown.judge(written))
    }

    /// The writes that have arrived by a time take effect, in the order of their arrival.
    fn arrive(&self, by: Duration) {
        let mut inner = self.inner();
        while let Some(next) = inner.under_way.first_entry().filter(|next| next.key().0 <= by) {
            let ((_, number), write) = next.remove_entry();
            let present = inner.held.as_ref().map(|held| held.fence);
            let outcome = if self.blind || present == write.seen {
                let Write { by, fence, document, .. } = write;
                self.trace.record(What::Mirrored(by, fence));
                inner.held = Some(Held { fence, document: document.clone() });
                if let Err(broken) = inner.fences.observe(Written { by, fence, document }) {
                    self.watch.breaks(broken);
                }
                Ok(())
            } else {
                Err(ContainerError::Changed)
            };
            inner.outcomes.insert(number, outcome);
        }
    }

    fn send(&self, write: Write, passage: &Passage) -> (Duration, u64) {
        let mut inner = self.inner();
        inner.sent += 1;
        let key = (time::now() + passage.there, inner.sent);
        if passage.arrives {
            inner.under_way.insert(key, write);
        }
        key
    }

    fn passage(&self) -> Passage {
        let mut inner = self.inner();
        let (calm, rng) = (inner.calm, &mut inner.rng);
        let mut ms = |range| Duration::from_millis(rng.gen_range(range));
        let (quick, slow, back) = (ms(1..30), ms(30..12_000), ms(1..30));
        let draw = if calm { 9 } else { rng.gen_range(0..10) };
        Passage { there: if draw < 3 { slow } else { quick }, back, arrives: draw != 3, answered: draw != 4 }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The container as one node sees it.
pub struct SimulatedContainer {
    /// The node.
    pub node: NodeId,
    /// The controller.
    pub controller: Arc<Controller>,
}

fn failure(operation: &'static str, reason: DirectoryReason, retry: Retry) -> ContainerError {
    DirectoryError { dc: "dc".to_owned(), operation, reason, ad_code: None, retry }.into()
}

#[async_trait]
impl Container for SimulatedContainer {
    async fn read(&self) -> Result<Option<Held>, ContainerError> {
        let passage = self.controller.passage();
        if !passage.arrives || !passage.answered || passage.there > ANSWER_TIMEOUT {
            sleep(ANSWER_TIMEOUT).await;
            return Err(failure("read container", DirectoryReason::Unreachable, Retry::Safe));
        }
        let arrives = time::now() + passage.there;
        sleep(passage.there).await;
        self.controller.arrive(arrives);
        let held = self.controller.inner().held.clone();
        sleep(passage.back).await;
        Ok(held)
    }

    async fn remove(&self) -> Result<(), ContainerError> {
        // Nobody orders a rebuild in a run.
        Err(failure("remove container", DirectoryReason::Refused, Retry::Pointless))
    }

    async fn swap(&self, seen: Option<Fence>, fence: Fence, document: &Blob) -> Result<(), ContainerError> {
        if !self.controller.blind {
            fence.may_replace(seen)?;
        }
        let passage = self.controller.passage();
        let write = Write { by: self.node, seen, fence, document: document.clone() };
        let (arrives, number) = self.controller.send(write, &passage);
        if !passage.arrives || passage.there > ANSWER_TIMEOUT {
            sleep(ANSWER_TIMEOUT).await;
            return Err(failure("write container", DirectoryReason::NoAnswer, Retry::Unknown));
        }
        sleep(passage.there).await;
        self.controller.arrive(arrives);
        let outcome = self.controller.inner().outcomes.remove(&number);
        if !passage.answered {
            sleep(ANSWER_TIMEOUT).await;
            return Err(failure("write container", DirectoryReason::NoAnswer, Retry::Unknown));
        }
        sleep(passage.back).await;
        outcome.unwrap_or(Err(ContainerError::Changed))
    }
}
