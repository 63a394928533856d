//! What is looked at while a run goes on: each node tells of every state and leadership that it passes through, and the
//! first property that breaks is kept.

use crate::invariant::election_safety::Leaders;
use crate::invariant::membership::Leavers;
use crate::invariant::state_match::States;
use crate::invariant::{Broken, membership};
use crate::trace::{Trace, What};
use passquorum_domain::ids::NodeId;
use passquorum_raft::{Applied, Cluster, Leadership, Progress};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The eyes on all nodes.
#[derive(Default)]
pub struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    broken: Option<Broken>,
    leaders: Leaders,
    states: States,
    leavers: Leavers,
    leader: Option<NodeId>,
    ended: Vec<(NodeId, String)>,
}

impl Watch {
    /// The first property that broke.
    #[must_use]
    pub fn broken(&self) -> Option<Broken> {
        self.seen().broken.clone()
    }

    /// Notes that a property broke, unless another did before.
    pub fn breaks(&self, broken: Broken) {
        self.seen().broken.get_or_insert(broken);
    }

    /// The node that was last seen to lead.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.seen().leader
    }

    /// Notes that a node's process ended by itself.
    pub fn ended(&self, node: NodeId, why: &str) {
        self.seen().ended.push((node, why.to_owned()));
    }

    /// The processes that ended by themselves since the last question.
    #[must_use]
    pub fn take_ended(&self) -> Vec<(NodeId, String)> {
        std::mem::take(&mut self.seen().ended)
    }

    /// Looks at what a node believes and has applied; returns index and digest of a fresh state.
    fn look(&self, node: NodeId, belief: Leadership, fresh: Option<&Progress>) -> Option<(u64, u64)> {
        let mut seen = self.seen();
        let looked = seen.look(node, belief, fresh);
        match looked {
            Ok(state) => state,
            Err(broken) => {
                seen.broken.get_or_insert(broken);
                None
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn look(
        &mut self,
        node: NodeId,
        belief: Leadership,
        fresh: Option<&Progress>,
    ) -> Result<Option<(u64, u64)>, Broken> {
        if belief.leader == Some(node) {
            self.leader = Some(node);
        }
        self.leaders.observe_term(node, belief.term)?;
        let Some(progress) = fresh else { return Ok(None) };
        if let Some(Applied { term, leader, index }) = progress.applied {
            self.leaders.observe_entry(node, index, (term, leader))?;
        }
        membership::check(node, belief, progress)?;
        self.leavers.observe(node, progress)?;
        self.states.observe(node, progress)
    }
}

/// Follows a node as long as its process lives.
pub async fn follow(cluster: Arc<Cluster>, watch: Arc<Watch>, trace: Arc<Trace>) {
    let node = passquorum_domain::ports::Consensus::node(cluster.as_ref());
    let (mut states, mut leadership) = (cluster.states(), cluster.leadership());
    let (mut led, mut applied, mut term) = (None, None, 0);
    loop {
        let now = *leadership.borrow_and_update();
        states.borrow_and_update();
        if now.term != term {
            term = now.term;
            trace.record(What::Term(node, term));
        }
        let leads = (now.leader == Some(node)).then_some(now.term);
        if leads != led {
            trace.record(match leads {
                Some(term) => What::Leads(node, term),
                None => What::Follows(node),
            });
            led = leads;
        }
        let progress = cluster.progress();
        let fresh = progress.applied != applied;
        applied = progress.applied;
        if let Some((index, digest)) = watch.look(node, now, fresh.then_some(&progress)) {
            trace.record(What::Applied(node, index, digest));
        }
        let gone = tokio::select! {
            biased;
            changed = leadership.changed() => changed.is_err(),
            changed = states.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
    }
}
