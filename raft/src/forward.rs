//! Proposals: made here when this node leads, else sent to the leader; tried again under the same request id as long
//! as the deadline allows, which the state's memory of requests makes safe.
//!
//! "Nothing was done" is said only when each try was either never sent or refused before it reached a log.

use crate::member::{Lead, Member};
use crate::raft_network::PeerError;
use crate::state_machine::cell_size;
use crate::transport::client::CallError;
use crate::transport::request::{MAX_COMMAND, Request};
use crate::wire::{Message, Proposed};
use bytes::Bytes;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::instance::Role;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::{Outcome, Rejection};
use passquorum_domain::ports::ProposeError;
use passquorum_domain::state::CellKey;
use passquorum_domain::time::{Span, Timestamp};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How far a command's time may be from the leader's clock.
const MAX_SKEW: Span = Span::seconds(60);
/// The most bytes of a command from the perimeter: what such a node may ask for is small, and its records stay in the
/// state for long.
const MAX_PERIMETER_COMMAND: usize = 8 * 1024;
/// The most bytes of the whole configuration.
const MAX_CONFIG: usize = 4 * 1024 * 1024;

/// What a role may put into the log. How a node stands is changed by a leader's own hand only. Nodes in the perimeter
/// may count attempts against sources and leave audit records, no more: an attacker who owns one gains no guesses and
/// no say.
fn may_propose(role: Role, action: &Action, size: usize) -> bool {
    if action.changes_standing() {
        return false;
    }
    match role {
        Role::Voter => true,
        Role::SiteLearner => !matches!(
            action,
            Action::CreateRealm(_)
                | Action::CreateReplacement { .. }
                | Action::BeginRotation(_)
                | Action::Reseal { .. }
                | Action::RetireKey { .. }
        ),
        Role::DmzLearner => {
            size <= MAX_PERIMETER_COMMAND
                && matches!(
                    action,
                    Action::CountAttempt { target: AttemptTarget::Source(_), .. } | Action::Record { .. }
                )
        }
    }
}

/// The distance between two instants.
fn distance(a: Timestamp, b: Timestamp) -> Span {
    a.since(b).max(b.since(a))
}

impl Member {
    /// Commits a command wherever the leader is.
    pub(crate) async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        if !self.integrity.serves() {
            return Err(ProposeError::NoQuorum);
        }
        let payload = match command.encode() {
            Ok(payload) if payload.len() <= MAX_COMMAND => payload,
            _ => return Ok(Err(Rejection::TooLarge)),
        };
        if !may_propose(self.role(), &command.action, payload.len()) {
            return Err(ProposeError::Forbidden);
        }
        let deadline = Instant::now() + self.tuning.patience;
        let mut in_doubt = false;
        loop {
            match self.try_once(&command, &payload, deadline).await {
                Ok(Proposed::Committed(outcome)) => return Ok(outcome),
                Ok(Proposed::NotLeader | Proposed::NoQuorum) => {}
                Ok(Proposed::Unknown) => return Err(ProposeError::Unknown),
                Ok(Proposed::ClockSkew) if !in_doubt => return Err(ProposeError::ClockSkew),
                Ok(Proposed::Forbidden) if !in_doubt => return Err(ProposeError::Forbidden),
                Ok(Proposed::Busy) | Err(PeerError::Call(CallError::Busy)) if !in_doubt => {
                    return Err(ProposeError::Busy);
                }
                Ok(Proposed::ClockSkew | Proposed::Forbidden | Proposed::Busy)
                | Err(PeerError::Call(CallError::Busy)) => return Err(ProposeError::Unknown),
                Err(PeerError::Call(CallError::NotSent(_) | CallError::Refused(_))) => {}
                Err(PeerError::Call(CallError::Lost) | PeerError::Codec(_)) => in_doubt = true,
            }
            if !self.wait_to_retry(deadline).await {
                return Err(if in_doubt { ProposeError::Unknown } else { ProposeError::NoQuorum });
            }
        }
    }

    async fn try_once(
        &self,
        command: &Command,
        payload: &Bytes,
        deadline: Instant,
    ) -> Result<Proposed, PeerError> {
        match self.lead() {
            Lead::Here => Ok(self.propose_here(command.clone(), payload.len(), deadline).await),
            Lead::Nowhere => Ok(Proposed::NotLeader),
            Lead::At { node, address } => {
                let within = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                let answer =
                    self.peers.call(node, &address, Request::Propose, payload.clone(), within).await?;
                Ok(Proposed::decode(&answer)?)
            }
        }
    }

    /// A proposal that a peer sent on.
    pub(crate) async fn propose_for(&self, role: Role, command: Command, size: usize) -> Proposed {
        if !may_propose(role, &command.action, size) {
            return Proposed::Forbidden;
        }
        self.propose_here(command, size, Instant::now() + self.tuning.patience).await
    }

    pub(crate) async fn propose_here(&self, command: Command, size: usize, deadline: Instant) -> Proposed {
        if !self.leads() {
            return Proposed::NotLeader;
        }
        if !self.has_quorum() {
            return Proposed::NoQuorum;
        }
        if distance(command.at, self.clock.now()) > MAX_SKEW {
            return Proposed::ClockSkew;
        }
        if matches!(command.action, Action::ChangeConfig { .. }) && !self.config_has_room() {
            return Proposed::Committed(Err(Rejection::TooLarge));
        }
        match self.proposals.push(command, size) {
            Err(nothing_done) => nothing_done,
            Ok(answer) => match timeout_at(deadline, answer).await {
                Ok(Ok(proposed)) => proposed,
                Ok(Err(_)) | Err(_) => Proposed::Unknown,
            },
        }
    }

    /// Whether one more change of the largest size leaves the configuration within its bound.
    fn config_has_room(&self) -> bool {
        let size = self.state().cell(&CellKey::Config).map_or(Some(0), |cell| cell_size(&cell));
        size.is_some_and(|size| size + MAX_COMMAND <= MAX_CONFIG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::audit::{AuditEvent, Site};
    use passquorum_domain::ids::{AttemptId, JoinTokenId, KeyedHash, NodeId};
    use passquorum_domain::token::JoinToken;
    use uuid::Uuid;

    #[test]
    fn a_perimeter_node_can_neither_decide_attempts_nor_touch_the_realm() {
        let attempt = AttemptId(Uuid::from_u128(1));
        let source = AttemptTarget::Source(KeyedHash([0; 32]));
        let user = AttemptTarget::User(KeyedHash([0; 32]));
        let count = |target| Action::CountAttempt { attempt, target, policy: None };
        let record = Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None };
        assert!(may_propose(Role::DmzLearner, &count(source), 100));
        assert!(may_propose(Role::DmzLearner, &record, MAX_PERIMETER_COMMAND));
        assert!(!may_propose(Role::DmzLearner, &record, MAX_PERIMETER_COMMAND + 1));
        for action in [
            count(user),
            Action::DecideAttempt { attempt, target: source, right: true },
            Action::Sweep,
            Action::LiftLock(KeyedHash([0; 32])),
        ] {
            assert!(!may_propose(Role::DmzLearner, &action, 100), "{action:?}");
            assert!(may_propose(Role::Voter, &action, MAX_COMMAND));
        }
    }

    #[test]
    fn a_site_learner_decides_nothing_about_other_nodes() {
        let token = JoinToken {
            id: JoinTokenId(Uuid::from_u128(1)),
            secret: KeyedHash([0; 32]),
            role: Role::Voter,
            expires_at: Timestamp(1),
            used_by: None,
        };
        let replace = Action::CreateReplacement { token, replaces: NodeId(1) };
        assert!(!may_propose(Role::SiteLearner, &replace, 100));
        assert!(may_propose(Role::Voter, &replace, 100));
    }

    #[test]
    fn nobody_sends_a_change_of_a_nodes_standing_to_the_leader() {
        for role in [Role::Voter, Role::SiteLearner, Role::DmzLearner] {
            for action in [
                Action::BeginRemoval(NodeId(1)),
                Action::RemoveNode(NodeId(1)),
                Action::SetNodeRole(NodeId(1), Role::Voter),
                Action::MoveNode(NodeId(1), "host:7400".parse().unwrap()),
            ] {
                assert!(!may_propose(role, &action, 100), "{role} {action:?}");
            }
        }
    }

    #[test]
    fn distance_has_no_direction() {
        assert_eq!(distance(Timestamp(5), Timestamp(9)), Span(4));
        assert_eq!(distance(Timestamp(9), Timestamp(5)), Span(4));
    }
}
