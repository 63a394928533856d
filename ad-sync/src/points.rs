//! The service connection points of a domain over LDAPS, on the one domain controller that the container is on too.
//!
//! Each point carries the fence in `adminDescription`, as the container does, and is replaced in one modification that
//! deletes the fence that was seen and adds the new one; a new one is made with all of it. What a node's point should
//! show is decided elsewhere: `passquorum_domain::points`.
//!
//! Rights of the access account: create and delete `serviceConnectionPoint` objects in `CN=One Identity,CN=System`, and
//! make that container when nobody has (who creates an object owns it).

use crate::connection::{Change, Connection, Entry};
use crate::container::{
    CHANGE, CLASS, ENTRY_ALREADY_EXISTS, FENCE, NO_SUCH_OBJECT, decode, encode, gone, pinned,
};
use crate::error::Fault;
use crate::names::Names;
use crate::pool::{Pool, Prefer};
use async_trait::async_trait;
use passquorum_domain::blob::Blob;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::{ConnectionId, RealmId};
use passquorum_domain::points::{CONTAINER, FoundPoint, Point};
use passquorum_domain::ports::{ConnectionPoints, DirectoryError, DirectoryReason, Fence, Mark, PointsError};
use passquorum_domain::time::Timestamp;
use secrecy::SecretString;
use std::sync::Arc;

pub(crate) const FILTER: &str = "(objectClass=serviceConnectionPoint)";
pub(crate) const KEYWORDS: &str = "keywords";
pub(crate) const BINDING: &str = "serviceBindingInformation";
const KIND: &str = "serviceClassName";
/// What kind of service it is; the replaced product's own word is not known.
const KIND_NAME: &str = "passquorum Self-Service";

struct LdapsPoints {
    realm: RealmId,
    pool: Arc<Pool>,
}

/// The points of one domain connection. Nothing is sent yet.
///
/// # Errors
/// As [`crate::ldaps::open`].
pub fn open(
    realm: RealmId,
    connection: ConnectionId,
    settings: &LdapsSettings,
    names: Arc<Names>,
    bind_password: SecretString,
) -> Result<Arc<dyn ConnectionPoints>, DirectoryError> {
    let pool = pinned(connection, settings, names, bind_password)?;
    Ok(Arc::new(LdapsPoints { realm, pool }))
}

fn folder(connection: &Connection) -> String {
    format!("{CONTAINER},{}", connection.domain())
}

#[async_trait]
impl ConnectionPoints for LdapsPoints {
    async fn mark(&self) -> Result<Mark, PointsError> {
        let look = self.pool.run("look at service connection points", Prefer::Nobody, |site| async move {
            let entries = site.connection.search_all(&folder(&site.connection), FILTER, &[CHANGE]).await?;
            let mut seen: Vec<_> =
                entries.iter().map(|entry| (entry.dn().to_owned(), entry.number(CHANGE))).collect();
            seen.sort();
            Ok(Mark::of(&(site.dc().to_owned(), seen)))
        });
        Ok(look.await?)
    }

    async fn list(&self) -> Result<Vec<FoundPoint>, PointsError> {
        let list = self.pool.run("list service connection points", Prefer::Nobody, |site| async move {
            let attributes = ["cn", KEYWORDS, BINDING, FENCE];
            let entries = site.connection.search_all(&folder(&site.connection), FILTER, &attributes).await?;
            Ok(entries.iter().filter_map(|entry| self.found(entry)).collect())
        });
        Ok(list.await?)
    }

    async fn publish(
        &self,
        seen: Option<&FoundPoint>,
        point: &Point,
        stamp: Timestamp,
        fence: Fence,
    ) -> Result<(), PointsError> {
        let publish = self.pool.run("write service connection point", Prefer::Nobody, |site| async move {
            let connection = &site.connection;
            match seen {
                Some(seen) => self.replace_on(connection, seen, point, stamp, fence).await,
                None => self.create_on(connection, point, stamp, fence).await,
            }
        });
        Ok(publish.await?)
    }

    async fn remove(&self, point: &FoundPoint) -> Result<(), PointsError> {
        let remove = self.pool.run("remove service connection point", Prefer::Nobody, |site| async move {
            gone(site.connection.delete(point.dn.as_str()).await)
        });
        Ok(remove.await?)
    }
}

impl LdapsPoints {
    fn found(&self, entry: &Entry) -> Option<FoundPoint> {
        let token = entry.values(FENCE).first().copied();
        Some(FoundPoint {
            dn: DistinguishedName::parse(entry.dn()).ok()?,
            name: entry.text("cn")?.to_owned(),
            keywords: entry.texts(KEYWORDS).to_vec(),
            bindings: entry.texts(BINDING).to_vec(),
            token: token.map(Blob::from),
            fence: token.and_then(|token| decode(self.realm, token).ok()),
        })
    }

    async fn create_on(
        &self,
        connection: &Connection,
        point: &Point,
        stamp: Timestamp,
        fence: Fence,
    ) -> Result<(), Fault> {
        let folder = folder(connection);
        let dn = format!("CN={},{folder}", point.name());
        let attributes = || {
            vec![
                ("objectClass", vec![CLASS.as_bytes().to_vec()]),
                (FENCE, vec![encode(self.realm, fence).into_bytes()]),
                (KEYWORDS, keywords(point, stamp)),
                (BINDING, vec![point.url.clone().into_bytes()]),
                (KIND, vec![KIND_NAME.as_bytes().to_vec()]),
            ]
        };
        let made = match connection.add(&dn, attributes()).await {
            Err(Fault::Refused(result)) if result.rc == NO_SUCH_OBJECT => {
                match connection.add(&folder, vec![("objectClass", vec![b"container".to_vec()])]).await {
                    Err(Fault::Refused(result)) if result.rc == ENTRY_ALREADY_EXISTS => {}
                    outcome => outcome?,
                }
                connection.add(&dn, attributes()).await
            }
            outcome => outcome,
        };
        match made {
            // Somebody was quicker.
            Err(Fault::Refused(result)) if result.rc == ENTRY_ALREADY_EXISTS => {
                Err(Fault::Because(DirectoryReason::Changed))
            }
            outcome => outcome,
        }
    }

    async fn replace_on(
        &self,
        connection: &Connection,
        seen: &FoundPoint,
        point: &Point,
        stamp: Timestamp,
        fence: Fence,
    ) -> Result<(), Fault> {
        let seen_token = seen.token.as_ref().map(|token| Change::Delete(FENCE, token.as_bytes().to_vec()));
        let mut changes: Vec<_> = seen_token.into_iter().collect();
        changes.push(Change::Add(FENCE, encode(self.realm, fence).into_bytes()));
        changes.push(Change::SetAll(KEYWORDS, keywords(point, stamp)));
        changes.push(Change::Set(BINDING, point.url.clone().into_bytes()));
        match connection.modify(seen.dn.as_str(), changes, Vec::new()).await {
            Err(Fault::Refused(result)) if result.rc == NO_SUCH_OBJECT => {
                Err(Fault::Because(DirectoryReason::Changed))
            }
            outcome => outcome,
        }
    }
}

fn keywords(point: &Point, stamp: Timestamp) -> Vec<Vec<u8>> {
    point.keywords(stamp).into_iter().map(String::into_bytes).collect()
}
