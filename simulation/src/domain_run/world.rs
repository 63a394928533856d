//! One run: a log that grows, three replicas that follow it, crash and return, and the invariants.

use super::cells_are_the_state;
use super::replica::{Replica, StoreError};
use super::workload::Workload;
use crate::invariant::lockout_bound::LockoutBound;
use crate::invariant::single_use_ticket::SingleUse;
use crate::invariant::{Broken, at_most_once, audit_chain};
use passquorum_domain::command::Command;
use passquorum_domain::ids::{RequestId, Revision};
use passquorum_domain::outcome::Outcome;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;

/// What a clean run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Commands in the log.
    pub commands: u32,
    /// Crashes of replicas.
    pub crashes: u32,
}

/// Why a run is not clean.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An invariant.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The stored form.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs one seed.
pub fn run(seed: u64, commands: u32) -> Result<Report, Failure> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut workload = Workload::new(SmallRng::seed_from_u64(rng.r#gen()));
    let mut log = vec![workload.first()];
    let mut history = History::default();
    let mut replicas = [Replica::default(), Replica::default(), Replica::default()];
    let mut crashes = 0;
    while log.len() < commands as usize {
        let revision = replicas.iter().map(revision_of).max().unwrap_or_default();
        log.push(workload.next(revision));
        for replica in &mut replicas {
            if rng.gen_bool(0.02) {
                replica.crash()?;
                crashes += 1;
            }
            for _ in 0..rng.gen_range(0..4) {
                follow(replica, &log, &mut history)?;
            }
            if rng.gen_bool(0.05) {
                replica.flush();
            }
        }
    }
    for replica in &mut replicas {
        while replica.applied() < log.len() {
            follow(replica, &log, &mut history)?;
        }
        audit_chain::check(replica.state())?;
        cells_are_the_state::check(replica)??;
    }
    let [first, rest @ ..] = &replicas;
    if rest.iter().any(|other| other.cells() != first.cells()) {
        let what = "replicas that applied the same log differ".to_owned();
        return Err(Broken::new("same-log-same-state", what).into());
    }
    Ok(Report { commands, crashes })
}

fn revision_of(replica: &Replica) -> Revision {
    replica.state().config().map(|config| config.revision).unwrap_or_default()
}

fn follow(replica: &mut Replica, log: &[Command], history: &mut History) -> Result<(), Failure> {
    let position = replica.applied();
    if let Some(command) = log.get(position) {
        let outcome = replica.apply(command.clone())?;
        history.record(position, command, outcome)?;
    }
    Ok(())
}

/// What each log position was answered, the same on every replica and after every crash.
#[derive(Default)]
struct History {
    outcomes: Vec<Outcome>,
    by_request: BTreeMap<RequestId, Outcome>,
    lockout: LockoutBound,
    tickets: SingleUse,
}

impl History {
    fn record(&mut self, position: usize, command: &Command, outcome: Outcome) -> Result<(), Broken> {
        if let Some(before) = self.outcomes.get(position) {
            return if *before == outcome {
                Ok(())
            } else {
                let what = format!("entry {position} was answered {before:?} and {outcome:?}");
                Err(Broken::new("same-entry-same-outcome", what))
            };
        }
        self.outcomes.push(outcome.clone());
        match self.by_request.get(&command.request) {
            Some(first) => at_most_once::check(position, first, &outcome),
            None => {
                self.by_request.insert(command.request, outcome.clone());
                self.tickets.observe(command, &outcome)?;
                self.lockout.observe(command, &outcome)
            }
        }
    }
}
