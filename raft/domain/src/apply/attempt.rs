//! Attempts: counted first, decided after.

use super::Change;
use crate::audit::AuditEvent;
use crate::feature_level::FeatureLevel;
use crate::ids::{AttemptId, KeyedHash, PolicyId};
use crate::lockout::{AttemptTarget, AttemptVerdict, LockoutSettings};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::CellKey;

fn subject_of(target: AttemptTarget) -> Option<KeyedHash> {
    match target {
        AttemptTarget::User(subject) => Some(subject),
        AttemptTarget::Source(_) => None,
    }
}

impl Change<'_> {
    pub(super) fn count_attempt(
        &mut self,
        attempt: AttemptId,
        target: AttemptTarget,
        policy: Option<PolicyId>,
    ) -> Outcome {
        let config = self.state.config.as_ref().ok_or(Rejection::NoRealm)?;
        let settings = match (policy, target) {
            (Some(id), _) => config.policy(id).ok_or(Rejection::NotFound)?.lockout,
            // A person is not guessed at as often as a source may try, where there is no policy to say how often.
            (None, AttemptTarget::User(_)) if self.state.level >= FeatureLevel::FOURTH => {
                LockoutSettings::DEFAULT
            }
            (None, _) => config.general.source_limit,
        };
        let mut counter = self.state.counters.get(&target).cloned().unwrap_or_default();
        match counter.count(attempt, self.at, &settings) {
            AttemptVerdict::Locked { until } => Err(Rejection::Locked { until }),
            verdict @ AttemptVerdict::Counted { remaining } => {
                self.state.counters.insert(target, counter);
                self.touch(CellKey::Counter(target));
                self.audit(AuditEvent::AttemptCounted { remaining }, subject_of(target));
                Ok(Effect::Attempt(verdict))
            }
        }
    }

    pub(super) fn decide_attempt(
        &mut self,
        attempt: AttemptId,
        target: AttemptTarget,
        right: bool,
    ) -> Outcome {
        let by_helpdesk = self.is_by_helpdesk();
        let counter = self.state.counters.get_mut(&target).ok_or(Rejection::NotFound)?;
        let known = match (right, by_helpdesk) {
            (false, _) => counter.fail(attempt),
            (true, false) => counter.succeed(attempt),
            // What an operator hears of one question must not clear the way for guesses at the others.
            (true, true) => counter.take_back(attempt),
        };
        let is_clean = right && counter.failures == 0;
        if !known {
            return Err(Rejection::NotFound);
        }
        if is_clean {
            self.state.counters.remove(&target);
        }
        self.touch(CellKey::Counter(target));
        let event = if right { AuditEvent::AttemptSucceeded } else { AuditEvent::AttemptFailed };
        self.audit(event, subject_of(target));
        Ok(Effect::Done)
    }

    pub(super) fn lift_lock(&mut self, subject: KeyedHash) -> Outcome {
        let target = AttemptTarget::User(subject);
        self.state.counters.remove(&target).ok_or(Rejection::NotFound)?;
        self.touch(CellKey::Counter(target));
        self.audit(AuditEvent::LockLifted, Some(subject));
        Ok(Effect::Done)
    }
}
