//! Signs node certificates with the realm's authority, on a node that holds the realm's keys.
//!
//! A certificate's names come from the registry: the request brings nothing but a public key. How long it is valid stands
//! in the realm's configuration.

use crate::authority::{Authority, AuthorityError, Validity, host_of};
use crate::keyring::Keyring;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::{Instance, Role};
use passquorum_domain::ports::{Clock, Entropy, Purpose, Vault as _, VaultError};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_raft::{Certified, Certifier, PeerIdentity};
use std::sync::Arc;

/// No certificate was signed.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// The realm's keys are not here, or the authority's key does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The request, a name, or the authority itself.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Whom a certificate is for.
pub struct Holder<'a> {
    /// Its id.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
    /// Where its peers reach it.
    pub cluster_address: &'a str,
    /// Where browsers reach it.
    pub site_url: &'a str,
}

impl Holder<'_> {
    /// The hosts that its certificate is good for.
    #[must_use]
    pub fn hosts(&self) -> [String; 2] {
        [host_of(self.cluster_address).to_owned(), host_of(self.site_url).to_owned()]
    }
}

impl<'a> From<&'a Instance> for Holder<'a> {
    fn from(instance: &'a Instance) -> Self {
        Self {
            node: instance.id,
            role: instance.role,
            cluster_address: &instance.cluster_address,
            site_url: &instance.site_url,
        }
    }
}

/// The realm's authority, as far as this node can use it.
pub struct RealmCertifier {
    /// The realm's keys.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// What the authority's private key is bound to.
#[must_use]
pub fn authority_key_context(realm: RealmId) -> Vec<u8> {
    realm.0.as_bytes().to_vec()
}

impl RealmCertifier {
    /// Signs a certificate for the key of a signing request.
    pub fn sign(&self, state: &State, holder: &Holder<'_>, csr: &str) -> Result<Certified, CertifyError> {
        let realm = state.realm().ok_or(VaultError::NoKey)?;
        let config = state.config().ok_or(VaultError::NoKey)?;
        let context = authority_key_context(realm.id);
        let key = self.keyring.open(Purpose::AuthorityKey, &context, &realm.authority_key)?;
        let authority = Authority::open(&realm.authority, &key)?;
        let now: Timestamp = self.clock.now();
        let until = authority.end_of(now, config.general.certificate_life);
        let identity =
            PeerIdentity { realm: realm.id, epoch: realm.epoch, node: holder.node, role: holder.role };
        let mut serial = [0; 16];
        self.entropy.fill(&mut serial);
        let valid = Validity { from: now, until };
        let certificate = authority.sign(csr, &identity, &holder.hosts(), serial, valid)?;
        Ok(Certified { certificate, until })
    }
}

impl Certifier for RealmCertifier {
    fn certify(&self, state: &State, node: &Instance, csr: &str) -> Result<Certified, String> {
        self.sign(state, &Holder::from(node), csr).map_err(|error| error.to_string())
    }
}
