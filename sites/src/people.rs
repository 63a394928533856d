//! Who a typed name is: one user of one connection, or nobody that may be told from any other nobody.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{ClientController, DistinguishedName, LoginName, ObjectGuid, UserRecord};
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::ports::{Directory, DirectoryError, Found, Purpose, VaultError};
use passquorum_domain::scope::ScopeDecision;
use std::sync::Arc;

/// What a lookup over all connections gave.
pub(crate) enum Person {
    /// One user.
    One(Box<UserRecord>, Arc<dyn Directory>),
    /// None.
    Nobody,
    /// More than one; never guessed.
    Several,
}

/// Looks a name up in the connections it may belong to.
pub(crate) async fn find(
    ports: &Ports,
    config: &RealmConfig,
    name: &LoginName,
) -> Result<Person, DirectoryError> {
    find_near(ports, config, name, None).await
}

/// The same, from the domain controller that the visitor's computer uses where that may be.
pub(crate) async fn find_near(
    ports: &Ports,
    config: &RealmConfig,
    name: &LoginName,
    near: Option<&ClientController>,
) -> Result<Person, DirectoryError> {
    let mut person = Person::Nobody;
    let named = |alias: &str| match name {
        LoginName::Account { domain: Some(domain), .. } => domain.to_lowercase() == alias.to_lowercase(),
        _ => true,
    };
    for connection in config.connections.iter().filter(|connection| named(&connection.alias)) {
        let directory = ports.directories.open(connection.id).await?;
        let found = match near {
            Some(near) => directory.find_near(name, near).await?,
            None => directory.find(name).await?,
        };
        person = match (found, person) {
            (Found::Nobody, person) => person,
            (Found::One(record), Person::Nobody) => Person::One(record, directory),
            _ => return Ok(Person::Several),
        };
    }
    Ok(person)
}

/// The first policy that serves a user.
pub(crate) async fn policy_of<'c>(
    config: &'c RealmConfig,
    record: &UserRecord,
    directory: &dyn Directory,
) -> Result<Option<&'c ManagementPolicy>, DirectoryError> {
    let decided = policies_of(config, record, directory).await?;
    let serving = decided.into_iter().find(|(_, decision)| matches!(decision, ScopeDecision::Allowed(_)));
    Ok(serving.map(|(policy, _)| policy))
}

/// Every policy in its order, with what it decides on a user. The first that allows serves.
pub(crate) async fn policies_of<'c>(
    config: &'c RealmConfig,
    record: &UserRecord,
    directory: &dyn Directory,
) -> Result<Vec<(&'c ManagementPolicy, ScopeDecision)>, DirectoryError> {
    let scopes = |policy: &'c ManagementPolicy| {
        policy.scope.iter().filter(|scope| scope.connection == record.user.connection)
    };
    let mut groups: Vec<DistinguishedName> =
        config.policies.iter().flat_map(scopes).flat_map(|scope| scope.groups().cloned()).collect();
    groups.sort();
    groups.dedup();
    let member_of = if groups.is_empty() { groups } else { directory.member_of(record, &groups).await? };
    // One scope that allows is enough; of the others the one that denies says most.
    let decide = |policy: &'c ManagementPolicy| {
        let decisions: Vec<_> = scopes(policy).map(|scope| scope.decide(&record.dn, &member_of)).collect();
        let allowed = decisions.iter().find(|decision| matches!(decision, ScopeDecision::Allowed(_)));
        let denied = || decisions.iter().find(|decision| matches!(decision, ScopeDecision::Denied(_)));
        allowed.or_else(denied).cloned().unwrap_or(ScopeDecision::NotNamed)
    };
    Ok(config.policies.iter().map(|policy| (policy, decide(policy))).collect())
}

/// What a user's counters and tickets are kept under.
pub(crate) fn subject(ports: &Ports, guid: ObjectGuid) -> Result<KeyedHash, VaultError> {
    ports.vault.keyed_hash(Purpose::Subject, &guid.0)
}

/// What the counter of a name that is nobody's is kept under, so that it locks as a user's does. All spellings of one
/// name share it, as all names of one user share the user's.
pub(crate) fn nobody(ports: &Ports, name: &LoginName) -> Result<KeyedHash, Failure> {
    let account = match name {
        LoginName::Account { account, .. } => account.as_str(),
        LoginName::Address(address) => address.split('@').next().unwrap_or(address),
    };
    // Longer than an objectGUID, so that no name can stand for one.
    let data = format!("passquorum nobody: {}", account.to_lowercase());
    Ok(ports.vault.keyed_hash(Purpose::Subject, data.as_bytes())?)
}
