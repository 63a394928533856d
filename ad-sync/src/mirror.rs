//! The mirror: keeps the storage container and the service connection points as the realm's state has them, from the node
//! that leads.
//!
//! A node writes only while it leads, and only what a linearizable read of its own term has just confirmed; the fence of
//! each write is that term and the state's log index. Nothing is written when the container shows the same already,
//! except once per reign, to raise the fence over every leader before. A higher fence that is found means that another
//! node leads: this one steps back. A write without an answer is settled by reading again; it cannot do harm when it
//! arrives late, since what it wants to replace is gone by then.
//!
//! The points come after the container, and only in a round in which that one bore this leader's own fence.
//!
//! The loop waits by tokio's clock alone, reads the wall clock for time stamps, and draws nothing. It must not know Raft or
//! LDAP.

use passquorum_domain::ids::NodeId;
use passquorum_domain::mirror::{Projection, shows_the_same};
use passquorum_domain::points::{self, Step};
use passquorum_domain::ports::{
    Clock, ConnectionPoints, Container, ContainerError, Fence, LeaderRead, LeaderReads, Leadership, Mark,
    PointsError,
};
use passquorum_domain::state::State;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Knows what a state's configuration names.
pub trait Containers: Send + Sync {
    /// The container, or `None` when the realm is not to be mirrored.
    fn container(&self, state: &State) -> Result<Option<Arc<dyn Container>>, ContainerError>;

    /// The service connection points of the domain that the container is in, if there can be any.
    fn points(&self, _: &State) -> Result<Option<Arc<dyn ConnectionPoints>>, PointsError> {
        Ok(None)
    }
}

/// When the mirror acts of itself.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The pause after a first failure; it doubles with each further one.
    pub retry_min: Duration,
    /// The longest pause.
    pub retry_max: Duration,
    /// How often it is asked whether somebody else has touched what was right.
    pub poll: Duration,
    /// How often all of it is looked at again, touched or not.
    pub recheck: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            poll: Duration::from_secs(5),
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
    /// For time stamps.
    pub clock: Arc<dyn Clock>,
    /// Where the loop tells how the container does.
    pub status: watch::Sender<MirrorStatus>,
    /// Where it tells how the points do.
    pub points: watch::Sender<MirrorStatus>,
}

/// What was right, and how to tell that it still is.
#[derive(Default)]
struct Looked {
    container: Option<(Arc<dyn Container>, Mark)>,
    points: Option<(Arc<dyn ConnectionPoints>, Mark)>,
}

impl Mirror {
    /// Runs until the cluster ends.
    pub async fn run(self) {
        let mut leadership = self.leadership.clone();
        loop {
            let term = leadership.borrow_and_update().term_of(self.node);
            let ended = match term {
                None => {
                    self.tell(MirrorStatus::Waiting, MirrorStatus::Waiting);
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

    /// Keeps everything true for one term; ends with the cluster. It is dropped the moment leadership is lost.
    async fn reign(&self, term: u64) {
        let mut states = self.states.clone();
        let mut pause = self.timing.retry_min;
        loop {
            let mut looked = Looked::default();
            let mut failed = true;
            let shown = match self.reads.read_as_leader().await {
                Ok(read) if read.term == term => {
                    failed = !self.round(&read, &mut looked).await;
                    read.state
                }
                _ => {
                    self.tell(MirrorStatus::unconfirmed(), MirrorStatus::unconfirmed());
                    states.borrow().clone()
                }
            };
            let wait = if failed { pause } else { self.timing.recheck };
            pause = if failed {
                pause.saturating_mul(2).min(self.timing.retry_max)
            } else {
                self.timing.retry_min
            };
            tokio::select! {
                biased;
                changed = states.wait_for(|now| !shows_the_same(now, &shown)) => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
                () = self.until_touched(&looked), if !failed => {}
            }
        }
    }

    /// Makes everything as it was read; answers whether that was done.
    async fn round(&self, read: &LeaderRead, looked: &mut Looked) -> bool {
        let status = self.show(read, looked).await.unwrap_or_else(MirrorStatus::of);
        let points = match &status {
            MirrorStatus::Current { .. } => {
                self.publish(read, looked).await.unwrap_or_else(MirrorStatus::of_points)
            }
            // Whoever may not write the container may not write these.
            other => other.clone(),
        };
        let failed = |status: &MirrorStatus| matches!(status, MirrorStatus::Failing { .. });
        let done = !failed(&status) && !failed(&points);
        self.tell(status, points);
        done
    }

    /// Makes the container show what was read.
    async fn show(&self, read: &LeaderRead, looked: &mut Looked) -> Result<MirrorStatus, ContainerError> {
        let projection = Projection::of(&read.state, self.node);
        let (Some(container), Some(projection)) = (self.containers.container(&read.state)?, projection)
        else {
            return Ok(MirrorStatus::Off);
        };
        let document = projection.to_document();
        let own = Fence { term: read.term, index: read.index };
        // The mark comes first, so that a change between the two is seen next time.
        let mark = container.mark().await?;
        let held = container.read().await?;
        looked.container = Some((Arc::clone(&container), mark));
        let seen = held.as_ref().map(|held| held.fence);
        if let Some(held) = held.filter(|held| held.fence.term == own.term && held.document == document) {
            return Ok(MirrorStatus::Current { fence: held.fence });
        }
        container.swap(seen, own, &document).await?;
        tracing::info!(fence = %own, bytes = document.as_bytes().len(), "the realm was mirrored");
        Ok(MirrorStatus::Current { fence: own })
    }

    /// Makes the points show what was read.
    async fn publish(&self, read: &LeaderRead, looked: &mut Looked) -> Result<MirrorStatus, PointsError> {
        let (Some(realm), Some(points)) = (read.state.realm(), self.containers.points(&read.state)?) else {
            return Ok(MirrorStatus::Off);
        };
        let own = Fence { term: read.term, index: read.index };
        let mark = points.mark().await?;
        let found = points.list().await?;
        looked.points = Some((Arc::clone(&points), mark));
        let wanted = points::wanted(&read.state);
        let mut without_room = None;
        for step in points::plan(realm.id, wanted, &found, own, self.clock.now())? {
            match step {
                Step::Publish { seen, point, stamp } => {
                    points.publish(seen, &point, stamp, own).await?;
                    tracing::info!(node = %point.node, url = point.url, "a service connection point was written");
                }
                Step::Withdraw(point) => {
                    points.remove(point).await?;
                    tracing::info!(dn = %point.dn, "the service connection point of a node that left was removed");
                }
                Step::GiveUp(node) => without_room = Some(PointsError::TooLong { node }),
            }
        }
        if let Some(error) = without_room {
            return Err(error);
        }
        Ok(MirrorStatus::Current { fence: own })
    }

    /// Waits until something is not as it was, or cannot be asked about any more. What this node wrote itself counts: it
    /// is looked at once more, which finds it right.
    async fn until_touched(&self, looked: &Looked) {
        loop {
            tokio::time::sleep(self.timing.poll).await;
            if let Some((container, mark)) = &looked.container
                && container.mark().await.ok() != Some(*mark)
            {
                return;
            }
            if let Some((points, mark)) = &looked.points
                && points.mark().await.ok() != Some(*mark)
            {
                return;
            }
        }
    }

    fn tell(&self, status: MirrorStatus, points: MirrorStatus) {
        let say = |what: &str, status: MirrorStatus| match status {
            MirrorStatus::Failing { error } => tracing::warn!(error, "{what} cannot be written now"),
            MirrorStatus::SteppedBack { found } => {
                tracing::warn!(%found, "a newer leader has written {what}; this node steps back");
            }
            MirrorStatus::Waiting | MirrorStatus::Off | MirrorStatus::Current { .. } => {}
        };
        let news = |teller: &watch::Sender<MirrorStatus>, status: MirrorStatus| {
            teller.send_if_modified(|shown| std::mem::replace(shown, status.clone()) != *shown)
        };
        if news(&self.status, status.clone()) {
            say("the storage container", status);
        }
        if news(&self.points, points.clone()) {
            say("the service connection points", points);
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

    fn of_points(error: PointsError) -> Self {
        match error {
            PointsError::Stale { found, .. } => Self::SteppedBack { found },
            error => Self::Failing { error: error.to_string() },
        }
    }

    fn unconfirmed() -> Self {
        Self::Failing { error: "no quorum confirms that this node leads".to_owned() }
    }
}
