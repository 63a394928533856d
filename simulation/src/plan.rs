//! What a seed decides before a run begins.

use crate::plant::Plant;
use passquorum_raft::Tuning;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::time::Duration;

/// A run, before it begins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed that all of it comes from.
    pub seed: u64,
    /// A bug on purpose.
    pub plant: Option<Plant>,
    /// Voters at the start: 3 or 5.
    pub voters: usize,
    /// Whether a site learner joins, and whether a node of the perimeter.
    pub learners: (bool, bool),
    /// One step of the simulated time.
    pub tick: Duration,
    /// How long a message takes.
    pub latency: (Duration, Duration),
    /// The part of messages that is lost.
    pub loss: f64,
    /// How long a sync takes.
    pub disk_latency: Duration,
    /// The cluster's times and sizes.
    pub tuning: Tuning,
    /// Clients that write and read labels.
    pub clients: u32,
    /// Labels.
    pub labels: u32,
    /// How long clients wait between two operations, at most.
    pub pause: Duration,
    /// How long there are faults.
    pub faults_for: Duration,
    /// The time between two faults, on average.
    pub fault_every: Duration,
    /// Clerks.
    pub clerks: u8,
    /// Whether operators change the membership.
    pub churn: bool,
    /// The time between two acts of the operators, on average.
    pub churn_every: Duration,
    /// Whether learners, if there are any, are in the hands of somebody else.
    pub rogues: bool,
    /// Microseconds that clocks gain or lose in a second, at most.
    pub drift: i64,
    /// How long after the first fault the power of all nodes fails at once.
    pub blackout_after: Option<Duration>,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let ms = Duration::from_millis;
        let heartbeat = *[50, 100, 150].choose(&mut rng).unwrap_or(&100);
        let election = heartbeat * rng.gen_range(4..=6);
        let tuning = Tuning {
            heartbeat: ms(heartbeat),
            election_min: ms(election),
            election_max: ms(election * 2),
            snapshot_every: rng.gen_range(20..200),
            keep_entries: rng.gen_range(0..60),
            append_entries: rng.gen_range(2..64),
            patience: ms((election * 6).max(3000)),
            caught_up_within: rng.gen_range(0..50),
            // Not drawn, so that what else a seed decides stays as it was.
            stabilisation: ms(seed % 4 * 600),
            dead_voter_after: seed.is_multiple_of(3).then_some(ms(1500)),
            dead_learner_after: None,
            fewest_voters: 3,
        };
        let slow_net = rng.gen_bool(0.2);
        let fastest = rng.gen_range(0..3);
        let slowest = if slow_net { rng.gen_range(20..heartbeat) } else { rng.gen_range(3..20) };
        let mut plan = Self {
            seed,
            plant: None,
            voters: if rng.gen_bool(0.7) { 3 } else { 5 },
            learners: (rng.gen_bool(0.25), rng.gen_bool(0.25)),
            tick: ms(*[2, 4, 5, 10].choose(&mut rng).unwrap_or(&5)),
            latency: (ms(fastest), ms(slowest)),
            loss: if rng.gen_bool(0.3) { rng.gen_range(0.0001..0.003) } else { 0.0 },
            disk_latency: ms(*[0, 1, 5, 20].choose(&mut rng).unwrap_or(&1)),
            tuning,
            clients: rng.gen_range(2..8),
            labels: rng.gen_range(1..5),
            pause: ms(*[20, 100, 400].choose(&mut rng).unwrap_or(&100)),
            faults_for: Duration::from_secs(rng.gen_range(12..22)),
            fault_every: ms(rng.gen_range(300..2500)),
            clerks: rng.gen_range(1..4),
            churn: rng.gen_bool(0.6),
            churn_every: ms(rng.gen_range(500..4000)),
            drift: if rng.gen_bool(0.5) { rng.gen_range(0..2000) } else { 0 },
            rogues: rng.gen_bool(0.5),
            blackout_after: None,
        };
        plan.blackout_after = rng.gen_bool(0.2).then(|| plan.faults_for.mul_f64(rng.gen_range(0.1..0.8)));
        plan
    }
}
