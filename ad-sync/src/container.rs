//! The storage container over LDAPS: one `serviceConnectionPoint` on one domain controller.
//!
//! `adminDescription`, which takes one value, holds the fence as `pq1 REALM TERM.INDEX`; `serviceBindingInformation`
//! holds the document, in several values when it is large (`chunks`). Both are replaced in one modification that deletes the fence that was seen and adds the new one:
//! it fails as a whole when another one is there by then. A missing container is made with both in it, so that of two
//! makers one fails.
//!
//! Only the connection's first server that is the same for everybody is used, or the domain's PDC emulator when that is to be found by DNS: on another
//! controller, which has not heard of a newer fence yet, a stopped leader that wakes up would find its own. An object that holds something else is foreign and is left alone.
//!
//! Rights of the access account: create `serviceConnectionPoint` objects where the container lies; write the two
//! attributes of it (who creates it owns it).

use crate::address::Server;
use crate::chunks;
use crate::connection::{Change, Connection};
use crate::error::Fault;
use crate::filter;
use crate::ldaps;
use crate::names::Names;
use crate::pool::{Pool, Prefer};
use async_trait::async_trait;
use passquorum_domain::blob::Blob;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::{ConnectionId, RealmId};
use passquorum_domain::ports::{
    Container, ContainerError, DirectoryError, DirectoryReason, Fence, Held, Mark,
};
use secrecy::SecretString;
use std::sync::Arc;

pub(crate) const CLASS: &str = "serviceConnectionPoint";
pub(crate) const FENCE: &str = "adminDescription";
pub(crate) const DOCUMENT: &str = "serviceBindingInformation";
/// Grows with each change of an object on one domain controller.
pub(crate) const CHANGE: &str = "uSNChanged";
const PREFIX: &str = "pq1";
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
pub(crate) const ENTRY_ALREADY_EXISTS: u32 = 68;

struct LdapsContainer {
    realm: RealmId,
    dn: DistinguishedName,
    pool: Arc<Pool>,
}

/// The container of one domain connection. Nothing is sent yet.
///
/// # Errors
/// As [`ldaps::open`].
pub fn open(
    realm: RealmId,
    connection: ConnectionId,
    settings: &LdapsSettings,
    names: Arc<Names>,
    bind_password: SecretString,
    dn: &DistinguishedName,
) -> Result<Arc<dyn Container>, DirectoryError> {
    let pool = pinned(connection, settings, names, bind_password)?;
    Ok(Arc::new(LdapsContainer { realm, dn: dn.clone(), pool }))
}

/// Connections to the one domain controller that is written to.
pub(crate) fn pinned(
    connection: ConnectionId,
    settings: &LdapsSettings,
    names: Arc<Names>,
    bind_password: SecretString,
) -> Result<Arc<Pool>, DirectoryError> {
    let first = ldaps::servers(connection, settings)?.into_iter().find_map(Server::single);
    let first = first.into_iter().collect();
    ldaps::pool(connection, settings, first, names, bind_password)
}

#[async_trait]
impl Container for LdapsContainer {
    async fn read(&self) -> Result<Option<Held>, ContainerError> {
        let read = self.pool.run("read container", Prefer::Nobody, |site| async move {
            self.read_on(&site.connection).await
        });
        Ok(read.await?)
    }

    async fn mark(&self) -> Result<Mark, ContainerError> {
        let read = self.pool.run("look at container", Prefer::Nobody, |site| async move {
            let entry = site.connection.read(self.dn.as_str(), filter::ANY, &[CHANGE]).await?;
            Ok(Mark::of(&entry.map(|entry| (site.dc().to_owned(), entry.number(CHANGE)))))
        });
        Ok(read.await?)
    }

    async fn remove(&self) -> Result<(), ContainerError> {
        self.read().await?;
        let remove = self.pool.run("remove container", Prefer::Nobody, |site| async move {
            gone(site.connection.delete(self.dn.as_str()).await)
        });
        Ok(remove.await?)
    }

    async fn swap(&self, seen: Option<Fence>, fence: Fence, document: &Blob) -> Result<(), ContainerError> {
        fence.may_replace(seen)?;
        let swap = self.pool.run("write container", Prefer::Nobody, |site| async move {
            match seen {
                Some(seen) => self.replace_on(&site.connection, Some(seen), fence, document).await,
                None => self.create_on(&site.connection, fence, document).await,
            }
        });
        Ok(swap.await?)
    }
}

impl LdapsContainer {
    async fn read_on(&self, connection: &Connection) -> Result<Option<Held>, Fault> {
        let Some(entry) = connection.read(self.dn.as_str(), filter::ANY, &[FENCE, DOCUMENT]).await? else {
            return Ok(None);
        };
        // What was torn or cut short by hand counts as taken out, and is written anew.
        let document = chunks::join(&entry.values(DOCUMENT)).unwrap_or_else(|| Blob::from(Vec::new()));
        match entry.values(FENCE).as_slice() {
            [] if entry.values(DOCUMENT).is_empty() => Ok(None),
            [value] => {
                decode(self.realm, value).map(|fence| Some(Held { fence, document })).map_err(Fault::Because)
            }
            _ => Err(Fault::Because(DirectoryReason::ForeignValue)),
        }
    }

    async fn create_on(&self, connection: &Connection, fence: Fence, document: &Blob) -> Result<(), Fault> {
        let attributes = vec![
            ("objectClass", vec![CLASS.as_bytes().to_vec()]),
            (FENCE, vec![encode(self.realm, fence).into_bytes()]),
            (DOCUMENT, values(document, fence)?),
        ];
        match connection.add(self.dn.as_str(), attributes).await {
            // It is there. If it is empty, it takes a fence, and only one.
            Err(Fault::Refused(result)) if result.rc == ENTRY_ALREADY_EXISTS => {
                self.replace_on(connection, None, fence, document).await
            }
            outcome => outcome,
        }
    }

    async fn replace_on(
        &self,
        connection: &Connection,
        seen: Option<Fence>,
        fence: Fence,
        document: &Blob,
    ) -> Result<(), Fault> {
        let value = |fence| encode(self.realm, fence).into_bytes();
        let mut changes: Vec<_> = seen.map(|seen| Change::Delete(FENCE, value(seen))).into_iter().collect();
        changes.push(Change::Add(FENCE, value(fence)));
        changes.push(Change::SetAll(DOCUMENT, values(document, fence)?));
        match connection.modify(self.dn.as_str(), changes, Vec::new()).await {
            Err(Fault::Refused(result)) if result.rc == NO_SUCH_OBJECT => {
                Err(Fault::Because(DirectoryReason::Changed))
            }
            outcome => outcome,
        }
    }
}

fn values(document: &Blob, fence: Fence) -> Result<Vec<Vec<u8>>, Fault> {
    chunks::split(document, fence).map_err(|chunks::TooLarge| Fault::Because(DirectoryReason::TooLarge))
}

/// What comes of a deletion: that somebody else was quicker is no failure.
pub(crate) fn gone(deleted: Result<(), Fault>) -> Result<(), Fault> {
    match deleted {
        Err(Fault::Refused(result)) if result.rc == NO_SUCH_OBJECT => Ok(()),
        outcome => outcome,
    }
}

/// The fence as it stands in a directory.
pub(crate) fn encode(realm: RealmId, fence: Fence) -> String {
    format!("{PREFIX} {realm} {fence}")
}

/// Reads [`encode`] back; what another realm or program wrote is foreign.
pub(crate) fn decode(realm: RealmId, value: &[u8]) -> Result<Fence, DirectoryReason> {
    let own = format!("{PREFIX} {realm} ");
    let text = std::str::from_utf8(value).ok().and_then(|text| text.strip_prefix(&own));
    text.and_then(|fence| fence.parse().ok()).ok_or(DirectoryReason::ForeignValue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REALM: RealmId = RealmId(uuid::Uuid::from_u128(7));

    #[test]
    fn the_written_form_is_fixed_and_belongs_to_one_realm() {
        let value = encode(REALM, Fence { term: 3, index: 141 });
        assert_eq!(value, "pq1 00000000-0000-0000-0000-000000000007 3.141");
        assert_eq!(decode(REALM, value.as_bytes()), Ok(Fence { term: 3, index: 141 }));
        let other = RealmId(uuid::Uuid::from_u128(8));
        assert_eq!(decode(other, value.as_bytes()), Err(DirectoryReason::ForeignValue));
    }

    proptest! {
        #[test]
        fn any_value_is_read_without_a_panic(bytes in any::<Vec<u8>>(), term: u64, index: u64) {
            decode(REALM, &bytes).ok();
            let fence = Fence { term, index };
            prop_assert_eq!(decode(REALM, encode(REALM, fence).as_bytes()), Ok(fence));
        }
    }
}
