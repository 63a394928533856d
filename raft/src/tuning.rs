//! The times and sizes of the cluster, checked together.

use std::time::Duration;

/// How fast the cluster reacts and how much it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// The leader is heard at least this often.
    pub heartbeat: Duration,
    /// A follower that hears nothing from the leader stands for election after a random time from here, or a bit
    /// before if the leader is known to be dead ...
    pub election_min: Duration,
    /// ... to here.
    pub election_max: Duration,
    /// Entries between two snapshots.
    pub snapshot_every: u64,
    /// Entries that stay in the log after a snapshot, so that a member that was away shortly needs none.
    pub keep_entries: u64,
    /// Entries in one append at most.
    pub append_entries: u64,
    /// How long one proposal or linearizable read may take, leader changes included.
    pub patience: Duration,
    /// A learner this many entries behind the leader or closer has caught up.
    pub caught_up_within: u64,
    /// A learner that is to vote must have been that close for so long.
    pub stabilisation: Duration,
    /// A voter that the leader has not heard for so long is removed; never, when there is no such time.
    pub dead_voter_after: Option<Duration>,
    /// The same for a member that does not vote.
    pub dead_learner_after: Option<Duration>,
    /// So many voters stay at least when one is removed for its silence.
    pub fewest_voters: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(150),
            election_min: Duration::from_millis(500),
            election_max: Duration::from_millis(1000),
            snapshot_every: 5000,
            keep_entries: 10_000,
            append_entries: 300,
            patience: Duration::from_secs(5),
            caught_up_within: 100,
            stabilisation: Duration::ZERO,
            dead_voter_after: None,
            dead_learner_after: None,
            fewest_voters: 3,
        }
    }
}

/// Times that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TuningError {
    /// An election would begin although the leader lives.
    #[error(
        "the shortest election time ({election_min:?}) must be at least three heartbeats ({heartbeat:?})"
    )]
    ElectionTooShort {
        /// The shortest election time.
        election_min: Duration,
        /// The heartbeat.
        heartbeat: Duration,
    },
    /// Without a span there is no jitter, and votes split.
    #[error("the longest election time ({election_max:?}) must be over the shortest ({election_min:?})")]
    NoJitter {
        /// The shortest.
        election_min: Duration,
        /// The longest.
        election_max: Duration,
    },
    /// Proposals would give up before a new leader can be elected.
    #[error(
        "the patience ({patience:?}) must be at least three times the longest election time ({election_max:?})"
    )]
    NoPatience {
        /// How long a proposal waits.
        patience: Duration,
        /// The longest election time.
        election_max: Duration,
    },
    /// A count that may not be zero is, or a time is out of range.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
}

impl Tuning {
    /// For this long after a sign of life of the leader, nobody grants a vote.
    pub(crate) fn lease(&self) -> Duration {
        self.election_min * 3 / 4
    }

    pub(crate) fn config(&self) -> Result<openraft::Config, TuningError> {
        let (min, max) = (self.election_min, self.election_max);
        if self.heartbeat < Duration::from_millis(10) {
            return Err(TuningError::OutOfRange("the heartbeat"));
        }
        if min < self.heartbeat * 3 {
            return Err(TuningError::ElectionTooShort { election_min: min, heartbeat: self.heartbeat });
        }
        if max <= min {
            return Err(TuningError::NoJitter { election_min: min, election_max: max });
        }
        if self.patience < max * 3 {
            return Err(TuningError::NoPatience { patience: self.patience, election_max: max });
        }
        if self.snapshot_every == 0 || self.append_entries == 0 {
            return Err(TuningError::OutOfRange("a number of entries"));
        }
        // Who stands when is decided in `election`. What is left of openraft's times is its lease, which is its longest
        // timeout, and how long a vote is waited for, which is its shortest.
        let lease = self.lease();
        let config = openraft::Config {
            cluster_name: "passquorum".into(),
            enable_elect: false,
            heartbeat_interval: millis(self.heartbeat),
            election_timeout_min: millis(lease * 9 / 10),
            election_timeout_max: millis(lease),
            install_snapshot_timeout: 30_000,
            max_payload_entries: self.append_entries,
            replication_lag_threshold: self.keep_entries.max(self.snapshot_every).saturating_mul(2),
            snapshot_policy: openraft::SnapshotPolicy::LogsSinceLast(self.snapshot_every),
            max_in_snapshot_log_to_keep: self.keep_entries,
            ..openraft::Config::default()
        };
        config.validate().map_err(|_| TuningError::OutOfRange("the set of times as a whole"))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_each_contradiction_is_named() {
        assert!(Tuning::default().config().is_ok());
        let with = |change: fn(&mut Tuning)| {
            let mut tuning = Tuning::default();
            change(&mut tuning);
            tuning.config().unwrap_err()
        };
        let short = with(|t| t.election_min = Duration::from_millis(400));
        assert!(matches!(short, TuningError::ElectionTooShort { .. }));
        assert!(matches!(with(|t| t.election_max = t.election_min), TuningError::NoJitter { .. }));
        assert!(matches!(with(|t| t.patience = Duration::from_secs(1)), TuningError::NoPatience { .. }));
        assert!(matches!(with(|t| t.snapshot_every = 0), TuningError::OutOfRange(_)));
    }
}
