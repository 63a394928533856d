//! What `restore` and `recover` share: the number of a new epoch, and the certificate of the node that begins it.

use crate::admission::open_authority;
use crate::authority::AuthorityError;
use crate::env::Env;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Vault, VaultError};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_raft::PeerIdentity;

/// The number of an epoch that begins now: the time in seconds, so that two clusters that are made from one backup, or
/// from one cluster's disks, have different ones; and higher than the epoch before.
pub(crate) fn number(before: u32, now: Timestamp) -> u32 {
    u32::try_from(now.0 / 1000).unwrap_or(u32::MAX).max(before.saturating_add(1))
}

/// What says that a node belongs to the realm in its epoch.
pub(crate) struct Papers {
    /// The node's certificate, PEM.
    pub(crate) certificate: String,
    /// The authority's, PEM.
    pub(crate) authority: String,
}

/// The node has no certificate for the epoch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertifyError {
    /// The authority's key does not open.
    #[error("the realm authority's key cannot be used: {0}")]
    Vault(#[from] VaultError),
    /// It does not sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Signs the certificate of the node that begins the state's epoch.
pub(crate) fn certify(
    state: &State,
    node: NodeId,
    csr: &str,
    hosts: &[String],
    vault: &dyn Vault,
    env: &Env,
) -> Result<Papers, CertifyError> {
    let realm = state.realm().ok_or(VaultError::NoKey)?;
    let authority = open_authority(realm, vault)?;
    let identity = PeerIdentity { realm: realm.id, epoch: realm.epoch, node, role: Role::Voter };
    let mut serial = [0; 16];
    env.entropy.fill(&mut serial);
    let certificate = authority.sign(csr, &identity, hosts, serial, env.clock.now())?;
    Ok(Papers { certificate, authority: realm.authority.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_follow_the_clock_and_never_fall_behind_the_one_before() {
        assert_eq!(number(1, Timestamp(1_800_000_000_999)), 1_800_000_000);
        assert_eq!(number(1_800_000_000, Timestamp(1_800_000_000_999)), 1_800_000_001);
        assert_eq!(number(7, Timestamp(0)), 8);
    }
}
