//! Bugs on purpose, which show that the simulation would see one. Each sits in the crate that it is a bug of, behind a
//! feature that only this crate turns on, or in the simulated world.

use crate::people;
use passquorum_domain::planted as domain;
use passquorum_raft::planted as raft;
use passquorum_storage::planted as storage;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// In the simulated domain controller: it takes the mirror's writes whatever is there.
    MirrorWithoutFence,
    /// In the storage.
    Storage(storage::Plant),
    /// In the domain.
    Domain(domain::Plant),
    /// In the cluster.
    Raft(raft::Plant),
    /// In the ports that the sites are given.
    People(people::Plant),
}

impl Plant {
    /// Every planted bug with its name.
    pub const ALL: [(&'static str, Self); 14] = [
        ("ack-before-flush", Self::Storage(storage::Plant::AckBeforeFlush)),
        ("mirror-without-fence", Self::MirrorWithoutFence),
        ("skip-vote-flush", Self::Storage(storage::Plant::SkipVoteFlush)),
        ("lose-log-tail", Self::Storage(storage::Plant::LoseLogTail)),
        ("snapshot-without-membership", Self::Storage(storage::Plant::SnapshotWithoutMembership)),
        ("apply-reads-clock", Self::Domain(domain::Plant::ApplyReadsClock)),
        ("no-request-dedup", Self::Domain(domain::Plant::NoRequestDedup)),
        ("replay-ticket", Self::Domain(domain::Plant::ReplayTicket)),
        ("count-after-check", Self::People(people::Plant::CountAfterCheck)),
        ("reset-by-name", Self::People(people::Plant::ResetByName)),
        ("read-without-read-index", Self::Raft(raft::Plant::ReadWithoutReadIndex)),
        ("ignore-learner-role", Self::Raft(raft::Plant::IgnoreLearnerRole)),
        ("promote-learner", Self::Raft(raft::Plant::PromoteLearner)),
        ("vote-for-the-leaving", Self::Raft(raft::Plant::VoteForTheLeaving)),
    ];

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, plant)| *plant);
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        found.ok_or_else(|| format!("one of {}", names()))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, plant)| *plant == self).map_or("", |(name, _)| name)
    }

    /// Plants it in the crates that it may sit in, for this thread; none plants nothing.
    pub(crate) fn put(plant: Option<Self>) {
        let (mut storage, mut domain, mut raft) = (None, None, None);
        match plant {
            Some(Self::Storage(plant)) => storage = Some(plant),
            Some(Self::Domain(plant)) => domain = Some(plant),
            Some(Self::Raft(plant)) => raft = Some(plant),
            Some(Self::MirrorWithoutFence | Self::People(_)) | None => {}
        }
        storage::set(storage);
        domain::set(domain);
        raft::set(raft);
    }
}
