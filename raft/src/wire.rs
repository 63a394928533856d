//! What peers say to one another, each in an envelope of the storage codec with a kind of its own.

use crate::gateway::Answered;
use crate::integrity::rounds::Told;
use crate::integrity::witness::{Introduction, Recognition};
use crate::transport::frame::Refusal;
use crate::types::{NodeInfo, TypeConfig};
use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{LogId, SnapshotMeta, Vote};
use passquorum_domain::address::HostPort;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Command;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::MembershipError;
use passquorum_storage::codec::{self, CodecError, Kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A message and the kind that its envelope names.
pub(crate) trait Message: Serialize + DeserializeOwned {
    const KIND: Kind;

    fn encode(&self) -> Result<Bytes, CodecError> {
        codec::encode(Self::KIND, self).map(Bytes::from)
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(Self::KIND, bytes)
    }

    /// Reads a request that a peer sent.
    fn from_peer(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::decode(bytes).map_err(|error| {
            tracing::warn!(%error, "a peer's request cannot be read");
            Refusal::Malformed
        })
    }

    /// Writes the answer for a peer.
    fn into_answer(self) -> Result<Vec<u8>, Refusal> {
        codec::encode(Self::KIND, &self).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written");
            Refusal::NotRunning
        })
    }
}

macro_rules! messages {
    ($($number:literal $type:ty;)*) => {
        $(impl Message for $type {
            const KIND: Kind = Kind::new($number, 1);
        })*
    };
}

messages! {
    110 AppendEntriesRequest<TypeConfig>;
    111 AppendEntriesResponse<u64>;
    112 VoteRequest<u64>;
    113 VoteResponse<u64>;
    114 SnapshotBegin;
    115 SnapshotLength;
    116 SnapshotChunk;
    117 SnapshotInstall;
    118 SnapshotResponse<u64>;
    119 Done;
    120 Command;
    121 Proposed;
    122 ReadPoint;
    123 Option<Report>;
    124 Change;
    125 Changed;
    126 Told;
    127 openraft::Entry<TypeConfig>;
    128 Introduction;
    129 Recognition;
    130 Canvass;
    131 Canvassed;
    132 Announcement;
    133 Renew;
    134 Renewed;
    135 Answered;
    136 Supported;
}

/// Begins a snapshot, or takes up one that was broken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotBegin {
    pub(crate) vote: Vote<u64>,
    pub(crate) meta: SnapshotMeta<u64, NodeInfo>,
    pub(crate) length: u64,
}

/// How much of the snapshot has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotLength(pub(crate) u64);

/// A piece of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotChunk {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Installs the snapshot, all of which was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotInstall {
    pub(crate) vote: Vote<u64>,
    pub(crate) snapshot_id: String,
}

/// Nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done;

/// What became of a proposal at the leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Proposed {
    /// It was committed and applied.
    Committed(Outcome),
    /// Nothing was done: somebody else leads, or nobody.
    NotLeader,
    /// Nothing was done: the leader has no quorum behind it.
    NoQuorum,
    /// Nothing was done: the proposing node's clock is too far from the leader's.
    ClockSkew,
    /// Nothing was done: the proposing node's role does not allow it.
    Forbidden,
    /// It is in the leader's log, but was not seen to be committed.
    Unknown,
    /// Nothing was done: too much waits for the leader already.
    Busy,
    /// Nothing was done: the realm's feature level, which is named, does not allow it.
    LevelTooLow(FeatureLevel),
}

/// What the receiver's program supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Supported {
    pub(crate) level: FeatureLevel,
    /// The program's version.
    pub(crate) version: String,
}

/// Up to where a linearizable read must have applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ReadPoint {
    /// The log index; `None` for an empty log.
    At(Option<u64>),
    /// The node asked does not lead, or has no quorum.
    NotHere,
}

/// Asks whether the receiver misses the leader too and would vote for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Canvass {
    /// The sender's last entry.
    pub(crate) last: Option<LogId<u64>>,
}

/// Whether it would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Canvassed(pub(crate) bool);

/// Where peers reach the sender from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement(pub(crate) HostPort);

/// The leader's view of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) term: u64,
    pub(crate) quorum: bool,
    pub(crate) last_log: u64,
    /// For each member the last index that it is known to have.
    pub(crate) members: Vec<(NodeId, Option<u64>)>,
}

/// Asks for a new certificate. Whom it names is decided by the sender's present one and the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Renew {
    /// Signing request (PKCS#10, PEM).
    pub(crate) csr: String,
    /// Who asks for it, for the audit.
    pub(crate) actor: Actor,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Renewed {
    /// The certificate, PEM.
    Certified(String),
    /// There is none.
    Failed(MembershipError),
    /// The node asked does not lead.
    NotLeader,
}

/// A change of the membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// Adds a node that does not vote, or follows one that is there to where the registry says it is.
    AddLearner { node: NodeId, cluster_address: String },
    /// Makes it vote.
    Promote { node: NodeId, actor: Actor },
    /// Removes it for good.
    Remove { node: NodeId, actor: Actor },
    /// Moves leadership.
    Transfer { to: Option<NodeId>, actor: Actor },
    /// Removes it for good, though that leaves the realm no spare voter.
    ForceRemove { node: NodeId, actor: Actor },
    /// Has peers reach it at another address.
    Move { node: NodeId, to: HostPort, actor: Actor },
    /// Has the realm run at this feature level, the next one.
    RaiseLevel { to: FeatureLevel, actor: Actor },
}

impl Change {
    /// The node that it removes.
    pub(crate) fn removes(&self) -> Option<NodeId> {
        match self {
            Self::Remove { node, .. } | Self::ForceRemove { node, .. } => Some(*node),
            Self::AddLearner { .. }
            | Self::Promote { .. }
            | Self::Transfer { .. }
            | Self::Move { .. }
            | Self::RaiseLevel { .. } => None,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Changed {
    /// It is done; the node is the one concerned, or the new leader.
    Done(NodeId),
    /// It failed.
    Failed(MembershipError),
    /// The node asked does not lead, or not any more: the leader finishes what was begun, and may be asked again.
    NotLeader,
}
