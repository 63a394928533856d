//! The doors to the world, as the domain's users need them. Object-safe, each with its error contract; the node crate
//! chooses what stands behind them.

use crate::audit::Actor;
use crate::blob::{Blob, Sealed};
use crate::command::Command;
use crate::directory::{DistinguishedName, DomainPasswordRules, LoginName, UserRecord, UserRef};
use crate::error_code::ErrorCode;
use crate::ids::{ConnectionId, KeyedHash, NodeId};
use crate::instance::Role;
use crate::outcome::Outcome;
use crate::secret::Password;
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
    /// This node may not propose it.
    #[error("this node's role does not allow that")]
    Forbidden,
    /// Nothing was done: this node's clock is more than a minute off the leader's.
    #[error(
        "this node's clock is more than a minute off the leader's; nothing was changed; set the clocks right"
    )]
    ClockSkew,
}

impl ProposeError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoQuorum => ErrorCode::NoQuorum,
            Self::Unknown => ErrorCode::UnknownOutcome,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::ClockSkew => ErrorCode::ClockSkew,
        }
    }
}

/// A linearizable read was not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no leader with a quorum could be reached, so the state cannot be known to be current")]
pub struct ReadError;

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
    /// Whether a quorum is known to stand behind the leader now.
    pub quorum: bool,
    /// Every active member.
    pub members: Vec<MemberStatus>,
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
}

impl MembershipError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchNode(_) => ErrorCode::NotFound,
            Self::QuorumAtRisk(_) => ErrorCode::LastVoter,
            Self::RoleForbids(..) | Self::NotCaughtUp(_) | Self::Refused(_) => ErrorCode::Membership,
            Self::Propose(error) => error.code(),
        }
    }
}

/// The verbs on nodes, each in the name of an actor for the audit. May be called on any voter.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Makes a caught-up learner with the voter role a voter.
    async fn promote(&self, node: NodeId, actor: Actor) -> Result<(), MembershipError>;

    /// Removes a node for good; its id is never used again.
    async fn remove(&self, node: NodeId, actor: Actor) -> Result<(), MembershipError>;

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

/// Whether a failed directory call may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retry {
    /// The request did not reach a domain controller; another try is safe.
    Safe,
    /// It was refused; the same request will be refused again.
    Pointless,
    /// It was sent and no answer came: it may have happened.
    Unknown,
}

/// A directory call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} on {dc}: {reason}")]
pub struct DirectoryError {
    /// The domain controller, as far as one was chosen.
    pub dc: String,
    /// What was asked, such as `reset password`.
    pub operation: &'static str,
    /// Why not.
    pub reason: DirectoryReason,
    /// The directory's own code: the Win32 error of the message (`0x52D`), or the LDAP result code.
    pub ad_code: Option<u32>,
    /// Whether to try again.
    pub retry: Retry,
}

/// Why a directory call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryReason {
    /// No connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// Its certificate is not signed by a configured authority, or names another host.
    #[error("its certificate is not trusted")]
    UntrustedCertificate,
    /// The access account's name or password is wrong.
    #[error("it does not accept the access account")]
    BindRefused,
    /// The access account lacks the right (LDAP 50).
    #[error("the access account may not do that")]
    AccessDenied,
    /// The password does not meet the domain's rules (0x52D): length, complexity or history.
    #[error("the password does not meet the domain's rules")]
    PasswordPolicy,
    /// The old password is wrong (0x56).
    #[error("the old password is wrong")]
    WrongPassword,
    /// The user's account is locked (775).
    #[error("the account is locked")]
    AccountLocked,
    /// The user's account is disabled (533).
    #[error("the account is disabled")]
    AccountDisabled,
    /// The user's account has expired (701).
    #[error("the account has expired")]
    AccountExpired,
    /// The object is not there any more.
    #[error("the object is not there")]
    NotFound,
    /// More than one user has this name.
    #[error("more than one user has this name")]
    Ambiguous,
    /// The value in the attribute changed meanwhile (compare-and-swap failed).
    #[error("the attribute was changed meanwhile")]
    Changed,
    /// The attribute holds something that was not written by this product; it is never overwritten.
    #[error("the attribute holds a value that does not belong to this realm")]
    ForeignValue,
    /// The value is larger than the attribute takes.
    #[error("the value is too large for the attribute")]
    TooLarge,
    /// Anything else; the code says what.
    #[error("it refused the request")]
    Refused,
    /// It was sent and no answer came.
    #[error("no answer came; it may have happened")]
    NoAnswer,
}

impl DirectoryReason {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unreachable | Self::UntrustedCertificate | Self::BindRefused => {
                ErrorCode::DirectoryUnreachable
            }
            Self::PasswordPolicy => ErrorCode::PasswordPolicy,
            Self::WrongPassword => ErrorCode::WrongCredentials,
            Self::NoAnswer => ErrorCode::UnknownOutcome,
            Self::NotFound => ErrorCode::NotFound,
            _ => ErrorCode::DirectoryRefused,
        }
    }
}

/// What a password check by bind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordCheck {
    /// It is right and the account may log on.
    Right,
    /// It is right, but must be changed first (773, 532).
    RightButMustChange,
    /// The name or the password is wrong (52e).
    Wrong,
    /// The account is locked, disabled, expired or restricted, which the controller says before or after looking.
    Barred(BarredReason),
}

/// Why an account cannot log on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarredReason {
    /// 775.
    Locked,
    /// 533.
    Disabled,
    /// 701.
    Expired,
    /// 530, 531: hours or workstation.
    Restricted,
}

/// The result of looking a name up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// One user.
    One(Box<UserRecord>),
    /// More than one: never guessed.
    Several,
}

/// How a reset leaves the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetOptions {
    /// Also clear `lockoutTime`.
    pub unlock: bool,
    /// Also set `pwdLastSet` to 0.
    pub must_change: bool,
}

/// One domain. Calls on a [`UserRef`] go to its `dc` while that one can be reached.
///
/// One conformance suite holds for every implementation.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Looks a user up by sAMAccountName, userPrincipalName or mail.
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError>;

    /// Reads a user again by `objectGUID`.
    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError>;

    /// Which of the groups the user is a member of: directly, through nested groups, or as the primary group.
    /// A group that is not there is an error ([`DirectoryReason::NotFound`]): a denied group that was renamed must
    /// not let its members in.
    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError>;

    /// Tries a password by a bind as the user. A wrong one counts in the domain's own lockout.
    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError>;

    /// Sets a new password without the old one (MS-ADTS 3.1.1.3.1.5, replace of `unicodePwd`).
    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError>;

    /// Changes the password with the old one (delete and add of `unicodePwd`).
    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError>;

    /// Clears `lockoutTime`.
    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError>;

    /// Sets `pwdLastSet` to 0: the password must be changed at next logon.
    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError>;

    /// The rules that the domain or a PSO sets for this user.
    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError>;

    /// Reads the profile attribute; [`DirectoryReason::ForeignValue`] when something else is in it.
    async fn read_profile(&self, user: &UserRef) -> Result<Option<Blob>, DirectoryError>;

    /// Writes or clears the profile attribute if it still holds `expected`; else [`DirectoryReason::Changed`].
    async fn write_profile(
        &self,
        user: &UserRef,
        expected: Option<&Blob>,
        new: Option<&Blob>,
    ) -> Result<(), DirectoryError>;

    /// Reaches a domain controller and binds as the access account.
    async fn check(&self) -> Result<(), DirectoryError>;
}

/// The directories of the realm's domain connections.
#[async_trait]
pub trait Directories: Send + Sync {
    /// The directory of one connection, as the present configuration describes it.
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError>;
}

/// What a joining node sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The whole token, as the operator pasted it.
    pub token: String,
    /// The node.
    pub node: crate::command::NewNode,
    /// Certificate signing request (PKCS#10, PEM) for the node's own key; its subject is ignored.
    pub csr: String,
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
        }
    }
}

/// Lets nodes in and makes tokens. The secret part of a token leaves the process only as the returned text.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Uses a join token up, signs the node's certificate, and adds it as a learner.
    async fn admit(&self, request: JoinRequest) -> Result<JoinGrant, AdmissionError>;

    /// Makes a single-use join token for a role.
    async fn create_join_token(
        &self,
        actor: Actor,
        role: Role,
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
