//! What may be asked of the cluster. A command brings everything that its application needs: who, when, fresh ids.

use crate::address::{HostPort, SiteUrl};
use crate::audit::{Actor, AuditEvent};
use crate::blob::{Blob, Sealed};
use crate::config::{ConfigChange, RealmConfig};
use crate::document::Document;
use crate::feature_level::FeatureLevel;
use crate::ids::{
    ApiTokenId, AttemptId, JoinTokenId, KeyedHash, MailId, NodeId, PolicyId, RealmId, RequestId, Revision,
    TicketId,
};
use crate::instance::{KeyWrap, Role};
use crate::label::{LabelCondition, LabelKey};
use crate::lockout::AttemptTarget;
use crate::mail::{MailClaim, MailResult};
use crate::mail_code::NewMailCode;
use crate::ticket::{TicketKind, TicketResult};
use crate::time::{Span, Timestamp};
use crate::token::{ApiToken, JoinToken};
use crate::workflow::NotificationEvent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Names the proposal; a retry carries the same.
    pub request: RequestId,
    /// The proposing node's clock.
    pub at: Timestamp,
    /// Who asks.
    pub actor: Actor,
    /// More for the audit record, sealed.
    pub detail: Option<Sealed>,
    /// What is asked.
    pub action: Action,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Makes the realm: the first command of a cluster, accepted once.
    CreateRealm(Box<CreateRealm>),
    /// Keeps a join token.
    CreateJoinToken(JoinToken),
    /// Uses a join token up and registers the node that brought it.
    AdmitNode(Box<AdmitNode>),
    /// Records a role change.
    SetNodeRole(NodeId, Role),
    /// Marks a node as removed and drops its key wrap.
    RemoveNode(NodeId),
    /// Keeps an API token.
    CreateApiToken(ApiToken),
    /// Drops an API token.
    RevokeApiToken(ApiTokenId),
    /// Changes the configuration, if it still has the revision that the editor saw.
    ChangeConfig {
        /// The revision that the editor saw.
        base: Revision,
        /// The change.
        change: ConfigChange,
    },
    /// Counts an attempt, before it is checked.
    CountAttempt {
        /// Fresh id.
        attempt: AttemptId,
        /// What it counts against.
        target: AttemptTarget,
        /// The policy whose lockout settings hold; `None` for the realm's limit on sources.
        policy: Option<PolicyId>,
    },
    /// Reports how a counted attempt ended.
    DecideAttempt {
        /// The attempt.
        attempt: AttemptId,
        /// What it counted against.
        target: AttemptTarget,
        /// Whether it was right.
        right: bool,
    },
    /// Lifts a lock (helpdesk).
    LiftLock(KeyedHash),
    /// Commits the intent of one directory change.
    OpenTicket {
        /// Minted when the user's session began.
        ticket: TicketId,
        /// Whose.
        subject: KeyedHash,
        /// What for.
        kind: TicketKind,
        /// The node that does the work.
        node: NodeId,
        /// How long the work may take; at most [`Action::MAX_TICKET_LIFE`].
        life: Span,
    },
    /// Commits how it ended.
    CloseTicket {
        /// Which.
        ticket: TicketId,
        /// How.
        result: TicketResult,
    },
    /// Closes overdue tickets as unknown, and forgets what is past its time. Proposed by the leader at intervals.
    Sweep,
    /// Writes a label.
    PutLabel {
        /// Which.
        key: LabelKey,
        /// At most [`crate::label::Label::MAX`] bytes.
        value: Blob,
        /// When.
        condition: LabelCondition,
    },
    /// Removes a label.
    RemoveLabel {
        /// Which.
        key: LabelKey,
        /// When.
        condition: LabelCondition,
    },
    /// Writes an audit record and nothing else.
    Record {
        /// What happened.
        event: AuditEvent,
        /// Whom it concerns.
        subject: Option<KeyedHash>,
    },
    /// Decides that a node is to be removed, before anything of it is done. Whoever leads finishes it.
    BeginRemoval(NodeId),
    /// Keeps a join token whose node takes another's place: once it does that one's work, that one is removed.
    CreateReplacement {
        /// The token; its role is that of the node that goes.
        token: JoinToken,
        /// The node that goes.
        replaces: NodeId,
    },
    /// Says where peers reach a node from now on.
    MoveNode(NodeId, HostPort),
    /// Records where browsers reach a node, if that is still what the editor saw.
    SetSiteUrl {
        /// The node.
        node: NodeId,
        /// What the editor saw.
        seen: String,
        /// What it is from now on.
        url: SiteUrl,
    },
    /// Records that a node gets a certificate, before it is signed.
    CertifyNode {
        /// Whose.
        node: NodeId,
        /// When it ends.
        until: Timestamp,
    },
    /// Gives every key-holding node that stays a new data key, not to be used yet.
    BeginRotation(NewWraps),
    /// Tells that a node holds a new data key. Once all do, the realm seals under it.
    ConfirmKey {
        /// Who.
        node: NodeId,
        /// Which.
        generation: u32,
    },
    /// Puts a value that was sealed anew in place of the old one, wherever that stands.
    Reseal {
        /// The value as it was.
        old: Sealed,
        /// The same under the key of now.
        new: Sealed,
    },
    /// Takes an older data key out of the wraps for good; refused while anything in the state needs it.
    RetireKey {
        /// Which.
        generation: u32,
        /// The keys that are left.
        wraps: NewWraps,
    },
    /// Has the realm run at the next feature level. Whoever proposes it has asked these nodes, and each supports it;
    /// refused when there are others.
    RaiseLevel {
        /// The level of now.
        from: FeatureLevel,
        /// The next.
        to: FeatureLevel,
        /// Who was asked.
        asked: Vec<NodeId>,
    },
    /// Changes the configuration as [`Action::ChangeConfig`] does, with what that one's form has no place for.
    EditConfig {
        /// The revision that the editor saw.
        base: Revision,
        /// The change.
        change: Document<ConfigChange>,
    },
    /// Gives a person a passcode in place of any that they had (helpdesk).
    AssignPasscode {
        /// Whose.
        subject: KeyedHash,
        /// Keyed hash of whose it is and its text.
        secret: KeyedHash,
        /// How long it is good for; at most [`crate::passcode::Passcode::MOST_LIFE`].
        life: Span,
    },
    /// Uses a person's passcode up, if this is it.
    SpendPasscode {
        /// Whose.
        subject: KeyedHash,
        /// Keyed hash of whose it is and what was typed.
        secret: KeyedHash,
    },
    /// Puts a mail into the outbox; refused when that is full.
    QueueMail {
        /// Fresh id.
        id: MailId,
        /// Whom it is about.
        subject: Option<KeyedHash>,
        /// The sealed [`crate::mail::Mail`], at most [`crate::mail::QueuedMail::LARGEST`] bytes.
        content: Sealed,
        /// When it is not worth sending any more; at most [`crate::mail::QueuedMail::LONGEST`] from now.
        not_after: Timestamp,
    },
    /// Takes the right to send a mail, before a server is asked; refused while another has it.
    ClaimMail {
        /// Which.
        id: MailId,
        /// Who, and until when.
        claim: MailClaim,
    },
    /// Commits how a mail ended.
    CloseMail {
        /// Which.
        id: MailId,
        /// How.
        result: MailResult,
    },
    /// Gives a person a code in place of any that they had, and sends it by mail; refused when there were too many of late.
    SendMailCode(Box<NewMailCode>),
    /// Uses a person's code up, if this is it.
    SpendMailCode {
        /// Whose.
        subject: KeyedHash,
        /// Keyed hash of the run, of whose it is, and of what was typed.
        secret: KeyedHash,
    },
    /// Keeps what a person does not want to be told of by mail.
    TurnOffNotifications {
        /// Whose choice.
        subject: KeyedHash,
        /// All of it.
        events: BTreeSet<NotificationEvent>,
    },
}

impl Action {
    /// The longest that a ticket may stay open.
    pub const MAX_TICKET_LIFE: Span = Span::minutes(5);

    /// A change of the configuration, in the form of the lowest level that has a place for it.
    #[must_use]
    pub fn change_config(base: Revision, change: ConfigChange) -> Self {
        if change.needs() > FeatureLevel::FIRST {
            Self::EditConfig { base, change: Document(change) }
        } else {
            Self::ChangeConfig { base, change }
        }
    }

    /// The revision that the editor saw, of a change of the configuration.
    #[must_use]
    pub fn edited_revision(&self) -> Option<Revision> {
        match self {
            Self::ChangeConfig { base, .. } | Self::EditConfig { base, .. } => Some(*base),
            _ => None,
        }
    }

    /// Whether it changes how a node stands, or where, or what all nodes have to support. Only a leader does that, in step
    /// with Raft's membership.
    #[must_use]
    pub fn is_leaders_own(&self) -> bool {
        matches!(
            self,
            Self::SetNodeRole(..)
                | Self::RemoveNode(_)
                | Self::BeginRemoval(_)
                | Self::MoveNode(..)
                | Self::RaiseLevel { .. }
        )
    }

    /// The level from which on it may be proposed. A new action says here which one it needs.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        match self {
            Self::Record { event, .. } => event.needs(),
            Self::ChangeConfig { change, .. } => change.needs(),
            Self::EditConfig { change: Document(change), .. } => change.needs().max(FeatureLevel::SECOND),
            // The leader asks every node instead.
            Self::RaiseLevel { from, .. } => *from,
            Self::CreateRealm(new) => new.config.needs(),
            Self::CreateApiToken(token) => token.needs(),
            Self::OpenTicket { kind, .. } => kind.needs(),
            Self::AssignPasscode { .. } | Self::SpendPasscode { .. } => FeatureLevel::THIRD,
            Self::QueueMail { .. } | Self::ClaimMail { .. } | Self::CloseMail { .. } => FeatureLevel::THIRD,
            Self::SendMailCode(_) | Self::SpendMailCode { .. } | Self::TurnOffNotifications { .. } => {
                FeatureLevel::FOURTH
            }
            Self::CreateJoinToken(_)
            | Self::AdmitNode(_)
            | Self::SetNodeRole(..)
            | Self::RemoveNode(_)
            | Self::RevokeApiToken(_)
            | Self::CountAttempt { .. }
            | Self::DecideAttempt { .. }
            | Self::LiftLock(_)
            | Self::CloseTicket { .. }
            | Self::Sweep
            | Self::PutLabel { .. }
            | Self::RemoveLabel { .. }
            | Self::BeginRemoval(_)
            | Self::CreateReplacement { .. }
            | Self::MoveNode(..)
            | Self::SetSiteUrl { .. }
            | Self::CertifyNode { .. }
            | Self::BeginRotation(_)
            | Self::ConfirmKey { .. }
            | Self::Reseal { .. }
            | Self::RetireKey { .. } => FeatureLevel::FIRST,
        }
    }
}

/// What every key-holding node that stays gets in place of its wrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWraps {
    /// The newest generation that whoever made these saw; they are refused when there is a newer one.
    pub seen: u32,
    /// The wraps, one for each such node.
    pub wraps: Vec<(NodeId, KeyWrap)>,
}

/// A new realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRealm {
    /// Its id.
    pub realm: RealmId,
    /// PEM certificate of the realm's authority.
    pub authority: String,
    /// The authority's private key (PKCS#8 DER), sealed under [`crate::ports::Purpose::AuthorityKey`].
    pub authority_key: Sealed,
    /// The first node; its id is 1.
    pub first: NewNode,
    /// The realm key for the first node.
    pub wrap: KeyWrap,
    /// The configuration to begin with.
    pub config: RealmConfig,
}

/// A node as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    /// What the operator called it.
    pub name: String,
    /// `host:port` for peers.
    pub cluster_address: String,
    /// `https://host:port` for browsers and the API.
    pub site_url: String,
    /// Its X25519 public key.
    pub wrap_key: [u8; 32],
}

/// A node that brings a join token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitNode {
    /// Public part of the token.
    pub token: JoinTokenId,
    /// Keyed hash of the secret it brought.
    pub secret: KeyedHash,
    /// The node.
    pub node: NewNode,
    /// The realm key for it; absent for a role that holds none.
    pub wrap: Option<KeyWrap>,
}
