//! What the sites are given: the doors to the world, the node's settings, and the few calls that every page makes.

use crate::hashing::Hashing;
use crate::locale::Locales;
use crate::page_error::Failure;
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::blob::Sealed;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::{KeyedHash, RequestId};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::ports::{
    Admission, Backups, Clock, Consensus, Consistency, Directories, Entropy, KeyCare, Membership, Purpose,
    Upgrades, Vault, VaultError, fresh_uuid,
};
use passquorum_domain::qa::HashCost;
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The doors to the world.
#[derive(Clone)]
pub struct Ports {
    /// The replicated state.
    pub consensus: Arc<dyn Consensus>,
    /// The users' domains.
    pub directories: Arc<dyn Directories>,
    /// The realm key's uses.
    pub vault: Arc<dyn Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The verbs on nodes.
    pub membership: Arc<dyn Membership>,
    /// Tokens and joins.
    pub admission: Arc<dyn Admission>,
    /// Backups of the realm.
    pub backups: Arc<dyn Backups>,
    /// Certificates and keys.
    pub key_care: Arc<dyn KeyCare>,
    /// The end of an upgrade.
    pub upgrades: Arc<dyn Upgrades>,
}

/// What this node's sites are told.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// The node's name, shown small at the foot of each page, so that a person can tell it to the helpdesk.
    pub node_name: String,
    /// The languages of the pages.
    pub locales: Locales,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: BTreeSet<IpAddr>,
    /// Requests of one source that are answered at a time. Everyone behind a proxy that is not trusted is one source.
    pub requests_per_source: usize,
    /// Where answers are hashed.
    pub hashing: Hashing,
    /// What hashing an answer takes.
    pub answer_cost: HashCost,
    /// Steps that look a person up or check a secret are answered only at multiples of this, so that the time tells
    /// nothing about whether the person exists. Zero turns it off.
    pub answer_grid: Duration,
}

impl SiteSettings {
    /// The settings of a node by its name; no proxy is trusted.
    #[must_use]
    pub fn new(node_name: impl Into<String>) -> Self {
        Self {
            node_name: node_name.into(),
            locales: Locales::built_in(),
            trusted_proxies: BTreeSet::new(),
            requests_per_source: 512,
            hashing: Hashing::threads(),
            answer_cost: HashCost::STANDARD,
            answer_grid: Duration::from_millis(250),
        }
    }
}

impl Ports {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Commits one action under a fresh request id.
    pub async fn commit(&self, actor: Actor, action: Action) -> Result<Effect, Failure> {
        self.commit_with(actor, action, None).await
    }

    /// Commits one action with a sealed note for the audit record.
    pub async fn commit_with(
        &self,
        actor: Actor,
        action: Action,
        detail: Option<Sealed>,
    ) -> Result<Effect, Failure> {
        let at = self.now();
        let request = RequestId::internal(at, fresh_uuid(&*self.entropy));
        let command = Command { request, at, actor, detail, action };
        Ok(self.consensus.propose(command).await??)
    }

    /// Until when attempts at a target are refused, if they are: without a command, so that nothing of it is in the log. The cluster
    /// is asked only where this node knows of a lock, which may have been lifted.
    pub(crate) async fn locked_until(&self, target: AttemptTarget) -> Result<Option<Timestamp>, Failure> {
        let now = self.now();
        if self.consensus.local().locked_until(target, now).is_none() {
            return Ok(None);
        }
        Ok(self.current().await?.locked_until(target, now))
    }

    /// Writes an audit record; `note` (names, addresses) is sealed for key holders.
    pub async fn record(
        &self,
        actor: Actor,
        event: AuditEvent,
        subject: Option<KeyedHash>,
        note: &str,
    ) -> Result<(), Failure> {
        let detail = Some(self.seal_detail(note)?);
        self.commit_with(actor, Action::Record { event, subject }, detail).await.map(drop)
    }

    /// Seals a note for an audit record. The context of [`Purpose::AuditDetail`] is empty.
    pub fn seal_detail(&self, note: &str) -> Result<Sealed, VaultError> {
        self.vault.seal(Purpose::AuditDetail, &[], note.as_bytes())
    }

    /// The state, linearizable: for every decision about access.
    pub async fn current(&self) -> Result<Arc<State>, Failure> {
        Ok(self.consensus.read(Consistency::Linearizable).await?)
    }

    /// The configuration, linearizable.
    pub async fn current_config(&self) -> Result<Arc<RealmConfig>, Failure> {
        let state = self.current().await?;
        Ok(state.config().cloned().ok_or(Rejection::NoRealm)?)
    }

    /// The configuration as this node knows it: for texts, never for decisions.
    #[must_use]
    pub fn local_config(&self) -> Option<Arc<RealmConfig>> {
        self.consensus.local().config().cloned()
    }

    /// The organisation's name, for the head of each page.
    #[must_use]
    pub fn organisation(&self) -> String {
        self.local_config()
            .map_or_else(|| "passquorum".to_owned(), |config| config.general.organisation.clone())
    }
}
