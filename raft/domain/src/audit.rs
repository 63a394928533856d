//! The audit window: the latest records, each chained to the one before by SHA-256, so that a gap or an edit shows.
//!
//! Names of people are sealed in [`AuditRecord::detail`] or kept as keyed hashes: a node without keys learns none.

use crate::blob::Sealed;
use crate::drill::DrillName;
use crate::feature_level::FeatureLevel;
use crate::ids::{
    ApiTokenId, ConnectionId, JoinTokenId, KeyedHash, MailId, NodeId, PolicyId, Revision, TicketId,
};
use crate::instance::Role;
use crate::label::LabelKey;
use crate::mail::MailResult;
use crate::outcome::Rejection;
use crate::ticket::{TicketKind, TicketResult};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// The realm itself: the leader's sweeps.
    Realm,
    /// Someone on a node's host with access to its local socket.
    LocalOperator(NodeId),
    /// The holder of an API token.
    ApiToken(ApiTokenId),
    /// The holder of a join token.
    JoinToken(JoinTokenId),
    /// Someone who has not proved who they are.
    Anonymous,
    /// A user of the Self-Service site, by keyed hash of the `objectGUID`.
    User(KeyedHash),
    /// An operator of the Helpdesk site.
    Helpdesk(KeyedHash),
    /// An administrator.
    Administrator(KeyedHash),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditEvent {
    /// The realm was made.
    RealmCreated,
    /// A join token was made for a role.
    JoinTokenCreated(JoinTokenId, Role),
    /// A node was admitted.
    NodeAdmitted(NodeId, Role),
    /// A node's role changed.
    NodeRoleChanged(NodeId, Role),
    /// A node was removed.
    NodeRemoved(NodeId),
    /// An API token was made.
    ApiTokenCreated(ApiTokenId),
    /// An API token was revoked.
    ApiTokenRevoked(ApiTokenId),
    /// The configuration changed to this revision.
    ConfigChanged(Revision),
    /// A label was written.
    LabelWritten(LabelKey, u64),
    /// A label was removed.
    LabelRemoved(LabelKey),
    /// An attempt was counted.
    AttemptCounted {
        /// Attempts left before the lock.
        remaining: u32,
    },
    /// An attempt was right.
    AttemptSucceeded,
    /// An attempt was wrong.
    AttemptFailed,
    /// A lock was lifted.
    LockLifted,
    /// A ticket was opened.
    TicketOpened(TicketId, TicketKind),
    /// A ticket was closed.
    TicketClosed(TicketId, TicketResult),
    /// Someone signed in to a site.
    SignedIn(Site),
    /// A sign-in was refused.
    SignInRefused(Site),
    /// A user asked for a workflow whose policy does not serve them, or who could not be found.
    NotServed(Site),
    /// A change of a policy or connection was previewed and refused before it was proposed.
    ConfigRefused(Option<PolicyId>, Option<ConnectionId>),
    /// A command was refused.
    Refused(Rejection),
    /// Leadership was moved on request.
    LeadershipTransferred(NodeId),
    /// The removal of a node was decided.
    NodeLeaving(NodeId),
    /// A join token was made for the node that takes another's place.
    ReplacementTokenCreated(JoinTokenId, NodeId),
    /// Peers reach a node elsewhere from now on.
    NodeMoved(NodeId),
    /// Where browsers reach a node was changed.
    SiteUrlChanged(NodeId),
    /// A backup was begun; to whom it is sealed stands in the detail.
    BackupBegun,
    /// The configuration was exported with its passwords; to whom it is sealed stands in the detail.
    ConfigExported,
    /// A new cluster began with a backup.
    RealmRestored {
        /// Its epoch.
        epoch: u32,
        /// The log index that the backup stands at.
        index: u64,
    },
    /// A new cluster began with what one node still had after the others were lost.
    RealmRecovered {
        /// Its epoch.
        epoch: u32,
        /// The log index that the node had.
        index: u64,
    },
    /// A node got a certificate that ends then.
    NodeCertified(NodeId, Timestamp),
    /// A new data key was given to the key-holding nodes.
    KeyRotationBegun(u32),
    /// The realm seals under this data key from now on.
    KeyInUse(u32),
    /// An older data key was taken out of the wraps.
    KeyRetired(u32),
    /// The realm runs at this feature level from now on.
    LevelRaised(FeatureLevel),
    /// A drill was begun on the living realm.
    DrillBegun {
        /// Which.
        drill: DrillName,
    },
    /// A drill on the living realm has ended.
    DrillEnded {
        /// Which.
        drill: DrillName,
        /// Whether the realm came back as it should.
        ok: bool,
    },
    /// A task over many profiles was begun; which people, stands in the detail.
    ProfilesBegun(ProfileTask),
    /// A task over many profiles went to its end.
    ProfilesEnded {
        /// Which.
        task: ProfileTask,
        /// Profiles that were changed.
        changed: u64,
        /// Profiles that it could do nothing about.
        failed: u64,
    },
    /// A task is about to change this person's profile.
    ProfileTaken(ProfileTask),
    /// A service connection point was removed by hand; which one stands in the detail.
    PointRemoved,
    /// The container that the realm is mirrored in was taken away, for the leader to make it anew.
    MirrorRebuilt,
    /// A passcode was given to a person.
    PasscodeAssigned {
        /// Until when it is good.
        until: Timestamp,
    },
    /// A person used a passcode.
    PasscodeSpent,
    /// A task is about to change these people's profiles: one record for all of them, since the window keeps so many records
    /// and a task may go over more people than that.
    ProfilesTaken {
        /// Which.
        task: ProfileTask,
        /// Whose, by keyed hash of the `objectGUID`.
        people: Vec<KeyedHash>,
    },
    /// A person's profile was not taken, since another hand had put it there.
    ProfileRewritten,
    /// A mail was put into the outbox.
    MailQueued(MailId),
    /// A mail was closed.
    MailClosed(MailId, MailResult),
    /// An operator has verified who a caller is.
    CallerVerified {
        /// Until when that holds for this operator.
        until: Timestamp,
    },
    /// An operator is about to be shown answers of a person.
    AnswersShown {
        /// How many.
        answers: u32,
    },
    /// A code was made and sent by mail to a person, if it was one.
    MailCodeSent {
        /// Until when it is good.
        until: Timestamp,
    },
    /// A person used a code that came by mail.
    MailCodeSpent,
    /// A person chose what they are told of by mail.
    NotificationsChosen,
    /// An administrator tried a workflow of this policy on somebody, without changing anything.
    WorkflowRehearsed(PolicyId),
}

/// What is done to many profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileTask {
    /// They are moved to the present attribute and sealed under the present key.
    Migrate,
    /// They are removed.
    Unregister,
    /// They are made from answers that an administrator brings.
    Import,
    /// They are migrated, and those that another hand put there are taken as they are.
    AcceptRewritten,
}

impl ProfileTask {
    fn needs(self) -> FeatureLevel {
        match self {
            Self::Migrate | Self::Unregister | Self::Import => FeatureLevel::SECOND,
            Self::AcceptRewritten => FeatureLevel::THIRD,
        }
    }
}

impl AuditEvent {
    /// The level from which on it may be written. A new event says here which one it needs.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        match self {
            Self::RealmCreated
            | Self::JoinTokenCreated(..)
            | Self::NodeAdmitted(..)
            | Self::NodeRoleChanged(..)
            | Self::NodeRemoved(_)
            | Self::ApiTokenCreated(_)
            | Self::ApiTokenRevoked(_)
            | Self::ConfigChanged(_)
            | Self::LabelWritten(..)
            | Self::LabelRemoved(_)
            | Self::AttemptCounted { .. }
            | Self::AttemptSucceeded
            | Self::AttemptFailed
            | Self::LockLifted
            | Self::TicketClosed(..)
            | Self::SignedIn(_)
            | Self::SignInRefused(_)
            | Self::NotServed(_)
            | Self::ConfigRefused(..)
            | Self::Refused(_)
            | Self::LeadershipTransferred(_)
            | Self::NodeLeaving(_)
            | Self::ReplacementTokenCreated(..)
            | Self::NodeMoved(_)
            | Self::SiteUrlChanged(_)
            | Self::BackupBegun
            | Self::ConfigExported
            | Self::RealmRestored { .. }
            | Self::RealmRecovered { .. }
            | Self::NodeCertified(..)
            | Self::KeyRotationBegun(_)
            | Self::KeyInUse(_)
            | Self::KeyRetired(_) => FeatureLevel::FIRST,
            Self::LevelRaised(level) => *level,
            Self::WorkflowRehearsed(_) => FeatureLevel::FOURTH,
            Self::TicketOpened(_, kind) => kind.needs(),
            Self::PasscodeAssigned { .. }
            | Self::PasscodeSpent
            | Self::ProfilesTaken { .. }
            | Self::ProfileRewritten
            | Self::MailQueued(_)
            | Self::MailClosed(..)
            | Self::CallerVerified { .. } => FeatureLevel::THIRD,
            Self::AnswersShown { .. } => FeatureLevel::FOURTH,
            Self::MailCodeSent { .. } | Self::MailCodeSpent | Self::NotificationsChosen => {
                FeatureLevel::FOURTH
            }
            Self::DrillBegun { .. } | Self::DrillEnded { .. } | Self::PointRemoved | Self::MirrorRebuilt => {
                FeatureLevel::SECOND
            }
            Self::ProfilesBegun(task) | Self::ProfilesEnded { task, .. } | Self::ProfileTaken(task) => {
                task.needs()
            }
        }
    }
}

/// A site of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Site {
    /// Self-Service.
    SelfService,
    /// Helpdesk.
    Helpdesk,
    /// Admin.
    Admin,
}

/// SHA-256 of a record and the hash before it.
pub type ChainHash = [u8; 32];

/// One audit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Counts from 1 without a gap.
    pub seq: u64,
    /// When, by the node that proposed it.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: AuditEvent,
    /// Whom it concerns, by keyed hash of the `objectGUID`.
    pub subject: Option<KeyedHash>,
    /// More, for key holders: names, addresses.
    pub detail: Option<Sealed>,
    /// Hash of the record before; zeros for the first.
    pub previous: ChainHash,
    /// Hash of this record.
    pub hash: ChainHash,
}

impl AuditRecord {
    /// Everyone whom it concerns.
    pub fn subjects(&self) -> impl Iterator<Item = KeyedHash> + '_ {
        let people = match &self.event {
            AuditEvent::ProfilesTaken { people, .. } => people.as_slice(),
            _ => &[],
        };
        self.subject.iter().chain(people).copied()
    }

    /// The hash that this record must have: over the previous hash and the JSON form of its other fields.
    #[must_use]
    pub fn expected_hash(&self) -> ChainHash {
        let mut hasher = Sha256::new();
        hasher.update(self.previous);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.0.to_be_bytes());
        let body = (&self.actor, &self.event, &self.subject, &self.detail);
        // JSON of these types cannot fail: no map keys but strings, no floats; an empty body would break the chain
        // check, not hide a record.
        hasher.update(serde_json::to_vec(&body).unwrap_or_default());
        hasher.finalize().into()
    }
}

/// Checks a run of records; answers the sequence number of the first that does not fit.
pub fn verify_chain<'a>(records: impl IntoIterator<Item = &'a AuditRecord>) -> Result<(), u64> {
    let mut before: Option<&AuditRecord> = None;
    for record in records {
        let follows =
            before.is_none_or(|b| record.previous == b.hash && record.seq == b.seq.saturating_add(1));
        if !follows || record.hash != record.expected_hash() {
            return Err(record.seq);
        }
        before = Some(record);
    }
    Ok(())
}
