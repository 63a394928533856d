//! Attempts: committed as counted before the secret is looked at, and decided after.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::ids::{AttemptId, KeyedHash, PolicyId};
use passquorum_domain::lockout::{AttemptTarget, AttemptVerdict};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::fresh_uuid;

/// An attempt that the cluster has counted; only with one of these may a secret be checked.
pub(crate) struct Counted {
    attempt: AttemptId,
    subject: KeyedHash,
    /// Attempts left before the lock.
    pub(crate) remaining: u32,
}

/// Counts an attempt. A locked subject is a failure that says until when.
pub(crate) async fn count(
    ports: &Ports,
    subject: KeyedHash,
    policy: Option<PolicyId>,
) -> Result<Counted, Failure> {
    let attempt = AttemptId(fresh_uuid(&*ports.entropy));
    let action = Action::CountAttempt { attempt, target: AttemptTarget::User(subject), policy };
    match ports.commit(Actor::Anonymous, action).await? {
        Effect::Attempt(AttemptVerdict::Counted { remaining }) => Ok(Counted { attempt, subject, remaining }),
        other => Err(Failure::internal(format!("an attempt was answered with {other:?}"))),
    }
}

impl Counted {
    /// Reports how it ended.
    pub(crate) async fn decide(&self, ports: &Ports, right: bool) -> Result<(), Failure> {
        let target = AttemptTarget::User(self.subject);
        let actor = if right { Actor::User(self.subject) } else { Actor::Anonymous };
        let action = Action::DecideAttempt { attempt: self.attempt, target, right };
        ports.commit(actor, action).await.map(drop)
    }
}
