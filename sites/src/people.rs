//! Who a typed name is: one person, by one connection or several, or nobody that may be told from any other nobody.

use crate::page_error::Failure;
use crate::ports::Ports;
use crate::text;
use futures::future::try_join_all;
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{
    ClientController, DistinguishedName, LoginName, ObjectGuid, UserRecord, UserRef,
};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{ConnectionId, KeyedHash};
use passquorum_domain::ports::{Directory, DirectoryError, DirectoryReason, Found, Purpose, VaultError};
use passquorum_domain::scope::{ScopeDecision, UserScope};
use std::sync::Arc;

/// What a lookup over all connections gave.
pub(crate) enum Person {
    /// One person.
    One(Ways),
    /// None.
    Nobody,
    /// More than one; never guessed.
    Several,
}

/// A person as one connection shows them.
pub(crate) struct Way {
    pub(crate) record: Box<UserRecord>,
    pub(crate) directory: Arc<dyn Directory>,
}

/// A person by every connection that shows the same object, in the order of the connections.
pub(crate) struct Ways {
    pub(crate) first: Way,
    others: Vec<Way>,
}

impl Ways {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Way> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn guid(&self) -> ObjectGuid {
        self.first.record.user.guid
    }
}

/// Looks a name up in the connections it may belong to.
pub(crate) async fn find(
    ports: &Ports,
    config: &RealmConfig,
    name: &LoginName,
) -> Result<Person, DirectoryError> {
    find_near(ports, config, name, None).await
}

/// The same, from the domain controller that the visitor's computer uses where that may be. Who names one of several connections
/// to their domain is looked for through each of them: nobody chooses their policy by what they type.
pub(crate) async fn find_near(
    ports: &Ports,
    config: &RealmConfig,
    name: &LoginName,
    near: Option<&ClientController>,
) -> Result<Person, DirectoryError> {
    let is_named = |connection: &DomainConnection| match name {
        LoginName::Account { domain: Some(domain), .. } => {
            domain.to_lowercase() == connection.alias.to_lowercase()
        }
        _ => true,
    };
    let named: Vec<_> = config.connections.iter().filter(|connection| is_named(connection)).collect();
    let is_meant = |connection: &&DomainConnection| {
        named.iter().any(|one| one.id == connection.id || one.may_share_users(connection))
    };
    let asked = config.connections.iter().filter(is_meant).map(|connection| async move {
        let directory = ports.directories.open(connection.id).await?;
        let answer = match near {
            Some(near) => directory.find_near(name, near).await?,
            None => directory.find(name).await?,
        };
        Ok::<_, DirectoryError>((is_named(connection), answer, directory))
    });
    let mut found = Vec::new();
    for (is_named, answer, directory) in try_join_all(asked).await? {
        match answer {
            Found::One(record) => found.push((is_named, Way { record, directory })),
            Found::Several if is_named => return Ok(Person::Several),
            Found::Several | Found::Nobody => {}
        }
    }
    let identity = |way: &Way| way.record.user.guid;
    let mut meant = found.iter().filter(|(is_named, _)| *is_named).map(|(_, way)| identity(way));
    let Some(guid) = meant.next() else { return Ok(Person::Nobody) };
    if meant.any(|other| other != guid) {
        return Ok(Person::Several);
    }
    let mut ways = found.into_iter().map(|(_, way)| way).filter(|way| identity(way) == guid);
    Ok(ways.next().map_or(Person::Nobody, |first| Person::One(Ways { first, others: ways.collect() })))
}

/// The ways to somebody of one connection: all that show the same object, of those connections that may.
pub(crate) async fn ways_of(
    ports: &Ports,
    config: &RealmConfig,
    user: &UserRef,
) -> Result<Option<Ways>, DirectoryError> {
    let own = config.connection(user.connection);
    let may_show = |connection: &&DomainConnection| {
        own.is_some_and(|own| own.id == connection.id || own.may_share_users(connection))
    };
    let asked = config.connections.iter().filter(may_show).map(|connection| async move {
        let directory = match ports.directories.open(connection.id).await {
            // This node has yet to learn of a connection that is new.
            Err(error) if error.reason == DirectoryReason::NotFound => return Ok(None),
            opened => opened?,
        };
        match directory.read(&UserRef { connection: connection.id, ..user.clone() }).await {
            Ok(record) if is_looked_for(&record, connection) => {
                Ok(Some(Way { record: Box::new(record), directory }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.reason == DirectoryReason::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    });
    let mut ways = try_join_all(asked).await?.into_iter().flatten();
    Ok(ways.next().map(|first| Ways { first, others: ways.collect() }))
}

/// Whether a name would find them by this connection: an object is read by its identity wherever it is.
fn is_looked_for(record: &UserRecord, connection: &DomainConnection) -> bool {
    match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => record.dn.is_within(&ldaps.base),
        DirectoryEndpoint::Embedded => true,
    }
}

/// What a visitor is told when a domain could not be asked: whoever named none may be of another one.
pub(crate) fn cannot_ask(error: DirectoryError, config: &RealmConfig, name: &LoginName) -> Failure {
    let failure = Failure::from(error);
    let names_none = !matches!(name, LoginName::Account { domain: Some(_), .. });
    if failure.code == ErrorCode::DirectoryUnreachable && names_none && config.connections.len() > 1 {
        return failure.saying(text::NAME_THE_DOMAIN);
    }
    failure
}

/// The first policy that serves a person through any of the ways to them, and the way.
pub(crate) async fn serving<'c, 'w>(
    config: &'c RealmConfig,
    ways: &'w Ways,
) -> Result<Option<(&'c ManagementPolicy, &'w Way)>, DirectoryError> {
    let decided = decisions(config, ways).await?.into_iter();
    let mut serving = decided.filter(|(.., decision)| matches!(decision, ScopeDecision::Allowed(_)));
    Ok(serving.next().map(|(policy, way, _)| (policy, way)))
}

/// Every policy in its order, with what it decides on a person and by which way. The first that allows serves.
pub(crate) async fn decisions<'c, 'w>(
    config: &'c RealmConfig,
    ways: &'w Ways,
) -> Result<Vec<(&'c ManagementPolicy, &'w Way, ScopeDecision)>, DirectoryError> {
    let mut decided: Vec<_> =
        config.policies.iter().map(|policy| (policy, &ways.first, ScopeDecision::NotNamed)).collect();
    for way in ways.iter() {
        let by_this = decisions_by(config, &way.record, &*way.directory).await?;
        for (best, decision) in decided.iter_mut().zip(by_this) {
            if weight(&decision) > weight(&best.2) {
                (best.1, best.2) = (way, decision);
            }
        }
    }
    Ok(decided)
}

async fn decisions_by(
    config: &RealmConfig,
    record: &UserRecord,
    directory: &dyn Directory,
) -> Result<Vec<ScopeDecision>, DirectoryError> {
    let connection = record.user.connection;
    let scopes = config.policies.iter().flat_map(|policy| scopes_in(policy, connection));
    let mut groups: Vec<DistinguishedName> = scopes.flat_map(|scope| scope.groups().cloned()).collect();
    groups.sort();
    groups.dedup();
    let member_of = if groups.is_empty() { groups } else { directory.member_of(record, &groups).await? };
    // One scope that allows is enough; of the others the one that denies says most.
    let decide = |policy: &ManagementPolicy| {
        let decisions = scopes_in(policy, connection).map(|scope| scope.decide(&record.dn, &member_of));
        let weightier = |best, next| if weight(&next) > weight(&best) { next } else { best };
        decisions.reduce(weightier).unwrap_or(ScopeDecision::NotNamed)
    };
    Ok(config.policies.iter().map(decide).collect())
}

fn scopes_in(policy: &ManagementPolicy, connection: ConnectionId) -> impl Iterator<Item = &UserScope> {
    policy.scope.iter().filter(move |scope| scope.connection == connection)
}

fn weight(decision: &ScopeDecision) -> u8 {
    match decision {
        ScopeDecision::NotNamed => 0,
        ScopeDecision::Denied(_) => 1,
        ScopeDecision::Allowed(_) => 2,
    }
}

/// What a user's counters and tickets are kept under.
pub(crate) fn subject(ports: &Ports, guid: ObjectGuid) -> Result<KeyedHash, VaultError> {
    ports.vault.keyed_hash(Purpose::Subject, &guid.0)
}

/// What the counter of a name that is nobody's is kept under, so that it locks as a user's does. Spellings share it that all names
/// of one user would share: no others, or a name that is nobody's could be told by that from a user's.
pub(crate) fn nobody(ports: &Ports, config: &RealmConfig, name: &LoginName) -> Result<KeyedHash, Failure> {
    let account = match name {
        LoginName::Account { domain: None, account } => Some(account.as_str()),
        LoginName::Account { domain: Some(domain), account } => {
            let is_known = |one: &DomainConnection| one.alias.to_lowercase() == domain.to_lowercase();
            config.connections.iter().any(is_known).then_some(account.as_str())
        }
        LoginName::Address(address) => {
            let parts = address.rsplit_once('@');
            parts.filter(|(_, suffix)| is_of_the_realm(config, suffix)).map(|(account, _)| account)
        }
    };
    let name = account.map_or_else(|| name.to_string(), str::to_owned);
    // Longer than an objectGUID, so that no name can stand for one.
    let data = format!("passquorum nobody: {}", name.to_lowercase());
    Ok(ports.vault.keyed_hash(Purpose::Subject, data.as_bytes())?)
}

/// Whether users' addresses may end so, as far as the configuration tells: with a domain's name, or as the realm's own address.
fn is_of_the_realm(config: &RealmConfig, suffix: &str) -> bool {
    let bases = config.connections.iter().filter_map(|connection| match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ldaps.base.dns_domain(),
        DirectoryEndpoint::Embedded => None,
    });
    let of_groups = config.administrators.iter().filter_map(|scope| scope.group.dns_domain());
    let senders = config.general.mail.iter().map(|mail| mail.sender.domain().to_lowercase());
    bases.chain(of_groups).chain(senders).any(|domain| domain == suffix.to_lowercase())
}
