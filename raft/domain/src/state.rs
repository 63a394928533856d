//! What every node holds: ordered maps that are cheap to clone, and their form as cells for storage.
//!
//! Invariant: a state is fully given by its cells; storage keeps cells and gives them back, and never looks inside.

use crate::audit::{AuditRecord, ChainHash};
use crate::blob::Sealed;
use crate::config::RealmConfig;
use crate::config::history::KeptRevision;
use crate::document::Document;
use crate::feature_level::FeatureLevel;
use crate::ids::{
    ApiTokenId, JoinTokenId, KeyedHash, MailId, NodeId, RealmId, RequestId, Revision, TicketId,
};
use crate::instance::{Instance, KeyWrap, Role};
use crate::label::{Label, LabelKey};
use crate::lockout::{AttemptTarget, Counter};
use crate::mail::QueuedMail;
use crate::mail_code::MailCode;
use crate::outcome::Outcome;
use crate::passcode::Passcode;
use crate::realm_keys::RealmKeys;
use crate::ticket::Ticket;
use crate::time::Timestamp;
use crate::token::{ApiToken, JoinToken};
use crate::workflow::NotificationEvent;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The realm itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realm {
    /// Its id.
    pub id: RealmId,
    /// Raised by a recovery after quorum loss, so that nodes of the old epoch are refused.
    pub epoch: u32,
    /// PEM certificate of the realm's authority.
    pub authority: String,
    /// The authority's private key, sealed.
    pub authority_key: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Counters that belong to no single thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Totals {
    /// The highest node id given out.
    pub last_node: u64,
    /// The revision of the last label write.
    pub label_revision: u64,
    /// The number of the last audit record.
    pub audit_seq: u64,
    /// The hash of the last audit record.
    pub audit_head: ChainHash,
    /// The latest time any command brought.
    pub latest: Timestamp,
    /// Requests from before this time are no longer remembered.
    pub forgotten_before: Timestamp,
}

/// What a request was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The command's time.
    pub at: Timestamp,
    /// The answer, given again to a repetition.
    pub outcome: Outcome,
}

/// The replicated state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub(crate) realm: Option<Realm>,
    pub(crate) config: Option<std::sync::Arc<RealmConfig>>,
    pub(crate) totals: Totals,
    pub(crate) instances: OrdMap<NodeId, Instance>,
    pub(crate) wraps: OrdMap<NodeId, KeyWrap>,
    pub(crate) join_tokens: OrdMap<JoinTokenId, JoinToken>,
    /// Whom the nodes of join tokens replace, until that one is removed.
    pub(crate) replacements: OrdMap<JoinTokenId, NodeId>,
    pub(crate) api_tokens: OrdMap<ApiTokenId, ApiToken>,
    pub(crate) counters: OrdMap<AttemptTarget, Counter>,
    pub(crate) tickets: OrdMap<TicketId, Ticket>,
    pub(crate) labels: OrdMap<LabelKey, Label>,
    pub(crate) audit: OrdMap<u64, AuditRecord>,
    pub(crate) requests: OrdMap<RequestId, Remembered>,
    pub(crate) revisions: OrdMap<Revision, KeptRevision>,
    pub(crate) keys: Option<RealmKeys>,
    /// When the newest certificate of each node ends.
    pub(crate) certificates: OrdMap<NodeId, Timestamp>,
    pub(crate) level: FeatureLevel,
    /// Passcodes that were not used yet, by subject.
    pub(crate) passcodes: OrdMap<KeyedHash, Passcode>,
    /// The mails that wait, and those that were closed lately.
    pub(crate) outbox: OrdMap<MailId, QueuedMail>,
    /// The codes that went by mail lately, by subject.
    pub(crate) mail_codes: OrdMap<KeyedHash, MailCode>,
    /// What people do not want to be told of, by subject.
    pub(crate) turned_off: OrdMap<KeyedHash, BTreeSet<NotificationEvent>>,
    /// Those of clients by time: an index, rebuilt from `requests`.
    pub(crate) client_requests: imbl::OrdSet<(Timestamp, RequestId)>,
}

/// Names one cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CellKey {
    /// The realm.
    Realm,
    /// The configuration.
    Config,
    /// The totals.
    Totals,
    /// A node.
    Instance(NodeId),
    /// A node's key wrap.
    Wrap(NodeId),
    /// A join token.
    JoinToken(JoinTokenId),
    /// An API token.
    ApiToken(ApiTokenId),
    /// A counter.
    Counter(AttemptTarget),
    /// A ticket.
    Ticket(TicketId),
    /// A label.
    Label(LabelKey),
    /// An audit record.
    Audit(u64),
    /// A remembered request.
    Request(RequestId),
    /// Whom the node of a join token replaces.
    Replacement(JoinTokenId),
    /// A kept revision of the configuration.
    Revision(Revision),
    /// The generations of the data key.
    Keys,
    /// When a node's newest certificate ends.
    Certificate(NodeId),
    /// The feature level, once it was raised.
    Level,
    /// A person's passcode.
    Passcode(KeyedHash),
    /// A mail.
    Mail(MailId),
    /// The codes that a person was sent.
    MailCode(KeyedHash),
    /// What a person does not want to be told of.
    TurnedOff(KeyedHash),
}

/// The content of one cell; with its key it can be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// The realm.
    Realm(Realm),
    /// The configuration.
    Config(std::sync::Arc<RealmConfig>),
    /// The totals.
    Totals(Totals),
    /// A node.
    Instance(Instance),
    /// A node's key wrap.
    Wrap(KeyWrap),
    /// A join token.
    JoinToken(JoinToken),
    /// An API token.
    ApiToken(ApiToken),
    /// A counter.
    Counter(Counter),
    /// A ticket.
    Ticket(Ticket),
    /// A label.
    Label(Label),
    /// An audit record.
    Audit(AuditRecord),
    /// A remembered request.
    Request(Remembered),
    /// Whom the node of a join token replaces.
    Replacement(NodeId),
    /// A kept revision of the configuration.
    Revision(KeptRevision),
    /// The generations of the data key.
    Keys(RealmKeys),
    /// When a node's newest certificate ends.
    Certificate(Timestamp),
    /// The feature level, once it was raised.
    Level(FeatureLevel),
    /// The configuration, above the first feature level.
    ConfigDocument(Document<std::sync::Arc<RealmConfig>>),
    /// A kept revision of the configuration, above the first feature level.
    RevisionDocument(Document<KeptRevision>),
    /// A person's passcode.
    Passcode(Passcode),
    /// A mail.
    Mail(QueuedMail),
    /// The codes that a person was sent.
    MailCode(MailCode),
    /// What a person does not want to be told of.
    TurnedOff(BTreeSet<NotificationEvent>),
}

/// A cell's content does not belong to its key: stored data is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cell {key:?} holds something else than its name says; take the data directory aside and join anew"
)]
pub struct MismatchedCell {
    /// Which.
    pub key: CellKey,
}

impl State {
    /// The realm, once it was made.
    #[must_use]
    pub fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// The configuration, once there is a realm.
    #[must_use]
    pub fn config(&self) -> Option<&std::sync::Arc<RealmConfig>> {
        self.config.as_ref()
    }

    /// The revisions of the configuration that are kept, oldest first, the one in force among them.
    pub fn revisions(&self) -> impl DoubleEndedIterator<Item = &KeptRevision> {
        self.revisions.values()
    }

    /// One kept revision of the configuration.
    #[must_use]
    pub fn revision(&self, revision: Revision) -> Option<&KeptRevision> {
        self.revisions.get(&revision)
    }

    /// The totals.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The nodes, removed ones too, by id.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// The sites of the realm's voters, for whoever asked a node that may not do it.
    #[must_use]
    pub fn voter_sites(&self) -> Vec<String> {
        let voters = self.instances().filter(|instance| instance.is_active() && instance.role == Role::Voter);
        voters.map(|voter| voter.site_url.clone()).collect()
    }

    /// One node.
    #[must_use]
    pub fn instance(&self, id: NodeId) -> Option<&Instance> {
        self.instances.get(&id)
    }

    /// A node's key wrap.
    #[must_use]
    pub fn wrap(&self, id: NodeId) -> Option<&KeyWrap> {
        self.wraps.get(&id)
    }

    /// The nodes that hold a wrap.
    pub fn key_holders(&self) -> impl Iterator<Item = NodeId> {
        self.wraps.keys().copied()
    }

    /// The generations of the data key, once there is a realm.
    #[must_use]
    pub fn keys(&self) -> Option<&RealmKeys> {
        self.keys.as_ref()
    }

    /// When the newest certificate of a node ends.
    #[must_use]
    pub fn certificate_end(&self, id: NodeId) -> Option<Timestamp> {
        self.certificates.get(&id).copied()
    }

    /// The level that the realm runs at.
    #[must_use]
    pub fn level(&self) -> FeatureLevel {
        self.level
    }

    /// What stands in the cell of the level: nothing at the first one, which programs that know of no levels write too.
    fn raised_level(&self) -> Option<FeatureLevel> {
        Some(self.level).filter(|level| *level > FeatureLevel::FIRST)
    }

    /// A join token.
    #[must_use]
    pub fn join_token(&self, id: JoinTokenId) -> Option<&JoinToken> {
        self.join_tokens.get(&id)
    }

    /// The nodes that are to be replaced, each with the token of the one that comes, and that one once it was admitted.
    pub fn replacements(&self) -> impl Iterator<Item = (NodeId, JoinTokenId, Option<NodeId>)> {
        self.replacements.iter().map(|(token, replaces)| {
            (*replaces, *token, self.join_tokens.get(token).and_then(|token| token.used_by))
        })
    }

    /// An API token.
    #[must_use]
    pub fn api_token(&self, id: ApiTokenId) -> Option<&ApiToken> {
        self.api_tokens.get(&id)
    }

    /// The API tokens.
    pub fn api_tokens(&self) -> impl Iterator<Item = &ApiToken> {
        self.api_tokens.values()
    }

    /// Until when a target is locked, if it is.
    #[must_use]
    pub fn locked_until(&self, target: AttemptTarget, at: Timestamp) -> Option<Timestamp> {
        self.counters.get(&target).and_then(|counter| counter.locked_at(at))
    }

    /// One counter.
    #[must_use]
    pub fn counter(&self, target: AttemptTarget) -> Option<&Counter> {
        self.counters.get(&target)
    }

    /// One ticket.
    #[must_use]
    pub fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(&id)
    }

    /// All tickets.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values()
    }

    /// One label.
    #[must_use]
    pub fn label(&self, key: &LabelKey) -> Option<&Label> {
        self.labels.get(key)
    }

    /// The audit window, oldest first.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &AuditRecord> {
        self.audit.values()
    }

    /// Records that concern one subject, latest first.
    pub fn audit_of(&self, subject: KeyedHash) -> impl Iterator<Item = &AuditRecord> {
        self.audit.values().rev().filter(move |record| record.subjects().any(|of| of == subject))
    }

    /// The keys of every cell there is.
    pub fn cell_keys(&self) -> impl Iterator<Item = CellKey> + '_ {
        let single = [
            self.realm.as_ref().map(|_| CellKey::Realm),
            self.config.as_ref().map(|_| CellKey::Config),
            Some(CellKey::Totals),
            self.keys.as_ref().map(|_| CellKey::Keys),
            self.raised_level().map(|_| CellKey::Level),
        ];
        single
            .into_iter()
            .flatten()
            .chain(self.instances.keys().map(|id| CellKey::Instance(*id)))
            .chain(self.wraps.keys().map(|id| CellKey::Wrap(*id)))
            .chain(self.join_tokens.keys().map(|id| CellKey::JoinToken(*id)))
            .chain(self.api_tokens.keys().map(|id| CellKey::ApiToken(*id)))
            .chain(self.counters.keys().map(|target| CellKey::Counter(*target)))
            .chain(self.tickets.keys().map(|id| CellKey::Ticket(*id)))
            .chain(self.labels.keys().map(|key| CellKey::Label(key.clone())))
            .chain(self.audit.keys().map(|seq| CellKey::Audit(*seq)))
            .chain(self.requests.keys().map(|id| CellKey::Request(*id)))
            .chain(self.replacements.keys().map(|token| CellKey::Replacement(*token)))
            .chain(self.revisions.keys().map(|revision| CellKey::Revision(*revision)))
            .chain(self.certificates.keys().map(|id| CellKey::Certificate(*id)))
            .chain(self.passcodes.keys().map(|subject| CellKey::Passcode(*subject)))
            .chain(self.outbox.keys().map(|id| CellKey::Mail(*id)))
            .chain(self.mail_codes.keys().map(|subject| CellKey::MailCode(*subject)))
            .chain(self.turned_off.keys().map(|subject| CellKey::TurnedOff(*subject)))
    }

    /// The passcode that a person may still use.
    #[must_use]
    pub fn passcode(&self, subject: KeyedHash, at: Timestamp) -> Option<&Passcode> {
        self.passcodes.get(&subject).filter(|passcode| at < passcode.until)
    }

    /// The content of one cell; `None` when it was removed.
    #[must_use]
    pub fn cell(&self, key: &CellKey) -> Option<Cell> {
        match key {
            CellKey::Realm => self.realm.clone().map(Cell::Realm),
            CellKey::Config => self.config.clone().map(|config| self.config_cell(config)),
            CellKey::Totals => Some(Cell::Totals(self.totals.clone())),
            CellKey::Instance(id) => self.instances.get(id).cloned().map(Cell::Instance),
            CellKey::Wrap(id) => self.wraps.get(id).cloned().map(Cell::Wrap),
            CellKey::JoinToken(id) => self.join_tokens.get(id).cloned().map(Cell::JoinToken),
            CellKey::ApiToken(id) => self.api_tokens.get(id).cloned().map(Cell::ApiToken),
            CellKey::Counter(target) => self.counters.get(target).cloned().map(Cell::Counter),
            CellKey::Ticket(id) => self.tickets.get(id).cloned().map(Cell::Ticket),
            CellKey::Label(key) => self.labels.get(key).cloned().map(Cell::Label),
            CellKey::Audit(seq) => self.audit.get(seq).cloned().map(Cell::Audit),
            CellKey::Request(id) => self.requests.get(id).cloned().map(Cell::Request),
            CellKey::Replacement(token) => self.replacements.get(token).copied().map(Cell::Replacement),
            CellKey::Revision(revision) => {
                self.revisions.get(revision).cloned().map(|kept| self.revision_cell(kept))
            }
            CellKey::Keys => self.keys.clone().map(Cell::Keys),
            CellKey::Certificate(id) => self.certificates.get(id).copied().map(Cell::Certificate),
            CellKey::Level => self.raised_level().map(Cell::Level),
            CellKey::Passcode(subject) => self.passcodes.get(subject).cloned().map(Cell::Passcode),
            CellKey::Mail(id) => self.outbox.get(id).cloned().map(Cell::Mail),
            CellKey::MailCode(subject) => self.mail_codes.get(subject).cloned().map(Cell::MailCode),
            CellKey::TurnedOff(subject) => self.turned_off.get(subject).cloned().map(Cell::TurnedOff),
        }
    }

    /// Whether the configuration is kept as a document. At the first level it is in the form that its programs write.
    fn keeps_documents(&self) -> bool {
        self.level > FeatureLevel::FIRST
    }

    fn config_cell(&self, config: std::sync::Arc<RealmConfig>) -> Cell {
        if self.keeps_documents() { Cell::ConfigDocument(Document(config)) } else { Cell::Config(config) }
    }

    fn revision_cell(&self, kept: KeptRevision) -> Cell {
        if self.keeps_documents() { Cell::RevisionDocument(Document(kept)) } else { Cell::Revision(kept) }
    }

    /// Puts a stored cell back.
    pub fn restore_cell(&mut self, key: CellKey, cell: Cell) -> Result<(), MismatchedCell> {
        match (key, cell) {
            (CellKey::Realm, Cell::Realm(realm)) => self.realm = Some(realm),
            (CellKey::Config, Cell::Config(config) | Cell::ConfigDocument(Document(config))) => {
                self.config = Some(config);
            }
            (CellKey::Totals, Cell::Totals(totals)) => self.totals = totals,
            (CellKey::Instance(id), Cell::Instance(instance)) => drop(self.instances.insert(id, instance)),
            (CellKey::Wrap(id), Cell::Wrap(wrap)) => drop(self.wraps.insert(id, wrap)),
            (CellKey::JoinToken(id), Cell::JoinToken(token)) => drop(self.join_tokens.insert(id, token)),
            (CellKey::ApiToken(id), Cell::ApiToken(token)) => drop(self.api_tokens.insert(id, token)),
            (CellKey::Counter(target), Cell::Counter(counter)) => drop(self.counters.insert(target, counter)),
            (CellKey::Ticket(id), Cell::Ticket(ticket)) => drop(self.tickets.insert(id, ticket)),
            (CellKey::Label(key), Cell::Label(label)) => drop(self.labels.insert(key, label)),
            (CellKey::Audit(seq), Cell::Audit(record)) => drop(self.audit.insert(seq, record)),
            (CellKey::Request(id), Cell::Request(remembered)) => self.keep_request(id, remembered),
            (CellKey::Replacement(token), Cell::Replacement(replaces)) => {
                self.replacements.insert(token, replaces);
            }
            (CellKey::Revision(revision), Cell::Revision(kept) | Cell::RevisionDocument(Document(kept))) => {
                drop(self.revisions.insert(revision, kept))
            }
            (CellKey::Keys, Cell::Keys(keys)) => self.keys = Some(keys),
            (CellKey::Certificate(id), Cell::Certificate(end)) => drop(self.certificates.insert(id, end)),
            (CellKey::Level, Cell::Level(level)) => self.level = level,
            (CellKey::Passcode(subject), Cell::Passcode(passcode)) => {
                self.passcodes.insert(subject, passcode);
            }
            (CellKey::Mail(id), Cell::Mail(mail)) => drop(self.outbox.insert(id, mail)),
            (CellKey::MailCode(subject), Cell::MailCode(code)) => drop(self.mail_codes.insert(subject, code)),
            (CellKey::TurnedOff(subject), Cell::TurnedOff(events)) => {
                drop(self.turned_off.insert(subject, events));
            }
            (key, _) => return Err(MismatchedCell { key }),
        }
        Ok(())
    }
}
