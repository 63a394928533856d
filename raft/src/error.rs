//! Why a node of the cluster does not start.

use crate::tuning::TuningError;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_storage::StoreError;
use std::io;

/// The stable code of what the storage says, where it has one.
#[must_use]
pub fn storage_code(error: &StoreError) -> Option<ErrorCode> {
    match error {
        StoreError::Corrupt { .. } => Some(ErrorCode::Corrupt),
        StoreError::Io { .. } | StoreError::Stopped(_) => Some(ErrorCode::DiskFailed),
        StoreError::FormatTooNew { .. } => Some(ErrorCode::ProgramTooOld),
        StoreError::Locked { .. } | StoreError::Refused(_) => None,
    }
}

/// What the storage says, behind its code.
#[must_use]
pub fn coded(error: &StoreError) -> String {
    storage_code(error).map_or_else(|| error.to_string(), |code| format!("{code}: {error}"))
}

/// A node that did not start, or could not become a cluster.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The times do not go together.
    #[error(transparent)]
    Tuning(#[from] TuningError),
    /// The certificate is another node's.
    #[error(
        "this is node {node}, but its certificate names node {certified}; use the certificate it was given"
    )]
    OtherNode {
        /// This node.
        node: NodeId,
        /// Whom the certificate names.
        certified: NodeId,
    },
    /// Its address cannot be listened on.
    #[error("cannot listen for peers on {address}: {source}; free the address, or configure another")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// It was removed from the realm, so its id is gone for good.
    #[error("node {0} was removed from the realm; empty its data directory and join again with a new token")]
    Removed(NodeId),
    /// Its state was found to be wrong.
    #[error(
        "{code}: this node's state differed from the majority's at log entry {index}, so it never starts again on this \
         data; keep its directory for inspection, remove the node from the realm, and join anew with an empty directory",
        code = ErrorCode::Diverged
    )]
    Diverged {
        /// The log index at which it was found.
        index: u64,
    },
    /// Its disk is an old copy.
    #[error(
        "{}: the data directory of this node is an old copy, as others have recognised; remove the node from the realm \
         and join anew with an empty directory",
        ErrorCode::OldDisk
    )]
    Outdated,
    /// The realm runs at a feature level that this program does not support.
    #[error(
        "{code}: the realm runs at feature level {level}, and this program supports {supported}; nothing was changed; start \
         the release that this node ran before, or a newer one",
        code = ErrorCode::ProgramTooOld, supported = FeatureLevel::CURRENT
    )]
    ProgramTooOld {
        /// The realm's level.
        level: FeatureLevel,
    },
    /// What it keeps about itself cannot be read.
    #[error("{}", coded(.0))]
    Storage(#[from] StoreError),
    /// Raft does not start on this storage.
    #[error("Raft does not start: {0}")]
    Raft(String),
    /// A cluster was made of this node before, or it has joined one.
    #[error("this node is part of a cluster already")]
    AlreadyInitialized,
}
