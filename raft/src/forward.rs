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
use passquorum_domain::config::RealmConfig;
use passquorum_domain::document::Document;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Outcome, Rejection};
use passquorum_domain::ports::{ProposeError, ReadError};
use passquorum_domain::state::Cell;
use passquorum_domain::time::{Span, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How far a command's time may be from the leader's clock.
const MAX_SKEW: Span = Span::seconds(60);
/// The most bytes of the whole configuration.
const MAX_CONFIG: usize = 4 * 1024 * 1024;

/// What a role may put into the log. How a node stands is changed by a leader's own hand only. A site learner does what
/// visitors and the helpdesk need, and nothing that gives anybody power: no tokens, no nodes, no configuration. A node in
/// the perimeter puts nothing in: voters do what its visitors ask.
fn may_propose(role: Role, action: &Action) -> bool {
    if action.is_leaders_own() {
        return false;
    }
    match role {
        Role::Voter => true,
        Role::SiteLearner => matches!(
            action,
            Action::CountAttempt { .. }
                | Action::DecideAttempt { .. }
                | Action::LiftLock(_)
                | Action::AssignPasscode { .. }
                | Action::SpendPasscode { .. }
                | Action::SendMailCode(_)
                | Action::SpendMailCode { .. }
                | Action::TurnOffNotifications { .. }
                | Action::OpenTicket { .. }
                | Action::CloseTicket { .. }
                | Action::PutLabel { .. }
                | Action::RemoveLabel { .. }
                | Action::Record { .. }
                | Action::ConfirmKey { .. }
        ),
        Role::DmzLearner => false,
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
        if !may_propose(self.role(), &command.action) {
            return Err(self.forbidden());
        }
        let deadline = Instant::now() + self.tuning.patience;
        self.hold_against_the_level(&command.action).await?;
        let mut in_doubt = false;
        loop {
            match self.try_once(&command, &payload, deadline).await {
                Ok(Proposed::Committed(outcome)) => return Ok(outcome),
                Ok(Proposed::NotLeader | Proposed::NoQuorum) => {}
                Ok(Proposed::Unknown) => return Err(ProposeError::Unknown),
                Ok(Proposed::ClockSkew) if !in_doubt => return Err(ProposeError::ClockSkew),
                Ok(Proposed::Forbidden) if !in_doubt => return Err(self.forbidden()),
                Ok(Proposed::LevelTooLow(level)) if !in_doubt => {
                    return Err(ProposeError::LevelTooLow { needs: command.action.needs(), level });
                }
                Ok(Proposed::Busy) | Err(PeerError::Call(CallError::Busy)) if !in_doubt => {
                    return Err(ProposeError::Busy);
                }
                Ok(Proposed::ClockSkew | Proposed::Forbidden | Proposed::Busy | Proposed::LevelTooLow(_))
                | Err(PeerError::Call(CallError::Busy)) => return Err(ProposeError::Unknown),
                Err(PeerError::Call(CallError::NotSent(_) | CallError::Refused(_))) => {}
                Err(PeerError::Call(CallError::Lost) | PeerError::Codec(_)) => in_doubt = true,
            }
            if !self.wait_to_retry(deadline).await {
                return Err(if in_doubt { ProposeError::Unknown } else { ProposeError::NoQuorum });
            }
        }
    }

    /// Refuses what the realm's level does not allow, before it goes anywhere: a leader of an earlier release would not
    /// understand it. This node may be behind, so it looks twice.
    async fn hold_against_the_level(&self, action: &Action) -> Result<(), ProposeError> {
        let needs = action.needs();
        if needs <= self.state().level() {
            return Ok(());
        }
        let state = self.read_linearizable().await.map_err(|error| match error {
            ReadError::NoQuorum => ProposeError::NoQuorum,
            ReadError::Busy => ProposeError::Busy,
        })?;
        let level = state.level();
        if needs <= level { Ok(()) } else { Err(ProposeError::LevelTooLow { needs, level }) }
    }

    /// Says that a voter may do what this node may not.
    pub(crate) fn forbidden(&self) -> ProposeError {
        ProposeError::Forbidden { voters: self.state().voter_sites() }
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
        if !may_propose(role, &command.action) {
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
        let level = self.state().level();
        if command.action.needs() > level {
            return Proposed::LevelTooLow(level);
        }
        let _admits = if matches!(command.action, Action::AdmitNode(_)) {
            let Ok(admits) = timeout_at(deadline, self.admitting.read()).await else { return Proposed::Busy };
            Some(admits)
        } else {
            None
        };
        if command.action.edited_revision().is_some() && !self.config_has_room() {
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
        // As a document, whichever form it has now: that is what it becomes when the level rises.
        let document = |config: &Arc<RealmConfig>| Cell::ConfigDocument(Document(Arc::clone(config)));
        let size = self.state().config().map_or(Some(0), |config| cell_size(&document(config)));
        size.is_some_and(|size| size + MAX_COMMAND <= MAX_CONFIG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::audit::{AuditEvent, Site};
    use passquorum_domain::blob::Blob;
    use passquorum_domain::command::{AdmitNode, NewNode};
    use passquorum_domain::config::{ConfigChange, RealmConfig};
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ids::{ApiTokenId, AttemptId, JoinTokenId, KeyedHash, NodeId, Revision, TicketId};
    use passquorum_domain::label::{LabelCondition, LabelKey};
    use passquorum_domain::lockout::AttemptTarget;
    use passquorum_domain::ticket::{TicketKind, TicketResult};
    use passquorum_domain::token::{ApiToken, JoinToken};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    const ROLES: [Role; 3] = [Role::Voter, Role::SiteLearner, Role::DmzLearner];
    const HASH: KeyedHash = KeyedHash([0; 32]);

    fn may(action: &Action) -> [bool; 3] {
        ROLES.map(|role| may_propose(role, action))
    }

    #[test]
    fn a_site_learner_does_what_visitors_need_and_a_node_in_the_perimeter_nothing() {
        let attempt = AttemptId(Uuid::nil());
        let (user, source) = (AttemptTarget::User(HASH), AttemptTarget::Source(HASH));
        let ticket = TicketId(Uuid::nil());
        let key = LabelKey::parse("a").unwrap();
        for action in [
            Action::CountAttempt { attempt, target: user, policy: None },
            Action::CountAttempt { attempt, target: source, policy: None },
            Action::DecideAttempt { attempt, target: user, right: true },
            Action::LiftLock(HASH),
            Action::AssignPasscode { subject: HASH, secret: HASH, life: Span::seconds(1) },
            Action::SpendPasscode { subject: HASH, secret: HASH },
            Action::SpendMailCode { subject: HASH, secret: HASH },
            Action::TurnOffNotifications { subject: HASH, events: BTreeSet::new() },
            Action::OpenTicket {
                ticket,
                subject: HASH,
                kind: TicketKind::Reset,
                node: NodeId(4),
                life: Span::seconds(1),
            },
            Action::CloseTicket { ticket, result: TicketResult::Done },
            Action::PutLabel {
                key: key.clone(),
                value: Blob::from(&b""[..]),
                condition: LabelCondition::Always,
            },
            Action::RemoveLabel { key, condition: LabelCondition::Always },
            Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None },
        ] {
            assert_eq!(may(&action), [true, true, false], "{action:?}");
        }
    }

    #[test]
    fn what_gives_power_is_for_voters_alone() {
        let token = JoinToken {
            id: JoinTokenId(Uuid::nil()),
            secret: HASH,
            role: Role::Voter,
            expires_at: Timestamp(1),
            used_by: None,
        };
        let node = NewNode {
            name: "n".to_owned(),
            cluster_address: "n:1".to_owned(),
            site_url: "https://n".to_owned(),
            wrap_key: [0; 32],
        };
        let admit = AdmitNode { token: token.id, secret: HASH, node, wrap: None };
        let id = ApiTokenId(Uuid::nil());
        let api =
            ApiToken { id, secret: HASH, name: "n".to_owned(), scopes: BTreeSet::new(), expires_at: None };
        let change = ConfigChange::SetGeneral(RealmConfig::empty().general);
        for action in [
            Action::CreateJoinToken(token.clone()),
            Action::CreateReplacement { token, replaces: NodeId(1) },
            Action::AdmitNode(Box::new(admit)),
            Action::CreateApiToken(api),
            Action::RevokeApiToken(id),
            Action::ChangeConfig { base: Revision(1), change },
            Action::Sweep,
        ] {
            assert_eq!(may(&action), [true, false, false], "{action:?}");
        }
    }

    #[test]
    fn nobody_sends_a_change_of_a_nodes_standing_or_of_the_level_to_the_leader() {
        for action in [
            Action::BeginRemoval(NodeId(1)),
            Action::RemoveNode(NodeId(1)),
            Action::SetNodeRole(NodeId(1), Role::Voter),
            Action::MoveNode(NodeId(1), "host:7400".parse().unwrap()),
            Action::RaiseLevel {
                from: FeatureLevel::FIRST,
                to: FeatureLevel::FIRST.next(),
                asked: vec![NodeId(1)],
            },
        ] {
            assert_eq!(may(&action), [false; 3], "{action:?}");
        }
    }

    #[test]
    fn distance_has_no_direction() {
        assert_eq!(distance(Timestamp(5), Timestamp(9)), Span(4));
        assert_eq!(distance(Timestamp(9), Timestamp(5)), Span(4));
    }
}
