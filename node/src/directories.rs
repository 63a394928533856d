//! The directories of the realm's domain connections and the container that it is mirrored in, as the present
//! configuration describes them.
//!
//! Each stays open as long as its settings stay the same; a changed one is opened anew at the next call. Bind passwords are opened by the vault and given to the LDAP side only.

use async_trait::async_trait;
use passquorum_ad_sync::demo::{DemoContainer, DemoDirectory};
use passquorum_ad_sync::mirror::Containers;
use passquorum_ad_sync::{Names, ProfileAttributes, container, ldaps, points};
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, LdapsSettings, MirrorSettings};
use passquorum_domain::ids::{ConnectionId, RealmId};
use passquorum_domain::ports::{
    ConnectionPoints, Consensus, Container, ContainerError, Directories, Directory, DirectoryError,
    DirectoryReason, PointsError, Purpose, Retry, Vault,
};
use passquorum_domain::state::State;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The directories, by connection.
pub struct RealmDirectories {
    consensus: Arc<dyn Consensus>,
    vault: Arc<dyn Vault>,
    demo_file: Option<PathBuf>,
    names: Arc<Names>,
    open: Mutex<BTreeMap<ConnectionId, Open>>,
    container: Mutex<Option<OpenContainer>>,
}

struct Open {
    connection: DomainConnection,
    directory: Arc<dyn Directory>,
}

struct OpenContainer {
    connection: DomainConnection,
    mirror: MirrorSettings,
    container: Arc<dyn Container>,
    points: Option<Arc<dyn ConnectionPoints>>,
}

impl RealmDirectories {
    /// Nothing is opened yet. `demo_file` is where this host keeps the embedded directory, if it has one.
    #[must_use]
    pub fn new(
        consensus: Arc<dyn Consensus>,
        vault: Arc<dyn Vault>,
        demo_file: Option<PathBuf>,
        names: Names,
    ) -> Self {
        let names = Arc::new(names);
        Self { consensus, vault, demo_file, names, open: Mutex::default(), container: Mutex::default() }
    }

    fn connect(&self, connection: &DomainConnection) -> Result<Arc<dyn Directory>, DirectoryError> {
        match &connection.endpoint {
            DirectoryEndpoint::Ldaps(settings) => {
                let password = self.bind_password(connection.id, settings)?;
                let names = Arc::clone(&self.names);
                ldaps::open(connection.id, settings, names, password, ProfileAttributes::of(connection))
            }
            DirectoryEndpoint::Embedded => Ok(Arc::new(self.embedded(connection.id)?)),
        }
    }

    fn connect_container(
        &self,
        realm: RealmId,
        connection: &DomainConnection,
        mirror: &MirrorSettings,
    ) -> Result<Arc<dyn Container>, DirectoryError> {
        match &connection.endpoint {
            DirectoryEndpoint::Ldaps(settings) => {
                let password = self.bind_password(connection.id, settings)?;
                let names = Arc::clone(&self.names);
                container::open(realm, connection.id, settings, names, password, &mirror.container)
            }
            DirectoryEndpoint::Embedded => {
                let directory = self.embedded(connection.id)?;
                Ok(Arc::new(DemoContainer::open(directory, realm, &mirror.container)))
            }
        }
    }

    /// The embedded directory is a file, where no client looks for a site.
    fn connect_points(
        &self,
        realm: RealmId,
        connection: &DomainConnection,
    ) -> Result<Option<Arc<dyn ConnectionPoints>>, DirectoryError> {
        let DirectoryEndpoint::Ldaps(settings) = &connection.endpoint else { return Ok(None) };
        let password = self.bind_password(connection.id, settings)?;
        points::open(realm, connection.id, settings, Arc::clone(&self.names), password).map(Some)
    }

    /// Has what the realm is mirrored in open, as a state's configuration names it; looks at it if there is any.
    fn with_mirror<T>(
        &self,
        state: &State,
        look: impl FnOnce(&OpenContainer) -> T,
    ) -> Result<Option<T>, DirectoryError> {
        let (Some(realm), Some(config)) = (state.realm(), state.config()) else { return Ok(None) };
        let mut open = self.container.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mirror) = &config.general.mirror else {
            *open = None;
            return Ok(None);
        };
        let connection = config.connection(mirror.connection);
        let connection = connection.ok_or_else(|| refused(DirectoryReason::NotFound))?;
        if let Some(present) = open.as_ref()
            && (&present.connection, &present.mirror) == (connection, mirror)
        {
            return Ok(Some(look(present)));
        }
        let opened = OpenContainer {
            connection: connection.clone(),
            mirror: mirror.clone(),
            container: self.connect_container(realm.id, connection, mirror)?,
            points: self.connect_points(realm.id, connection)?,
        };
        Ok(Some(look(open.insert(opened))))
    }

    fn bind_password(
        &self,
        id: ConnectionId,
        settings: &LdapsSettings,
    ) -> Result<SecretString, DirectoryError> {
        let context = id.0.as_bytes();
        let clear = self.vault.open(Purpose::ServiceAccount, context, &settings.bind_password).map_err(
            |problem| {
                tracing::error!(connection = %id, %problem, "the access account's password");
                refused(DirectoryReason::BindRefused)
            },
        )?;
        let password = std::str::from_utf8(&clear).map_err(|_| refused(DirectoryReason::BindRefused))?;
        Ok(SecretString::from(password))
    }

    fn embedded(&self, id: ConnectionId) -> Result<DemoDirectory, DirectoryError> {
        let file = self.demo_file.as_ref().ok_or_else(|| {
            tracing::error!("the realm uses the embedded directory, but demo.directory is not set");
            refused(DirectoryReason::Unreachable)
        })?;
        Ok(DemoDirectory::open(file, id))
    }
}

/// What a node in the perimeter has instead: no way to any directory.
pub struct NoDirectories;

#[async_trait]
impl Directories for NoDirectories {
    async fn open(&self, _: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        Err(refused(DirectoryReason::Unreachable))
    }

    async fn try_out(&self, _: &DomainConnection) -> Result<(), DirectoryError> {
        Err(refused(DirectoryReason::Unreachable))
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
        let known = |id| state.config().and_then(|config| config.connection(id));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // An open directory goes on looking after its controllers.
        open.retain(|id, _| known(*id).is_some());
        let connection = known(id).ok_or_else(|| refused(DirectoryReason::NotFound))?;
        if let Some(present) = open.get(&id).filter(|present| present.connection == *connection) {
            return Ok(Arc::clone(&present.directory));
        }
        let directory = self.connect(connection)?;
        open.insert(id, Open { connection: connection.clone(), directory: Arc::clone(&directory) });
        Ok(directory)
    }

    async fn try_out(&self, connection: &DomainConnection) -> Result<(), DirectoryError> {
        self.connect(connection)?.check().await
    }

    async fn points(&self, id: ConnectionId) -> Result<Option<Arc<dyn ConnectionPoints>>, DirectoryError> {
        let state = self.consensus.local();
        let (Some(realm), Some(config)) = (state.realm(), state.config()) else { return Ok(None) };
        let connection = config.connection(id).ok_or_else(|| refused(DirectoryReason::NotFound))?;
        self.connect_points(realm.id, connection)
    }

    async fn mirrored(&self) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        self.container(&self.consensus.local())
    }
}

impl Containers for RealmDirectories {
    fn container(&self, state: &State) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        Ok(self.with_mirror(state, |open| Arc::clone(&open.container))?)
    }

    fn points(&self, state: &State) -> Result<Option<Arc<dyn ConnectionPoints>>, PointsError> {
        Ok(self.with_mirror(state, |open| open.points.clone())?.flatten())
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
    use passquorum_domain::directory::DistinguishedName;
    use passquorum_domain::ids::{NodeId, RequestId};
    use passquorum_domain::ports::{Clock, Entropy, fresh_uuid};

    const CONNECTION: ConnectionId = ConnectionId(uuid::Uuid::from_u128(1));

    fn connection(attribute: &str) -> DomainConnection {
        DomainConnection {
            id: CONNECTION,
            alias: "DEMO".to_owned(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: attribute.to_owned(),
            former_profile_attribute: None,
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
        let birth = Birth::prepare(&keys, None, first, config, &SystemClock, &entropy).unwrap();
        let cluster = Arc::new(Alone::default());
        cluster.propose(birth.command).await.unwrap().unwrap();
        (cluster, Arc::new(birth.keyring))
    }

    async fn change(cluster: &Alone, change: ConfigChange) {
        let base = cluster.local().config().unwrap().revision;
        let command = Command {
            request: RequestId::Internal(fresh_uuid(&SystemEntropy)),
            at: SystemClock.now(),
            actor: Actor::LocalOperator(NodeId(1)),
            detail: None,
            action: Action::change_config(base, change),
        };
        cluster.propose(command).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_directory_stays_open_until_its_connection_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("directory.json");
        demo::seed(&file, &demo::Seed::demo()).unwrap();
        let (cluster, vault) = realm().await;
        let directories =
            RealmDirectories::new(Arc::clone(&cluster) as _, vault, Some(file), Names::of_host());
        let first = directories.open(CONNECTION).await.unwrap();
        assert!(Arc::ptr_eq(&first, &directories.open(CONNECTION).await.unwrap()));
        change(&cluster, ConfigChange::PutConnection(Box::new(connection("info")))).await;
        assert!(!Arc::ptr_eq(&first, &directories.open(CONNECTION).await.unwrap()));
    }

    #[tokio::test]
    async fn there_is_a_container_when_one_is_named_and_it_stays_open_until_its_name_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (cluster, vault) = realm().await;
        let file = folder.path().join("directory.json");
        let directories =
            RealmDirectories::new(Arc::clone(&cluster) as _, vault, Some(file), Names::of_host());
        let container = || directories.container(&cluster.local()).unwrap();
        assert!(container().is_none());
        let mut general = cluster.local().config().unwrap().general.clone();
        let mut opened = Vec::new();
        for name in ["CN=one,DC=x", "CN=two,DC=x"] {
            let container_dn = DistinguishedName::parse(name).unwrap();
            general.mirror = Some(MirrorSettings { connection: CONNECTION, container: container_dn });
            change(&cluster, ConfigChange::SetGeneral(general.clone())).await;
            opened.push(container().unwrap());
            assert!(Arc::ptr_eq(opened.last().unwrap(), &container().unwrap()));
        }
        assert!(!Arc::ptr_eq(&opened[0], &opened[1]));
    }

    #[tokio::test]
    async fn what_the_configuration_does_not_name_any_more_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let (cluster, vault) = realm().await;
        let file = folder.path().join("directory.json");
        let directories =
            RealmDirectories::new(Arc::clone(&cluster) as _, vault, Some(file), Names::of_host());
        let mut general = cluster.local().config().unwrap().general.clone();
        let container = DistinguishedName::parse("CN=one,DC=x").unwrap();
        general.mirror = Some(MirrorSettings { connection: CONNECTION, container });
        change(&cluster, ConfigChange::SetGeneral(general.clone())).await;
        let container = Arc::downgrade(&directories.container(&cluster.local()).unwrap().unwrap());
        general.mirror = None;
        change(&cluster, ConfigChange::SetGeneral(general)).await;
        assert!(directories.container(&cluster.local()).unwrap().is_none());
        assert!(container.upgrade().is_none());

        let directory = Arc::downgrade(&directories.open(CONNECTION).await.unwrap());
        change(&cluster, ConfigChange::RemoveConnection(CONNECTION)).await;
        assert_eq!(
            directories.open(CONNECTION).await.map(drop).unwrap_err().reason,
            DirectoryReason::NotFound
        );
        assert!(directory.upgrade().is_none());
    }

    #[tokio::test]
    async fn an_unknown_connection_and_a_host_without_the_embedded_directory_are_told_apart() {
        let (cluster, vault) = realm().await;
        let directories = RealmDirectories::new(cluster, vault, None, Names::of_host());
        let unknown = ConnectionId(uuid::Uuid::from_u128(2));
        for (id, reason) in [(unknown, DirectoryReason::NotFound), (CONNECTION, DirectoryReason::Unreachable)]
        {
            let error = directories.open(id).await.map(drop).unwrap_err();
            assert_eq!((error.reason, error.retry), (reason, Retry::Pointless));
        }
    }
}
