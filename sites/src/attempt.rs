//! Attempts: committed as counted before the secret is looked at, and decided after.

use crate::app::App;
use crate::locale::{Key, Message};
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::text;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{AttemptId, KeyedHash, PolicyId};
use passquorum_domain::lockout::{AttemptTarget, AttemptVerdict};
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::ports::fresh_uuid;
use serde::{Deserialize, Serialize};

/// An attempt that the cluster has counted; only with one of these may a secret be checked.
#[derive(Serialize, Deserialize)]
pub(crate) struct Counted {
    attempt: AttemptId,
    subject: KeyedHash,
    /// The operator who makes it for the person, if not the person.
    operator: Option<Actor>,
    /// Attempts left before the lock.
    remaining: u32,
}

/// Counts an attempt. A locked subject is a failure that says until when. `note` (name, address) goes sealed into the
/// audit.
pub(crate) async fn count(
    ports: &Ports,
    subject: KeyedHash,
    policy: Option<PolicyId>,
    note: &str,
) -> Result<Counted, Failure> {
    count_for(ports, None, subject, policy, note).await
}

/// The same for an attempt that an operator makes with what a caller says.
pub(crate) async fn count_for(
    ports: &Ports,
    operator: Option<Actor>,
    subject: KeyedHash,
    policy: Option<PolicyId>,
    note: &str,
) -> Result<Counted, Failure> {
    let actor = operator.clone().unwrap_or(Actor::Anonymous);
    let target = AttemptTarget::User(subject);
    // What operators try is in the audit in any case.
    if operator.is_none()
        && let Some(until) = ports.locked_until(target).await?
    {
        return Err(Rejection::Locked { until }.into());
    }
    let attempt = AttemptId(fresh_uuid(&*ports.entropy));
    let action = Action::CountAttempt { attempt, target, policy };
    let detail = Some(ports.seal_detail(note)?);
    match ports.commit_with(actor, action, detail).await.map_err(unsure)? {
        Effect::Attempt(AttemptVerdict::Counted { remaining }) => {
            Ok(Counted { attempt, subject, operator, remaining })
        }
        other => Err(Failure::internal(format!("an attempt was answered with {other:?}"))),
    }
}

/// Nothing is checked unless its counting is known to be committed.
fn unsure(failure: Failure) -> Failure {
    if failure.code == ErrorCode::UnknownOutcome { failure.saying(text::ATTEMPT_UNSURE) } else { failure }
}

impl Counted {
    /// Reports how it ended. That the counter is gone meanwhile (lifted by the helpdesk, or by another attempt that
    /// was right) changes nothing: this attempt was counted before it was checked.
    pub(crate) async fn decide(&self, ports: &Ports, right: bool) -> Result<(), Failure> {
        match self.settle(ports, right).await {
            Err(failure) if failure.code != ErrorCode::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    /// The same, and fails with [`ErrorCode::NotFound`] when it was decided before, or its counter is gone.
    pub(crate) async fn settle(&self, ports: &Ports, right: bool) -> Result<(), Failure> {
        let target = AttemptTarget::User(self.subject);
        let person = || if right { Actor::User(self.subject) } else { Actor::Anonymous };
        let actor = self.operator.clone().unwrap_or_else(person);
        let action = Action::DecideAttempt { attempt: self.attempt, target, right };
        ports.commit(actor, action).await.map(drop).map_err(unsure)
    }

    /// The message for a wrong attempt that says how many are left; a failure when it was the last one.
    pub(crate) fn left_after(
        &self,
        message: Key,
        policy: &ManagementPolicy,
        app: &App,
    ) -> Result<Message, Failure> {
        match self.remaining {
            0 => {
                let until = app.ports.now().plus(policy.lockout.duration);
                Err(Failure { until: Some(until), ..Failure::new(ErrorCode::Locked) })
            }
            left => Ok(Key("attempts-left").with("wrong", Message::from(message)).with("count", left)),
        }
    }
}
