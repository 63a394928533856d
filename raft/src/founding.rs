//! A cluster that begins with a state: the storage of its first node, written before that node runs. And the state for
//! it, read from the disk of a member when disks are all that is left of a cluster.

use crate::error::StartError;
use crate::integrity::books::{self, Standing};
use crate::state_machine::Replica;
use crate::types::{NodeInfo, TypeConfig};
use openraft::storage::RaftStateMachine as _;
use openraft::{CommittedLeaderId, LogId, Membership, RaftLogReader as _, StorageError};
use passquorum_domain::ids::NodeId;
use passquorum_domain::state::State;
use passquorum_storage::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Terms that an epoch has before it reaches those of the next one. Whatever is fenced by a term is so fenced by the
/// epoch too: nothing that the lost cluster did later than the state at hand is newer than what the new one does.
const TERMS_OF_AN_EPOCH: u32 = 20;

/// How far a log is. The one that is further has everything that the other one had acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// The term of the last entry.
    pub term: u64,
    /// Its index.
    pub index: u64,
}

/// What is on the disk of a member that is stopped.
#[derive(Debug, Clone)]
pub struct Survivor {
    /// The state with every entry of the log applied. The last ones may never have been acknowledged to anybody.
    pub state: Arc<State>,
    /// Where the log ends.
    pub reached: Reached,
}

fn failed(error: StorageError<u64>) -> StoreError {
    StoreError::Stopped(error.to_string())
}

/// Reads a member's storage. Nothing of it changes.
///
/// # Errors
/// It cannot be read, is in use, or is not to be believed: see [`StartError`].
pub async fn survey(directory: &Path) -> Result<Survivor, StartError> {
    let Store { mut log, mut state } = Store::<TypeConfig, Replica>::open(directory)?;
    match books::standing(&log.records())? {
        None => {}
        Some(Standing::Diverged(index)) => return Err(StartError::Diverged { index }),
        Some(Standing::Outdated) => return Err(StartError::Outdated),
    }
    let last = log.last_log_id().max(state.last_applied());
    while state.last_applied() < last {
        let next = state.last_applied().map_or(0, |applied| applied.index.saturating_add(1));
        let entries = log.limited_get_log_entries(next, u64::MAX).await.map_err(failed)?;
        if entries.is_empty() {
            return Err(StoreError::Refused(format!("the log has no entry {next}")).into());
        }
        state.apply(entries).await.map_err(failed)?;
    }
    let reached = last.map_or(Reached { term: 0, index: 0 }, |last| Reached {
        term: last.leader_id.term,
        index: last.index,
    });
    let published = state.subscribe();
    let state = published.borrow().machine.state();
    Ok(Survivor { state, reached })
}

/// Makes the storage of a node that alone is a cluster, with a state whose epoch has begun. `reached` is where the state
/// stood before.
///
/// # Errors
/// [`StoreError::Refused`] if there is something already; else the disk's.
pub async fn found(
    directory: &Path,
    state: State,
    node: NodeId,
    cluster_address: &str,
    reached: Reached,
) -> Result<(), StoreError> {
    let epoch = state.realm().map_or(0, |realm| realm.epoch);
    let term = (u64::from(epoch) << TERMS_OF_AN_EPOCH).max(reached.term.saturating_add(1));
    let last = LogId::new(CommittedLeaderId::new(term, node.0), reached.index.saturating_add(1));
    let info = NodeInfo { cluster_address: cluster_address.to_owned() };
    let members = Membership::new(vec![BTreeSet::from([node.0])], BTreeMap::from([(node.0, info)]));
    Store::<TypeConfig, Replica>::found(directory, node.0, last, Replica::holding(state), members).await
}
