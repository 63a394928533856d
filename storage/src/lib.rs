//! Durable storage of one Raft member: its log, its vote, its applied state and its snapshots.
//!
//! What is on disk when a call returns:
//!
//! | call | durable when it returns |
//! |---|---|
//! | `save_vote`, `truncate` | yes |
//! | `append` | no; the callback comes once it is, or at once for a leader's own proposals: see [`log`] |
//! | `save_committed`, `purge` | no; they ride along with the next durable write |
//! | `apply` | nothing is written; the state on disk is the newest snapshot and the log after it, which is waited for |
//! | `build_snapshot`, `install_snapshot` | yes, the snapshot file |
//!
//! Durable means that it survives a power cut, not only the end of the process. After the first failed
//! write nothing is acknowledged any more. A value that cannot be read, or a hole in the log, is an error
//! that stops Raft; nothing is ever skipped.
//!
//! This crate knows bytes and openraft's storage traits. It must not know the domain, the network, time or
//! randomness.

pub mod codec;
pub mod digest;
pub mod engine;
pub mod error;
pub mod format;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod log;
pub mod machine;
mod off_task;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
pub mod records;
pub mod snapshot;
pub mod state;
pub mod store;

pub use codec::{CodecError, Kind, decode, encode};
pub use digest::CellsDigest;
pub use engine::Durability;
pub use error::StoreError;
pub use log::{Durable, LogStore};
pub use machine::{Machine, MachineError, Position};
pub use records::Records;
pub use snapshot::SnapshotBody;
pub use state::{Published, StateStore};
pub use store::{MemoryDisk, Store};

use openraft::{Entry, RaftTypeConfig};

/// The openraft type configurations that this crate can store: ids are `u64`, entries are openraft's own,
/// commands can be cloned (cheaply, since each entry is handed out once per reader).
pub trait RaftConfig:
    RaftTypeConfig<NodeId = u64, Entry = Entry<Self>, SnapshotData = SnapshotBody, D: Clone>
{
}

impl<C> RaftConfig for C where
    C: RaftTypeConfig<NodeId = u64, Entry = Entry<C>, SnapshotData = SnapshotBody, D: Clone>
{
}
