//! The mirror: keeps the storage container as the realm's state has it, from the node that leads.
//!
//! A node writes only while it leads, and only what a linearizable read of its own term has just confirmed; the fence of
//! each write is that term and the state's log index. Nothing is written when the container shows the same already,
//! except once per reign, to raise the fence over every leader before. A higher fence that is found means that another
//! node leads: this one steps back. A write without an answer is settled by reading again; it cannot do harm when it
//! arrives late, since what it wants to replace is gone by then.
//!
//! The loop reads no clock but tokio's, and draws nothing. It must not know Raft or LDAP.

use passquorum_domain::ids::NodeId;
use passquorum_domain::mirror::{Projection, shows_the_same};
use passquorum_domain::ports::{Container, ContainerError, Fence, LeaderRead, LeaderReads, Leadership};
use passquorum_domain::state::State;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Knows the container that a state's configuration names.
pub trait Containers: Send + Sync {
    /// The container, or `None` when the realm is not to be mirrored.
    fn container(&self, state: &State) -> Result<Option<Arc<dyn Container>>, ContainerError>;
}

/// When the mirror acts of itself.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The pause after a first failure; it doubles with each further one.
    pub retry_min: Duration,
    /// The longest pause.
    pub retry_max: Duration,
    /// How often a container that was right is looked at again, in case somebody else has changed it.
    pub recheck: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            recheck: Duration::from_secs(60),
        }
    }
}

/// How the mirror is doing on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum MirrorStatus {
    /// This node does not lead, or has only just begun to.
    Waiting,
    /// The configuration names no container.
    Off,
    /// The container shows this node's state.
    Current {
        /// The fence it was written under.
        fence: Fence,
    },
    /// A newer leader has written; this node has stepped back.
    SteppedBack {
        /// The fence that was found.
        found: Fence,
    },
    /// It could not be read or written, and will be tried again.
    Failing {
        /// Why.
        error: String,
    },
}

/// What the loop is run with.
pub struct Mirror {
    /// This node.
    pub node: NodeId,
    /// Who leads.
    pub leadership: watch::Receiver<Leadership>,
    /// The state after each applied batch.
    pub states: watch::Receiver<Arc<State>>,
    /// The leader's own reads.
    pub reads: Arc<dyn LeaderReads>,
    /// Where to write.
    pub containers: Arc<dyn Containers>,
    /// When.
    pub timing: Timing,
    /// Where the loop tells how it does.
    pub status: watch::Sender<MirrorStatus>,
}

impl Mirror {
    /// Runs until the cluster ends.
    pub async fn run(self) {
        let mut leadership = self.leadership.clone();
        loop {
            let term = leadership.borrow_and_update().term_of(self.node);
            let ended = match term {
                None => {
                    self.tell(MirrorStatus::Waiting);
                    leadership.changed().await.is_err()
                }
                Some(term) => {
                    let over = leadership.wait_for(|now| now.term_of(self.node) != Some(term));
                    let over = async { over.await.is_err() };
                    tokio::select! {
                        biased;
                        ended = over => ended,
                        () = self.reign(term) => true,
                    }
                }
            };
            if ended {
                return;
            }
        }
    }

    /// Keeps the container true for one term; ends with the cluster. It is dropped the moment leadership is lost.
    async fn reign(&self, term: u64) {
        let mut states = self.states.clone();
        let mut pause = self.timing.retry_min;
        loop {
            let (shown, status) = match self.reads.read_as_leader().await {
                Ok(read) if read.term == term => {
                    let status = self.show(&read).await.unwrap_or_else(MirrorStatus::of);
                    (read.state, status)
                }
                _ => (states.borrow().clone(), MirrorStatus::unconfirmed()),
            };
            let wait = match &status {
                MirrorStatus::Failing { .. } => {
                    let wait = pause;
                    pause = pause.saturating_mul(2).min(self.timing.retry_max);
                    wait
                }
                _ => {
                    pause = self.timing.retry_min;
                    self.timing.recheck
                }
            };
            self.tell(status);
            tokio::select! {
                biased;
                changed = states.wait_for(|now| !shows_the_same(now, &shown)) => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Makes the container show what was read.
    async fn show(&self, read: &LeaderRead) -> Result<MirrorStatus, ContainerError> {
        let projection = Projection::of(&read.state, self.node);
        let (Some(container), Some(projection)) = (self.containers.container(&read.state)?, projection)
        else {
            return Ok(MirrorStatus::Off);
        };
        let document = projection.to_document();
        let own = Fence { term: read.term, index: read.index };
        let held = container.read().await?;
        let seen = held.as_ref().map(|held| held.fence);
        if let Some(held) = held.filter(|held| held.fence.term == own.term && held.document == document) {
            return Ok(MirrorStatus::Current { fence: held.fence });
        }
        container.swap(seen, own, &document).await?;
        tracing::info!(fence = %own, bytes = document.as_bytes().len(), "the realm was mirrored");
        Ok(MirrorStatus::Current { fence: own })
    }

    fn tell(&self, status: MirrorStatus) {
        let news = status.clone();
        if self.status.send_if_modified(|shown| std::mem::replace(shown, status) != *shown) {
            match news {
                MirrorStatus::Failing { error } => tracing::warn!(error, "the realm cannot be mirrored now"),
                MirrorStatus::SteppedBack { found } => {
                    tracing::warn!(%found, "a newer leader has mirrored the realm; this node steps back");
                }
                MirrorStatus::Waiting | MirrorStatus::Off | MirrorStatus::Current { .. } => {}
            }
        }
    }
}

impl fmt::Display for MirrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("the leader's"),
            Self::Off => f.write_str("off"),
            Self::Current { fence } => write!(f, "current under fence {fence}"),
            Self::SteppedBack { found } => write!(f, "a newer leader has written under fence {found}"),
            Self::Failing { error } => write!(f, "FAILING: {error}"),
        }
    }
}

impl MirrorStatus {
    fn of(error: ContainerError) -> Self {
        match error {
            ContainerError::Stale { found, .. } => Self::SteppedBack { found },
            error => Self::Failing { error: error.to_string() },
        }
    }

    fn unconfirmed() -> Self {
        Self::Failing { error: "no quorum confirms that this node leads".to_owned() }
    }
}
