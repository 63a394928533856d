//! The doors to the world, as the domain's users need them. Object-safe, each with its error contract; the node crate
//! chooses what stands behind them.

mod backup;
mod container;
mod directory;
mod key_care;
mod leadership;
mod points;
mod rights;
mod upgrades;

pub use backup::{BackupError, BackupFile, Backups};
pub use container::{Container, ContainerError, Fence, Held, Mark};
pub use directory::{
    BarredReason, CheckOutcome, ControllerCheck, Directories, Directory, DirectoryError, DirectoryReason,
    Found, HavingProfile, Listing, PasswordCheck, PushReport, ResetOptions, Retry, UserPages,
};
pub use key_care::{KeyCare, KeyCareError};
pub use leadership::{LeaderRead, LeaderReads, Leadership};
pub use points::{ConnectionPoints, PointsError};
pub use rights::{Right, RightCheck, RightsAsked, RightsReport, Standing};
pub use upgrades::{NodeSupport, Support, UpgradeStatus, Upgrades};

use crate::address::HostPort;
use crate::audit::Actor;
use crate::blob::Sealed;
use crate::command::Command;
use crate::error_code::ErrorCode;
use crate::feature_level::FeatureLevel;
use crate::ids::{KeyedHash, NodeId};
use crate::instance::Role;
use crate::outcome::Outcome;
use crate::state::State;
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is known of a proposal that was not answered with an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ProposeError {
    /// Nothing was done: no leader could be reached, or it has no quorum.
    #[error("no leader with a quorum could be reached; nothing was changed")]
    NoQuorum,
    /// It was sent and may or may not have been committed.
    #[error("the proposal was sent, but its outcome is unknown")]
    Unknown,
    /// Nothing was done: this node's role may not propose it.
    #[error("a node of this role may not do that; nothing was changed; do it on a voter: {}", voters.join(", "))]
    Forbidden {
        /// The sites of nodes that may.
        voters: Vec<String>,
    },
    /// Nothing was done: this node's clock is more than a minute off the leader's.
    #[error(
        "this node's clock is more than a minute off the leader's; nothing was changed; set the clocks right"
    )]
    ClockSkew,
    /// Nothing was done: too many proposals wait already.
    #[error("too many proposals wait already; nothing was changed; try again in a moment")]
    Busy,
    /// Nothing was done: the realm's feature level does not allow it yet.
    #[error(
        "this needs feature level {needs}, and the realm runs at {level}; nothing was changed; once every node runs a \
         program that supports it, finish the upgrade: passquorum upgrade finalise"
    )]
    LevelTooLow {
        /// What it needs.
        needs: FeatureLevel,
        /// What the realm has.
        level: FeatureLevel,
    },
}

impl ProposeError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoQuorum => ErrorCode::NoQuorum,
            Self::Unknown => ErrorCode::UnknownOutcome,
            Self::Forbidden { .. } => ErrorCode::NotThisNode,
            Self::ClockSkew => ErrorCode::ClockSkew,
            Self::Busy => ErrorCode::Busy,
            Self::LevelTooLow { .. } => ErrorCode::UpgradeUnfinished,
        }
    }
}

/// A linearizable read was not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The state cannot be known to be current.
    #[error("no leader with a quorum could be reached, so the state cannot be known to be current")]
    NoQuorum,
    /// Too many readers wait already.
    #[error("too many readers wait already; try again in a moment")]
    Busy,
}

impl ReadError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::NoQuorum => ErrorCode::NoQuorum,
            Self::Busy => ErrorCode::Busy,
        }
    }
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// Sees every write that was acknowledged before the read began; costs a round to a quorum.
    Linearizable,
    /// What this node has applied.
    Local,
}

/// The replicated state, wherever it is led.
#[async_trait]
pub trait Consensus: Send + Sync {
    /// Commits a command and answers its outcome. May be called on any node; retries on its own only what it can prove
    /// was not applied twice (same request id).
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError>;

    /// The state, as fresh as asked. With [`Consistency::Local`] it never fails.
    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError>;

    /// What this node has applied.
    fn local(&self) -> Arc<State>;

    /// This node's id.
    fn node(&self) -> NodeId;

    /// The cluster as this node sees it.
    fn status(&self) -> ClusterStatus;
}

/// The cluster as one node sees it. Serialised, this is `passquorum status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The node that answers.
    pub node: NodeId,
    /// The leader it knows of.
    pub leader: Option<NodeId>,
    /// Its Raft term.
    pub term: u64,
    /// The revision of its configuration.
    pub revision: u64,
    /// The feature level that the realm runs at.
    #[serde(default)]
    pub level: FeatureLevel,
    /// Whether a quorum is known to stand behind the leader now.
    pub quorum: bool,
    /// The highest log index at which this node's state was compared with a majority's and found equal.
    pub checked: Option<u64>,
    /// How far this node's clock is ahead of the other voters' in the middle, in milliseconds, once it was compared.
    pub clock_ahead_ms: Option<i64>,
    /// Whether this node's clock is near enough to the majority's for it to lead and to write.
    pub clock_fit: bool,
    /// Whether a majority of the voters has welcomed this node since it started. Before, it may be an old copy.
    #[serde(default = "yes")]
    pub takes_part: bool,
    /// How far this node's log is.
    #[serde(default)]
    pub log: LogPositions,
    /// Every member that was not removed.
    pub members: Vec<MemberStatus>,
}

/// What it means when a node of an earlier release does not tell whether it takes part.
fn yes() -> bool {
    true
}

/// Indexes of a node's log; 0 where there is nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPositions {
    /// Its last entry.
    pub last: u64,
    /// The last entry that survives a power cut.
    pub durable: u64,
    /// The last entry in the newest snapshot.
    pub snapshot: u64,
    /// The last entry that is not held any more.
    pub purged: u64,
}

/// One member in [`ClusterStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its role as the cluster uses it now: a voter that is still catching up counts as a learner.
    pub role: MemberRole,
    /// Whether it leads.
    pub leader: bool,
    /// Its site URL.
    pub site_url: String,
    /// The last log index it has applied (for others than the answering node: has in its log), when known.
    pub applied: Option<u64>,
    /// Entries it is behind the leader's log, when known.
    pub lag: Option<u64>,
    /// Whether it answered when the answering node last asked every member, once that was done. They are asked every few
    /// seconds.
    #[serde(default)]
    pub answers: Option<bool>,
}

/// A member's part in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRole {
    /// Votes.
    Voter,
    /// Does not vote.
    Learner,
}

/// A membership verb could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MembershipError {
    /// There is no such active node.
    #[error("there is no active node {0}")]
    NoSuchNode(NodeId),
    /// It would leave no working majority.
    #[error("{0}")]
    QuorumAtRisk(String),
    /// Its role forbids it.
    #[error("node {0} is a {1}, which cannot vote")]
    RoleForbids(NodeId, Role),
    /// It has not caught up.
    #[error("node {0} has not caught up with the log yet")]
    NotCaughtUp(NodeId),
    /// Another change is under way, or the cluster refused.
    #[error("{0}")]
    Refused(String),
    /// No leader with a quorum.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// It would leave a majority that works, and no voter to spare while one is down.
    #[error("{0}")]
    NoSpare(String),
    /// Not every node supports the next feature level.
    #[error("{0}")]
    NotReady(String),
}

impl MembershipError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchNode(_) => ErrorCode::NotFound,
            Self::QuorumAtRisk(_) | Self::NoSpare(_) => ErrorCode::LastVoter,
            Self::RoleForbids(..) | Self::NotCaughtUp(_) | Self::Refused(_) => ErrorCode::Membership,
            Self::Propose(error) => error.code(),
            Self::NotReady(_) => ErrorCode::UpgradeNotReady,
        }
    }
}

/// How much a removal may risk. None may leave the realm without a working majority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Nothing: a voter that lives stays when the realm would have none to spare while another is down.
    Careful,
    /// That.
    Forced,
}

/// The verbs on nodes, each in the name of an actor for the audit. May be called on any voter.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Makes a caught-up learner with the voter role a voter.
    async fn promote(&self, node: NodeId, actor: Actor) -> Result<(), MembershipError>;

    /// Removes a node for good; its id is never used again. Once it is decided, whoever leads finishes it.
    async fn remove(&self, node: NodeId, removal: Removal, actor: Actor) -> Result<(), MembershipError>;

    /// Has peers reach a node at another address, such as one whose host moved.
    async fn move_node(&self, node: NodeId, to: HostPort, actor: Actor) -> Result<(), MembershipError>;

    /// Moves leadership to a caught-up voter: the one named, or the one that has most of the log. Answers who leads.
    async fn transfer_leader(&self, to: Option<NodeId>, actor: Actor) -> Result<NodeId, MembershipError>;
}

/// What a sealed value or a keyed hash is for. Each has a key of its own, derived from the realm key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Q&A profiles in the directory; context: `objectGUID`.
    Profile,
    /// Access accounts' passwords; context: connection id.
    ServiceAccount,
    /// The realm authority's private key.
    AuthorityKey,
    /// Session cookies; context: the browser's id.
    Session,
    /// Details of audit records.
    AuditDetail,
    /// Keyed hash of an `objectGUID`.
    Subject,
    /// Keyed hash of a network address.
    Source,
    /// Keyed hash of a token's secret.
    Token,
    /// Keyed hash of an `Idempotency-Key`.
    Idempotency,
    /// Keyed hash of a passcode and of whose it is.
    Passcode,
    /// Mails that wait to be sent; context: the mail's id.
    Mail,
    /// Passwords of accounts at mail servers; context: host and account.
    MailAccount,
    /// Answers that the helpdesk may be shown, inside a profile; context: `objectGUID` and the question's id.
    KeptAnswer,
    /// Keyed hash of a code that goes by mail, of the run that it is for, and of whose it is.
    MailCode,
}

/// The realm key is not on this node, or the sealed value is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// This node holds no realm key (a DMZ learner, or a node that has not received its wrap yet).
    #[error("this node does not hold the realm key")]
    NoKey,
    /// The value was changed, belongs elsewhere, or was sealed under another key.
    #[error("a sealed value does not open: it was changed, or belongs to something else")]
    DoesNotOpen,
}

/// The realm key's uses. The context binds a sealed value to its place.
pub trait Vault: Send + Sync {
    /// Seals.
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError>;

    /// Opens.
    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError>;

    /// A keyed hash.
    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError>;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Draws a random (version 4) UUID.
pub fn fresh_uuid(entropy: &dyn Entropy) -> uuid::Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The header of a join request that says which feature level the node's program supports. The body is read strictly by
/// every release, so that an older voter would refuse it there.
pub const SUPPORTED_LEVEL: &str = "passquorum-supported-level";

/// What a joining node sends.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The whole token, as the operator pasted it.
    pub token: String,
    /// The node.
    pub node: crate::command::NewNode,
    /// Certificate signing request (PKCS#10, PEM) for the node's own key; its subject is ignored.
    pub csr: String,
}

impl std::fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinRequest").field("node", &self.node).finish_non_exhaustive()
    }
}

/// What a joining node gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGrant {
    /// The realm.
    pub realm: crate::ids::RealmId,
    /// The id it has from now on.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The realm authority's certificate, PEM.
    pub authority: String,
}

/// Why a node was not let in, or a token not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The token is unknown, malformed, expired or used.
    #[error("the join token is unknown, expired or used")]
    TokenInvalid,
    /// A field of the request.
    #[error("{field}: {message}")]
    BadRequest {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The realm key is not here.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No quorum, or unknown.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The membership change failed.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The node's program is too old for the realm. The token is still good.
    #[error(
        "the realm runs at feature level {level}, and the program of this node supports {supports}; join with a newer one"
    )]
    ProgramTooOld {
        /// The realm's.
        level: FeatureLevel,
        /// The program's.
        supports: FeatureLevel,
    },
}

impl AdmissionError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TokenInvalid => ErrorCode::TokenInvalid,
            Self::BadRequest { .. } => ErrorCode::BadInput,
            Self::Vault(_) => ErrorCode::Internal,
            Self::Propose(error) => error.code(),
            Self::Membership(error) => error.code(),
            Self::ProgramTooOld { .. } => ErrorCode::ProgramTooOld,
        }
    }
}

/// Lets nodes in and makes tokens. The secret part of a token leaves the process only as the returned text.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Uses a join token up, signs the node's certificate, and adds it as a learner.
    /// `supports` is the highest feature level of the node's program.
    async fn admit(&self, request: JoinRequest, supports: FeatureLevel) -> Result<JoinGrant, AdmissionError>;

    /// Makes a single-use join token for a role.
    async fn create_join_token(
        &self,
        actor: Actor,
        role: Role,
        life: crate::time::Span,
    ) -> Result<String, AdmissionError>;

    /// Makes a single-use join token for the node that takes another's place; that one is removed once it does.
    async fn create_replacement_token(
        &self,
        actor: Actor,
        replaces: NodeId,
        life: crate::time::Span,
    ) -> Result<String, AdmissionError>;

    /// Makes an API token.
    async fn create_api_token(
        &self,
        actor: Actor,
        name: &str,
        scopes: std::collections::BTreeSet<crate::token::ApiScope>,
        life: Option<crate::time::Span>,
    ) -> Result<String, AdmissionError>;
}
