//! The mirror is fenced (DESIGN 1.6: never two nodes that write as if each were leader): in the container the fence only
//! grows, and each document shows the state as of its fence's index, with a leader of its fence's term (openraft lets a
//! higher id take a term over, so there may be two, one after the other).

use super::Broken;
use passquorum_domain::blob::Blob;
use passquorum_domain::ids::NodeId;
use passquorum_domain::mirror::{Projection, shows_the_same};
use passquorum_domain::ports::{Fence, Leadership};
use passquorum_domain::state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NAME: &str = "mirror-fenced";
/// Stands for the leader, who is not part of a state.
const ANYBODY: NodeId = NodeId(0);

/// A write that took effect.
#[derive(Debug)]
pub struct Written {
    /// Who wrote.
    pub by: NodeId,
    /// Under which fence.
    pub fence: Fence,
    /// What.
    pub document: Blob,
}

/// Every write, in the order in which they took effect.
#[derive(Default)]
pub struct Fences(Vec<Written>);

impl Fences {
    /// Takes a write.
    pub fn observe(&mut self, written: Written) -> Result<(), Broken> {
        let (now, by) = (written.fence, written.by);
        let last = self.0.last().map(|last| (last.fence, last.by));
        self.0.push(written);
        match last {
            Some((fence, earlier)) if fence >= now => {
                let what =
                    format!("node {by} wrote under {now} over what node {earlier} wrote under {fence}");
                Err(Broken::new(NAME, what))
            }
            _ => Ok(()),
        }
    }

    /// All of them.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.0
    }
}

/// What there was to be shown.
#[derive(Default)]
pub struct Shown {
    last: Option<(Arc<State>, Blob)>,
    /// By index, without the leader.
    documents: BTreeMap<u64, Blob>,
    leaders: BTreeMap<u64, BTreeSet<NodeId>>,
}

impl Shown {
    /// Takes whom a node takes for the leader.
    pub fn believe(&mut self, belief: Leadership) {
        if let Some(leader) = belief.leader {
            self.leaders.entry(belief.term).or_default().insert(leader);
        }
    }

    /// Takes a state as of an index, as a node has applied it or read it.
    pub fn observe(&mut self, node: NodeId, index: u64, state: &Arc<State>) -> Result<(), Broken> {
        let known = self.last.as_ref().filter(|(last, _)| shows_the_same(last, state));
        let document = match known {
            Some((_, document)) => document.clone(),
            None => match Projection::of(state, ANYBODY) {
                Some(projection) => projection.to_document(),
                None => return Ok(()),
            },
        };
        self.last = Some((Arc::clone(state), document.clone()));
        if *self.documents.entry(index).or_insert_with(|| document.clone()) == document {
            return Ok(());
        }
        Err(Broken::new(
            NAME,
            format!("node {node} has something else to show as of index {index} than another"),
        ))
    }

    /// Whether a document shows what it claims to.
    pub fn judge(&self, written: &Written) -> Result<(), Broken> {
        let Written { by, fence, document } = written;
        let broken = |what: &str| Broken::new(NAME, format!("node {by} wrote under {fence} {what}"));
        let shown: Projection = serde_json::from_slice(document.as_bytes())
            .map_err(|error| broken(&format!("no document: {error}")))?;
        let leaders = self.leaders.get(&fence.term);
        if !leaders.is_some_and(|leaders| leaders.contains(by)) || shown.leader != *by {
            return Err(broken(&format!("as the leader, which {leaders:?} were")));
        }
        let shown = Projection { leader: ANYBODY, ..shown }.to_document();
        match self.documents.get(&fence.index) {
            Some(there_was) if *there_was == shown => Ok(()),
            _ => Err(broken("a state that there was not")),
        }
    }
}
