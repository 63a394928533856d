//! How a realm begins: its id, its authority and its key are drawn, the first node is certified, and the first command
//! of the log makes the realm. The realm key leaves this process only as the first node's wrap.

use crate::authority::{Authority, AuthorityError, NewAuthority, Validity};
use crate::certifier::{Holder, authority_key_context};
use crate::keyring::Keyring;
use crate::keys::{KeysError, NewKeys};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::{NodeId, RealmId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Clock, Entropy, Purpose, Vault, VaultError, fresh_uuid};
use passquorum_raft::PeerIdentity;
use std::sync::Arc;

/// The id of the first node.
pub const FIRST_NODE: NodeId = NodeId(1);

/// A realm could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BirthError {
    /// Keys or certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The first node's keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Sealing.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Everything that a new realm begins with.
pub struct Birth {
    /// The first command.
    pub command: Command,
    /// The second: it records the first node's certificate.
    pub certify: Command,
    /// The first node's certificate, PEM.
    pub certificate: String,
    /// The authority's certificate, PEM.
    pub authority: String,
    /// The realm key, for what the founder seals before the node runs.
    pub keyring: Keyring,
}

impl Birth {
    /// Draws a realm for a first node with these keys, and an authority unless one is brought along.
    pub fn prepare(
        keys: &NewKeys,
        authority: Option<NewAuthority>,
        first: NewNode,
        config: RealmConfig,
        clock: &dyn Clock,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, BirthError> {
        let realm = RealmId(fresh_uuid(entropy.as_ref()));
        let now = clock.now();
        let keyring = Keyring::create(Arc::clone(entropy), realm);
        let authority = authority.map_or_else(|| NewAuthority::create(realm, now), Ok)?;
        let signer = Authority::open(&authority.certificate, &authority.key)?;
        let identity = PeerIdentity { realm, epoch: 1, node: FIRST_NODE, role: Role::Voter };
        let mut serial = [0; 16];
        entropy.fill(&mut serial);
        let csr = keys.signing_request()?;
        let valid = Validity { from: now, until: signer.end_of(now, config.general.certificate_life) };
        let NewNode { cluster_address, site_url, .. } = &first;
        let holder = Holder { node: FIRST_NODE, role: Role::Voter, cluster_address, site_url };
        let certificate = signer.sign(&csr, &identity, &holder.hosts(), serial, valid)?;
        let create = CreateRealm {
            realm,
            authority: authority.certificate.clone(),
            authority_key: keyring.seal(
                Purpose::AuthorityKey,
                &authority_key_context(realm),
                &authority.key,
            )?,
            wrap: keyring.wrap_for(&keys.wrap.public())?,
            first,
            config,
        };
        let command = |action| Command {
            request: RequestId::internal(now, fresh_uuid(entropy.as_ref())),
            at: now,
            actor: Actor::LocalOperator(FIRST_NODE),
            detail: None,
            action,
        };
        let certify = command(Action::CertifyNode { node: FIRST_NODE, until: valid.until });
        let command = command(Action::CreateRealm(Box::new(create)));
        Ok(Self { command, certify, certificate, authority: authority.certificate, keyring })
    }
}
