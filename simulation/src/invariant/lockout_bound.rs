//! Nobody gets more checks than the threshold within one lock's length without a success (DESIGN 1.2). The reference
//! is a plain list of what was answered, which knows nothing of how counters work.

use super::Broken;
use crate::domain_run::workload::{LOCK, THRESHOLD};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::time::Timestamp;
use std::collections::BTreeMap;

/// Attempts that were let through, by target, since the last success.
#[derive(Default)]
pub struct LockoutBound {
    allowed: BTreeMap<AttemptTarget, Vec<Timestamp>>,
}

impl LockoutBound {
    /// Looks at a command whose outcome nobody was told: it may have been a success.
    pub fn observe_unknown(&mut self, command: &Command) {
        if let Action::DecideAttempt { target, right: true, .. } = &command.action {
            self.allowed.remove(target);
        }
    }

    /// Looks at one fresh command and its outcome.
    pub fn observe(&mut self, command: &Command, outcome: &Outcome) -> Result<(), Broken> {
        match (&command.action, outcome) {
            (Action::CountAttempt { target, .. }, Ok(_)) => {
                let times = self.allowed.entry(*target).or_default();
                times.push(command.at);
                // Clocks may be half a minute apart: the bound holds for what is surely within one lock.
                let window = LOCK.0.saturating_sub(60_000);
                let recent =
                    times.iter().filter(|at| command.at.since(**at).0 < window && **at <= command.at);
                let count = recent.count();
                if count > THRESHOLD as usize {
                    let what = format!("{count} attempts of {target:?} were let through within one lock");
                    return Err(Broken::new("lockout-bound", what));
                }
            }
            (Action::DecideAttempt { target, right: true, .. }, Ok(_)) => {
                self.allowed.remove(target);
            }
            _ => {}
        }
        Ok(())
    }
}
