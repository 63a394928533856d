//! How a node ends: on a signal in good order, or with a clear word when a part of it fails.
//!
//! The order: not ready → served on for as long as load balancers need to notice → leadership moved → listeners closed and open requests ended → Raft stopped → storage released.

use crate::compose::Node;
use crate::evidence;
use passquorum_domain::audit::Actor;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Consensus as _, Membership as _};
use passquorum_raft::Phase;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// Leadership is handed over within this, or not at all.
const HAND_OVER: Duration = Duration::from_secs(5);
/// Open requests end within this.
const FAREWELL: Duration = Duration::from_secs(10);

/// A node ended though nobody told it to.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A part of it ended.
    #[error("{0} ended unexpectedly; the log says why")]
    Task(String),
    /// The realm removed it.
    #[error(
        "this node was removed from the realm; its id is never used again: empty its directory and join anew"
    )]
    Removed,
    /// Its disk is an old copy.
    #[error("{}: {} {}", ErrorCode::OldDisk, ErrorCode::OldDisk.meaning(), ErrorCode::OldDisk.remedy())]
    Outdated,
    /// Its state was not what the majority has.
    #[error(
        "{}: this node's state is not what the majority of nodes has, so it has left for good; the evidence is in {}; \
         keep the data directory, remove the node, and join anew with an empty directory",
        ErrorCode::Diverged,
        kept.display()
    )]
    Diverged {
        /// Where the evidence is.
        kept: PathBuf,
    },
    /// The realm's feature level rose above what this program supports.
    #[error(
        "{}: {} {}",
        ErrorCode::ProgramTooOld,
        ErrorCode::ProgramTooOld.meaning(),
        ErrorCode::ProgramTooOld.remedy()
    )]
    ProgramTooOld,
    /// The disk refused an operation, or what is on it is damaged.
    #[error("{code}: {} ({why}) {}", code.meaning(), code.remedy())]
    Storage {
        /// Which of the two.
        code: ErrorCode,
        /// What the storage said.
        why: String,
    },
}

/// openraft passes on only the text of what the storage said; there, damage begins with its name.
fn storage_failed(why: String) -> Failed {
    let code = if why.contains("corrupt ") { ErrorCode::Corrupt } else { ErrorCode::DiskFailed };
    Failed::Storage { code, why }
}

impl Failed {
    /// Whether the same command may work later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Storage { code: ErrorCode::DiskFailed, .. })
    }
}

/// Ends with the first SIGTERM or SIGINT that comes after this call.
pub fn stop_signal() -> io::Result<impl Future<Output = &'static str> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

impl Node {
    /// Runs until the signal, then stops in good order; or until a part fails.
    ///
    /// # Errors
    /// The first part that failed.
    pub async fn run_until(mut self, signal: impl Future<Output = &'static str>) -> Result<(), Failed> {
        let mut phase = self.cluster.phase();
        let failed = tokio::select! {
            name = signal => {
                tracing::info!(signal = name, "the node stops");
                None
            }
            ended = self.tasks.join_next() => Some(Failed::Task(match ended {
                Some(Ok(name)) => name.to_owned(),
                Some(Err(error)) => error.to_string(),
                None => "everything".to_owned(),
            })),
            ended = phase.wait_for(|phase| *phase != Phase::Running) => Some(match ended.map(|phase| *phase) {
                Ok(Phase::Removed) => Failed::Removed,
                Ok(Phase::Outdated) => Failed::Outdated,
                Ok(Phase::ProgramTooOld) => Failed::ProgramTooOld,
                Ok(Phase::Diverged) => Failed::Diverged { kept: self.data.evidence() },
                _ => storage_failed(self.cluster.storage_failure().unwrap_or_default()),
            }),
        };
        if let Some(failed) = &failed {
            tracing::error!(%failed, "the node stops");
        }
        if let Some(evidence) = self.cluster.evidence() {
            match evidence::keep(&self.data, &evidence) {
                Ok(folder) => {
                    tracing::error!(folder = %folder.display(), "the evidence of a divergence is kept")
                }
                Err(error) => tracing::error!(%error, "the evidence of a divergence cannot be kept"),
            }
        }
        self.health.drain();
        if failed.is_none() && !self.drain.is_zero() {
            tracing::info!(drain = ?self.drain, "the node is not ready any more and goes on serving for a while");
            tokio::time::sleep(self.drain).await;
        }
        self.stop().await;
        failed.map_or(Ok(()), Err)
    }

    /// Stops in good order.
    pub async fn stop(mut self) {
        self.health.drain();
        let status = self.cluster.status();
        if status.leader == Some(status.node) && status.quorum && status.members.len() > 1 {
            let actor = Actor::LocalOperator(status.node);
            match timeout(HAND_OVER, self.cluster.transfer_leader(None, actor)).await {
                Ok(Ok(leader)) => tracing::info!(%leader, "leadership moved"),
                Ok(Err(error)) => tracing::warn!(%error, "leadership could not be moved"),
                Err(_) => tracing::warn!("leadership could not be moved in time"),
            }
        }
        self.stopper.stop();
        let ended = timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("some requests were cut off");
            self.tasks.shutdown().await;
        }
        self.cluster.halt().await;
        tracing::info!("the node has stopped");
    }
}
