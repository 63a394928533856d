//! The generations of the realm's data key: which one seals, which one comes, which older ones still open something. The
//! keys themselves are only in the wraps ([`crate::instance::KeyWrap`]), each of which holds all of these generations.
//!
//! A rotation goes in steps, each of which any leader can take up: a new key is given to every key-holding node; each
//! confirms that it has it; only then the realm seals under it, so that no node is shown what it cannot open. After that
//! what is sealed under older keys is sealed anew, value by value. What is left to do shows from the sealed values
//! themselves, which name their generation, so that there is no other record of the progress.

use crate::blob::Sealed;
use crate::config::{DirectoryEndpoint, Problem, RealmConfig};
use crate::ids::NodeId;
use crate::mail::MailServer;
use crate::ports::Purpose;
use crate::state::State;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The generations of the data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmKeys {
    /// New values are sealed under this one.
    pub sealing: u32,
    /// Since when.
    pub since: Timestamp,
    /// The one that comes, until every holder has it.
    pub next: Option<NextKey>,
    /// Earlier ones that are still in the wraps, oldest first.
    pub older: Vec<OlderKey>,
    /// Whether a node that held the newest key was removed: it is to be replaced.
    pub due: bool,
}

/// A data key that the nodes are given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextKey {
    /// Which.
    pub generation: u32,
    /// When it was given out.
    pub since: Timestamp,
    /// Who has confirmed it.
    pub held_by: BTreeSet<NodeId>,
}

/// A data key that seals nothing new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderKey {
    /// Which.
    pub generation: u32,
    /// Until when it sealed.
    pub until: Timestamp,
}

/// How many values of the state a generation seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Uses {
    /// Values that are sealed anew after a rotation.
    pub to_reseal: u64,
    /// Details of audit records, which the chain of the audit keeps as they are.
    pub audit: u64,
}

impl RealmKeys {
    /// A holder that has not confirmed the next key after this long is not waited for: it is behind the log, and not
    /// ready to serve.
    pub const PATIENCE: Span = Span::minutes(2);
    /// A key stays at least this long after it sealed last, since sessions and requests under way may still need it.
    pub const KEEP: Span = Span::hours(24);
    /// Older keys that are kept at most; one more rotation is refused until one is retired.
    pub const MOST_OLDER: usize = 64;

    /// The keys of a new realm.
    #[must_use]
    pub fn first(generation: u32, at: Timestamp) -> Self {
        Self { sealing: generation, since: at, next: None, older: Vec::new(), due: false }
    }

    /// The newest generation in the wraps.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.next.as_ref().map_or(self.sealing, |next| next.generation)
    }

    /// Whether a generation is in the wraps.
    #[must_use]
    pub fn has(&self, generation: u32) -> bool {
        generation == self.sealing
            || generation == self.newest()
            || self.older.iter().any(|older| older.generation == generation)
    }

    /// Whether the next key is to be used though not every holder has confirmed it.
    #[must_use]
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        self.next.as_ref().is_some_and(|next| at >= next.since.plus(Self::PATIENCE))
    }
}

/// A sealed value of the state, and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Its context.
    pub context: Vec<u8>,
    /// The value.
    pub sealed: &'a Sealed,
}

impl State {
    /// Every sealed value that can be sealed anew. One that stands in several revisions of the configuration is named
    /// several times.
    pub fn sealed_values(&self) -> impl Iterator<Item = SealedValue<'_>> {
        let authority = self.realm.iter().map(|realm| SealedValue {
            purpose: Purpose::AuthorityKey,
            context: realm.id.0.as_bytes().to_vec(),
            sealed: &realm.authority_key,
        });
        let configs = self.config.iter().chain(self.revisions.values().map(|kept| &kept.config));
        let passwords = configs.flat_map(|config| &config.connections).filter_map(|connection| {
            let DirectoryEndpoint::Ldaps(ldaps) = &connection.endpoint else { return None };
            Some(SealedValue {
                purpose: Purpose::ServiceAccount,
                context: connection.id.0.as_bytes().to_vec(),
                sealed: &ldaps.bind_password,
            })
        });
        let origins = self.revisions.values().filter_map(|kept| kept.origin.as_ref()?.detail.as_ref());
        let notes =
            origins.map(|sealed| SealedValue { purpose: Purpose::AuditDetail, context: Vec::new(), sealed });
        let configs = self.config.iter().chain(self.revisions.values().map(|kept| &kept.config));
        let servers =
            configs.filter_map(|config| config.general.mail.as_ref()).flat_map(|mail| &mail.servers);
        let accounts = servers.filter_map(|server| {
            let login = server.login.as_ref()?;
            let context = MailServer::context(&server.host, &login.user);
            Some(SealedValue { purpose: Purpose::MailAccount, context, sealed: &login.password })
        });
        let mails = self.outbox.values().filter_map(|mail| {
            let context = mail.id.0.as_bytes().to_vec();
            Some(SealedValue { purpose: Purpose::Mail, context, sealed: mail.content()? })
        });
        authority.chain(passwords).chain(notes).chain(accounts).chain(mails)
    }

    /// What each generation seals.
    #[must_use]
    pub fn uses_of_keys(&self) -> BTreeMap<u32, Uses> {
        let mut uses: BTreeMap<u32, Uses> = BTreeMap::new();
        let distinct: BTreeSet<&Sealed> = self.sealed_values().map(|value| value.sealed).collect();
        for generation in distinct.into_iter().filter_map(Sealed::generation) {
            uses.entry(generation).or_default().to_reseal += 1;
        }
        let details = self.audit.values().filter_map(|record| record.detail.as_ref()?.generation());
        for generation in details {
            uses.entry(generation).or_default().audit += 1;
        }
        uses
    }

    /// Nodes that hold the data key and stay: those that a new one is for.
    #[must_use]
    pub fn staying_key_holders(&self) -> BTreeSet<NodeId> {
        let stays = |id: &NodeId| self.instances.get(id).is_some_and(|instance| instance.is_active());
        self.wraps.keys().copied().filter(stays).collect()
    }
}

/// The passwords of a configuration that no key of the realm opens.
pub(crate) fn unopenable(keys: &RealmKeys, config: &RealmConfig) -> Vec<Problem> {
    let connections = config.connections.iter().enumerate();
    let lost = connections.filter(|(_, connection)| match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => {
            ldaps.bind_password.generation().is_some_and(|generation| !keys.has(generation))
        }
        DirectoryEndpoint::Embedded => false,
    });
    let connections = lost.map(|(index, _)| format!("connections[{index}].endpoint.bind_password"));
    let servers = config.general.mail.iter().flat_map(|mail| mail.servers.iter().enumerate());
    let accounts = servers
        .filter(|(_, server)| {
            let generation = server.login.as_ref().and_then(|login| login.password.generation());
            generation.is_some_and(|generation| !keys.has(generation))
        })
        .map(|(index, _)| format!("general.mail.servers[{index}].login.password"));
    let problem = |field| Problem {
        field,
        message:
            "it is sealed under a key that the realm does not have, or not any more; enter the password anew"
                .to_owned(),
    };
    connections.chain(accounts).map(problem).collect()
}

/// A configuration with a sealed value put in place of another; `None` when that is not in it.
pub(crate) fn with_resealed(config: &RealmConfig, old: &Sealed, new: &Sealed) -> Option<Arc<RealmConfig>> {
    let holds = |endpoint: &DirectoryEndpoint| match endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ldaps.bind_password == *old,
        DirectoryEndpoint::Embedded => false,
    };
    let mut next = config.clone();
    let mut found = config.connections.iter().any(|connection| holds(&connection.endpoint));
    let servers = next.general.mail.iter_mut().flat_map(|mail| &mut mail.servers);
    for login in servers.filter_map(|server| server.login.as_mut()) {
        if login.password == *old {
            login.password = new.clone();
            found = true;
        }
    }
    if !found {
        return None;
    }
    for connection in &mut next.connections {
        if let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint
            && ldaps.bind_password == *old
        {
            ldaps.bind_password = new.clone();
        }
    }
    Some(Arc::new(next))
}
