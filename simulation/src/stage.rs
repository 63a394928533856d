//! Where a run takes place: the nodes there are, what clients saw, and what the run's own tasks want of the world.

use crate::history::Operation;
use crate::node::{SimulatedNode, Surroundings};
use crate::plan::Plan;
use crate::time::NodeClock;
use passquorum_domain::ids::{NodeId, PolicyId};
use passquorum_domain::instance::Role;
use passquorum_domain::state::State;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The part of a run that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// The realm is made.
    Birth,
    /// Clients at work and faults.
    Faults,
    /// No faults any more: everything has to come together again.
    Healing,
}

/// The stage.
pub struct Stage {
    /// What the seed decided.
    pub plan: Plan,
    /// What all nodes share.
    pub surroundings: Arc<Surroundings>,
    inner: Mutex<Inner>,
}

struct Inner {
    act: Act,
    rng: SmallRng,
    nodes: BTreeMap<NodeId, Arc<SimulatedNode>>,
    /// Made, and not in the simulated network yet.
    arriving: Vec<Arc<SimulatedNode>>,
    /// Removed, with a process that may not know it yet.
    leaving: Vec<Arc<SimulatedNode>>,
    hosts: u32,
    policy: Option<PolicyId>,
    /// The state that all nodes ended with.
    last: Option<Arc<State>>,
    history: Vec<Operation>,
}

impl Stage {
    /// An empty stage.
    #[must_use]
    pub fn new(plan: Plan, surroundings: Arc<Surroundings>) -> Self {
        let inner = Inner {
            act: Act::Birth,
            rng: SmallRng::seed_from_u64(plan.seed ^ 0x57a6e),
            nodes: BTreeMap::new(),
            arriving: Vec::new(),
            leaving: Vec::new(),
            hosts: 0,
            policy: None,
            last: None,
            history: Vec::new(),
        };
        Self { plan, surroundings, inner: Mutex::new(inner) }
    }

    /// The act that goes on.
    #[must_use]
    pub fn act(&self) -> Act {
        self.inner().act
    }

    /// Goes on to an act.
    pub fn enter(&self, act: Act) {
        self.inner().act = act;
    }

    /// A generator for one of the run's tasks.
    #[must_use]
    pub fn generator(&self) -> SmallRng {
        SmallRng::seed_from_u64(self.inner().rng.r#gen())
    }

    /// A name for a host that will come.
    #[must_use]
    pub fn next_host(&self) -> String {
        let mut inner = self.inner();
        inner.hosts += 1;
        format!("host-{}", inner.hosts)
    }

    /// Brings a node on, on an empty disk; its process starts with the next step of the world.
    pub fn bring_on(&self, id: NodeId, role: Role, host: String) -> Arc<SimulatedNode> {
        let mut inner = self.inner();
        let drift = inner.rng.gen_range(-self.plan.drift..=self.plan.drift);
        let seed = inner.rng.r#gen();
        let surroundings = Arc::clone(&self.surroundings);
        let node = Arc::new(SimulatedNode::new(id, role, host, NodeClock::new(drift), seed, surroundings));
        node.disk.raft.set_latency(self.plan.disk_latency);
        inner.nodes.insert(id, Arc::clone(&node));
        inner.arriving.push(Arc::clone(&node));
        node
    }

    /// The nodes that wait to be put into the simulated network.
    #[must_use]
    pub fn take_arriving(&self) -> Vec<Arc<SimulatedNode>> {
        std::mem::take(&mut self.inner().arriving)
    }

    /// A node leaves for good.
    pub fn take_off(&self, id: NodeId) {
        let mut inner = self.inner();
        if let Some(node) = inner.nodes.remove(&id) {
            inner.arriving.retain(|arriving| arriving.id != id);
            inner.leaving.push(node);
        }
    }

    /// The nodes whose processes have to be ended.
    #[must_use]
    pub fn take_leaving(&self) -> Vec<Arc<SimulatedNode>> {
        std::mem::take(&mut self.inner().leaving)
    }

    /// The policy of the realm.
    #[must_use]
    pub fn policy(&self) -> Option<PolicyId> {
        self.inner().policy
    }

    /// Notes the policy of the realm.
    pub fn set_policy(&self, policy: Option<PolicyId>) {
        self.inner().policy = policy;
    }

    /// The state that all nodes ended with.
    #[must_use]
    pub fn last(&self) -> Option<Arc<State>> {
        self.inner().last.clone()
    }

    /// Notes the state that all nodes ended with.
    pub fn set_last(&self, state: Arc<State>) {
        self.inner().last = Some(state);
    }

    /// Every node that was not removed.
    #[must_use]
    pub fn nodes(&self) -> Vec<Arc<SimulatedNode>> {
        self.inner().nodes.values().cloned().collect()
    }

    /// One of them.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<Arc<SimulatedNode>> {
        self.inner().nodes.get(&id).cloned()
    }

    /// Keeps what a client saw.
    pub fn note(&self, operation: Operation) {
        self.inner().history.push(operation);
    }

    /// What clients saw.
    #[must_use]
    pub fn history(&self) -> Vec<Operation> {
        self.inner().history.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
