//! The storage container in the demonstration directory: the file's lock makes each swap one step.

use super::{DemoDirectory, domain};
use crate::container::{decode, encode};
use async_trait::async_trait;
use domain::KeptContainer;
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::RealmId;
use passquorum_domain::ports::{Container, ContainerError, DirectoryReason, Fence, Held};

/// The container of one realm in a demonstration directory.
pub struct DemoContainer {
    directory: DemoDirectory,
    realm: RealmId,
    key: String,
}

impl DemoContainer {
    /// The container with that name. Nothing is read yet.
    #[must_use]
    pub fn open(directory: DemoDirectory, realm: RealmId, dn: &DistinguishedName) -> Self {
        Self { directory, realm, key: domain::folded(dn) }
    }
}

#[async_trait]
impl Container for DemoContainer {
    async fn read(&self) -> Result<Option<Held>, ContainerError> {
        let (realm, key) = (self.realm, self.key.clone());
        let read = self.directory.run("read container", move |domain, _| {
            let Some(kept) = domain.containers.get(&key) else { return Ok(None) };
            let fence = decode(realm, kept.fence.as_bytes())?;
            Ok(Some(Held { fence, document: kept.document.clone() }))
        });
        Ok(read.await?)
    }

    async fn remove(&self) -> Result<(), ContainerError> {
        let (realm, key) = (self.realm, self.key.clone());
        let remove = self.directory.run("remove container", move |domain, _| {
            if let Some(kept) = domain.containers.get(&key) {
                decode(realm, kept.fence.as_bytes())?;
                domain.containers.remove(&key);
            }
            Ok(())
        });
        Ok(remove.await?)
    }

    async fn swap(&self, seen: Option<Fence>, fence: Fence, document: &Blob) -> Result<(), ContainerError> {
        fence.may_replace(seen)?;
        let (realm, key) = (self.realm, self.key.clone());
        let kept = KeptContainer { fence: encode(realm, fence), document: document.clone() };
        let swap = self.directory.run("write container", move |domain, _| {
            let present = domain.containers.get(&key).map(|present| present.fence.clone());
            if present != seen.map(|seen| encode(realm, seen)) {
                return Err(DirectoryReason::Changed);
            }
            domain.containers.insert(key, kept);
            Ok(())
        });
        Ok(swap.await?)
    }
}
