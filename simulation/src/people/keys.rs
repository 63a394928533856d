//! The realm key of a run, and how each node comes to it.

use crate::authority::REALM;
use crate::time::SeededEntropy;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::ports::{Entropy, Purpose, Vault as _, VaultError};
use passquorum_node::keyring::{Keyring, WrapKey};
use std::sync::Arc;

/// The realm key.
pub(super) struct RealmKeys(Keyring);

impl RealmKeys {
    /// Draws one.
    #[must_use]
    pub(super) fn new(seed: u64) -> Self {
        Self(Keyring::create(Arc::new(SeededEntropy::new(seed)), REALM))
    }

    /// The key ring of a node's process, filled from a wrap, as the log brings one.
    pub(super) fn ring(&self, entropy: &Arc<dyn Entropy>) -> Result<Keyring, VaultError> {
        let own = WrapKey::generate(entropy.as_ref());
        let wrap = self.0.wrap_for(&own.public())?;
        let ring = Keyring::empty(Arc::clone(entropy));
        ring.unwrap_from(&own, REALM, &wrap, wrap.generation)?;
        Ok(ring)
    }

    /// What a user's counters and tickets are kept under.
    pub(super) fn subject(&self, guid: ObjectGuid) -> Result<KeyedHash, VaultError> {
        self.0.keyed_hash(Purpose::Subject, &guid.0)
    }
}
