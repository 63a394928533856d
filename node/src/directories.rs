//! The directories of the realm's domain connections, as the present configuration describes them.
//!
//! A directory stays open as long as its connection's settings stay the same; a changed one is opened anew at the next
//! call. Bind passwords are opened by the vault and given to the LDAP side only.

use async_trait::async_trait;
use passquorum_ad_sync::demo::DemoDirectory;
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{
    Consensus, Directories, Directory, DirectoryError, DirectoryReason, Purpose, Retry, Vault,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The directories, by connection.
pub struct RealmDirectories {
    consensus: Arc<dyn Consensus>,
    vault: Arc<dyn Vault>,
    demo_file: Option<PathBuf>,
    open: Mutex<BTreeMap<ConnectionId, Open>>,
}

struct Open {
    connection: DomainConnection,
    directory: Arc<dyn Directory>,
}

impl RealmDirectories {
    /// Nothing is opened yet. `demo_file` is where this host keeps the embedded directory, if it has one.
    #[must_use]
    pub fn new(consensus: Arc<dyn Consensus>, vault: Arc<dyn Vault>, demo_file: Option<PathBuf>) -> Self {
        Self { consensus, vault, demo_file, open: Mutex::default() }
    }

    fn connect(&self, connection: &DomainConnection) -> Result<Arc<dyn Directory>, DirectoryError> {
        match &connection.endpoint {
            DirectoryEndpoint::Ldaps(settings) => {
                let sealed = &settings.bind_password;
                let context = connection.id.0.as_bytes();
                let clear = self.vault.open(Purpose::ServiceAccount, context, sealed).map_err(|problem| {
                    tracing::error!(connection = %connection.id, %problem, "the access account's password");
                    refused(DirectoryReason::BindRefused)
                })?;
                let password =
                    std::str::from_utf8(&clear).map_err(|_| refused(DirectoryReason::BindRefused))?;
                let password = SecretString::from(password);
                passquorum_ad_sync::ldaps::open(
                    connection.id,
                    settings,
                    password,
                    &connection.profile_attribute,
                )
            }
            DirectoryEndpoint::Embedded => {
                let Some(file) = &self.demo_file else {
                    tracing::error!("the realm uses the embedded directory, but demo.directory is not set");
                    return Err(refused(DirectoryReason::Unreachable));
                };
                let directory = DemoDirectory::open(file, connection.id);
                Ok(Arc::new(directory))
            }
        }
    }
}

fn refused(reason: DirectoryReason) -> DirectoryError {
    DirectoryError {
        dc: "the domain connection".to_owned(),
        operation: "open",
        reason,
        ad_code: None,
        retry: Retry::Pointless,
    }
}

#[async_trait]
impl Directories for RealmDirectories {
    async fn open(&self, id: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        let state = self.consensus.local();
        let connection = state.config().and_then(|config| config.connection(id));
        let connection = connection.ok_or_else(|| refused(DirectoryReason::NotFound))?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = open.get(&id).filter(|present| present.connection == *connection) {
            return Ok(Arc::clone(&present.directory));
        }
        let directory = self.connect(connection)?;
        open.insert(id, Open { connection: connection.clone(), directory: Arc::clone(&directory) });
        Ok(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::birth::Birth;
    use crate::env::{SystemClock, SystemEntropy};
    use crate::keys::NewKeys;
    use passquorum_ad_sync::demo;
    use passquorum_domain::audit::Actor;
    use passquorum_domain::command::{Action, Command, NewNode};
    use passquorum_domain::config::{ConfigChange, RealmConfig};
    use passquorum_domain::ids::{NodeId, RequestId, Revision};
    use passquorum_domain::ports::{Clock, Entropy, fresh_uuid};

    const CONNECTION: ConnectionId = ConnectionId(uuid::Uuid::from_u128(1));

    fn connection(attribute: &str) -> DomainConnection {
        DomainConnection {
            id: CONNECTION,
            alias: "DEMO".to_owned(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: attribute.to_owned(),
        }
    }

    async fn realm() -> (Arc<Alone>, Arc<dyn Vault>) {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let first = NewNode {
            name: "one".to_owned(),
            cluster_address: "10.0.0.1:7400".to_owned(),
            site_url: "https://one.example".to_owned(),
            wrap_key: keys.wrap.public().to_bytes(),
        };
        let mut config = RealmConfig::empty();
        config.connections.push(connection("comment"));
        let birth = Birth::prepare(&keys, first, config, &SystemClock, &entropy).unwrap();
        let cluster = Arc::new(Alone::default());
        cluster.propose(birth.command).await.unwrap().unwrap();
        (cluster, Arc::new(birth.keyring))
    }

    #[tokio::test]
    async fn a_directory_stays_open_until_its_connection_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("directory.json");
        demo::seed(&file, &demo::Seed::demo()).unwrap();
        let (cluster, vault) = realm().await;
        let directories = RealmDirectories::new(Arc::clone(&cluster) as _, vault, Some(file));
        let first = directories.open(CONNECTION).await.unwrap();
        assert!(Arc::ptr_eq(&first, &directories.open(CONNECTION).await.unwrap()));
        let change = ConfigChange::PutConnection(Box::new(connection("info")));
        let command = Command {
            request: RequestId::Internal(fresh_uuid(&SystemEntropy)),
            at: SystemClock.now(),
            actor: Actor::LocalOperator(NodeId(1)),
            detail: None,
            action: Action::ChangeConfig { base: Revision(0), change },
        };
        cluster.propose(command).await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &directories.open(CONNECTION).await.unwrap()));
    }

    #[tokio::test]
    async fn an_unknown_connection_and_a_host_without_the_embedded_directory_are_told_apart() {
        let (cluster, vault) = realm().await;
        let directories = RealmDirectories::new(cluster, vault, None);
        let unknown = ConnectionId(uuid::Uuid::from_u128(2));
        for (id, reason) in [(unknown, DirectoryReason::NotFound), (CONNECTION, DirectoryReason::Unreachable)]
        {
            let error = directories.open(id).await.map(drop).unwrap_err();
            assert_eq!((error.reason, error.retry), (reason, Retry::Pointless));
        }
    }
}
