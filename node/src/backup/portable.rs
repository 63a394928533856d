//! A configuration for another realm: as the API takes it, with the passwords of the access accounts beside it in clear.

use passquorum_domain::config::{DirectoryEndpoint, RealmConfig};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{BackupError, Purpose, Vault};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

#[derive(Serialize)]
struct Portable<'a> {
    config: &'a RealmConfig,
    passwords: BTreeMap<ConnectionId, &'a str>,
}

/// The JSON form, to be sealed at once.
///
/// # Errors
/// A password does not open.
pub(super) fn reveal(config: &RealmConfig, vault: &dyn Vault) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let mut opened: Vec<(ConnectionId, Zeroizing<Vec<u8>>)> = Vec::new();
    for connection in &config.connections {
        if let DirectoryEndpoint::Ldaps(ldaps) = &connection.endpoint {
            let context = connection.id.0.as_bytes();
            opened.push((connection.id, vault.open(Purpose::ServiceAccount, context, &ldaps.bind_password)?));
        }
    }
    let mut passwords = BTreeMap::new();
    for (id, password) in &opened {
        let text = std::str::from_utf8(password);
        let text = text.map_err(|_| BackupError::Broken("a password is not text".to_owned()))?;
        passwords.insert(*id, text);
    }
    let mut json = Zeroizing::new(Vec::with_capacity(64 << 10));
    serde_json::to_writer(&mut *json, &Portable { config, passwords })
        .map_err(|error| BackupError::Broken(error.to_string()))?;
    Ok(json)
}
