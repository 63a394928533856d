//! What `restore` and `recover` share: the number of a new epoch, and who signs the certificate of the node that begins it.

use crate::certifier::RealmCertifier;
use crate::env::Env;
use crate::keyring::Keyring;
use passquorum_domain::time::Timestamp;
use std::sync::Arc;

/// The number of an epoch that begins now: the time in seconds, so that two clusters that are made from one backup, or
/// from one cluster's disks, have different ones; and higher than the epoch before.
pub(crate) fn number(before: u32, now: Timestamp) -> u32 {
    u32::try_from(now.0 / 1000).unwrap_or(u32::MAX).max(before.saturating_add(1))
}

/// The realm's authority, with the keys of a realm that does not run.
pub(crate) fn certifier(keyring: Arc<Keyring>, env: &Env) -> RealmCertifier {
    RealmCertifier { keyring, clock: Arc::clone(&env.clock), entropy: Arc::clone(&env.entropy) }
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
