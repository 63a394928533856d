//! Snapshots in pieces: begun, resumed where they broke off, checked as a whole, then installed.

use crate::raft_network::{Peer, PeerError};
use crate::transport::frame::Refusal;
use crate::transport::request::{Request, SNAPSHOT_CHUNK};
use crate::types::{NodeInfo, TypeConfig};
use crate::wire::{SnapshotBegin, SnapshotChunk, SnapshotInstall, SnapshotLength};
use openraft::raft::SnapshotResponse;
use openraft::{Raft, Snapshot, SnapshotMeta, Vote};
use passquorum_domain::ids::NodeId;
use passquorum_storage::{SnapshotBody, StoreError};
use std::time::Duration;
use tokio::sync::Mutex;

/// One piece takes this long at most.
const PIECE: Duration = Duration::from_secs(10);
/// The check and the installation take this long at most.
const INSTALL: Duration = Duration::from_secs(60);

/// Why a snapshot was not sent. openraft tries again, and what arrived is not sent twice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a snapshot.
pub(crate) async fn send(
    peer: &Peer,
    vote: Vote<u64>,
    snapshot: &Snapshot<TypeConfig>,
) -> Result<SnapshotResponse<u64>, SendError> {
    let body = &snapshot.snapshot;
    let begin = SnapshotBegin { vote, meta: snapshot.meta.clone(), length: body.len() };
    let SnapshotLength(mut offset) = peer.ask(Request::SnapshotBegin, &begin, PIECE).await?;
    while offset < body.len() {
        let bytes = body.read_at(offset, SNAPSHOT_CHUNK)?;
        let chunk = SnapshotChunk { offset, bytes };
        SnapshotLength(offset) = peer.ask(Request::SnapshotChunk, &chunk, PIECE).await?;
    }
    let install = SnapshotInstall { vote, snapshot_id: snapshot.meta.snapshot_id.clone() };
    Ok(peer.ask(Request::SnapshotInstall, &install, INSTALL).await?)
}

struct Arriving {
    from: NodeId,
    meta: SnapshotMeta<u64, NodeInfo>,
    length: u64,
    body: Box<SnapshotBody>,
}

/// The snapshot that is arriving, at most one.
#[derive(Default)]
pub(crate) struct Receiver(Mutex<Option<Arriving>>);

impl Receiver {
    /// Begins, or says how much of the same snapshot is here already.
    pub(crate) async fn begin(
        &self,
        raft: &Raft<TypeConfig>,
        from: NodeId,
        begin: SnapshotBegin,
    ) -> Result<SnapshotLength, Refusal> {
        let mut slot = self.0.lock().await;
        if let Some(arriving) = slot.as_ref()
            && arriving.from == from
            && arriving.meta == begin.meta
            && arriving.length == begin.length
        {
            return Ok(SnapshotLength(arriving.body.len()));
        }
        let body = raft.begin_receiving_snapshot().await.map_err(|_| Refusal::NotRunning)?;
        *slot = Some(Arriving { from, meta: begin.meta, length: begin.length, body });
        Ok(SnapshotLength(0))
    }

    /// Takes a piece. One that is here already changes nothing.
    pub(crate) async fn take(&self, from: NodeId, chunk: SnapshotChunk) -> Result<SnapshotLength, Refusal> {
        let mut slot = self.0.lock().await;
        let arriving = slot.as_mut().filter(|a| a.from == from).ok_or(Refusal::Malformed)?;
        let have = arriving.body.len();
        let end = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        if chunk.bytes.is_empty() || end > arriving.length {
            return Err(Refusal::Malformed);
        }
        if chunk.offset == have {
            arriving.body.append(have, &chunk.bytes).map_err(|error| {
                tracing::error!(%error, "a piece of a snapshot cannot be kept");
                Refusal::NotRunning
            })?;
        }
        Ok(SnapshotLength(arriving.body.len()))
    }

    /// Checks and installs what arrived. A damaged snapshot is dropped, and comes again from the start.
    pub(crate) async fn install(
        &self,
        raft: &Raft<TypeConfig>,
        from: NodeId,
        install: SnapshotInstall,
    ) -> Result<SnapshotResponse<u64>, Refusal> {
        let arrived = self.0.lock().await.take();
        let Arriving { meta, body, .. } = arrived
            .filter(|a| {
                a.from == from && a.meta.snapshot_id == install.snapshot_id && a.body.len() == a.length
            })
            .ok_or(Refusal::Malformed)?;
        let snapshot = body.verified().await.map_err(|error| {
            tracing::warn!(%error, peer = %from, "a snapshot arrived damaged; it will be sent again");
            Refusal::Malformed
        })?;
        let snapshot = Snapshot { meta, snapshot };
        raft.install_full_snapshot(install.vote, snapshot).await.map_err(|_| Refusal::NotRunning)
    }
}
