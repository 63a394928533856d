//! The one way in which the state changes: total, deterministic, and refusing by outcome, never by panic.

mod access;
mod attempt;
mod config;
mod epoch;
mod keys;
mod label;
mod level;
mod mail;
mod memory;
mod node;
mod passcode;
mod person;
mod ticket;

pub use epoch::{ApiTokens, EpochError, Founder, NewEpoch};

use crate::audit::{Actor, AuditEvent, AuditRecord};
use crate::blob::Sealed;
use crate::command::{Action, Command};
use crate::config::Problem;
use crate::document::Document;
use crate::feature_level::FeatureLevel;
use crate::ids::KeyedHash;
use crate::outcome::{Effect, Outcome, Rejection};
#[cfg(feature = "planted")]
use crate::planted::{self, Plant};
use crate::state::{CellKey, State};
use crate::time::Timestamp;

/// How many audit records stay in the state.
pub const AUDIT_WINDOW: u64 = 10_000;

/// Problems that a remembered refusal names at most, so that its size does not grow with the change's.
const MAX_PROBLEMS: usize = 100;

fn invalid(mut problems: Vec<Problem>) -> Rejection {
    problems.truncate(MAX_PROBLEMS);
    Rejection::InvalidConfig(problems)
}

/// The result of applying one command.
#[derive(Debug)]
pub struct Applied {
    /// What the cluster answers.
    pub outcome: Outcome,
    /// The cells that changed; storage writes each as it is now, or removes it.
    pub touched: Vec<CellKey>,
}

/// A state under change: notes what is touched, and writes the audit.
pub(crate) struct Change<'a> {
    state: &'a mut State,
    touched: Vec<CellKey>,
    at: Timestamp,
    actor: Actor,
    detail: Option<Sealed>,
}

impl State {
    /// Applies a committed command.
    pub fn apply(&mut self, command: Command) -> Applied {
        let Command { request, at, actor, detail, action } = command;
        #[cfg(feature = "planted")]
        let at = if planted::on(Plant::ApplyReadsClock) { planted::clock() } else { at };
        if let Some(outcome) = self.recall(request, at) {
            return Applied { outcome, touched: Vec::new() };
        }
        let mut change = Change { state: self, touched: Vec::new(), at, actor, detail };
        let outcome = change.act(action);
        if let Err(rejection) = &outcome
            && !change.is_told_already(rejection)
        {
            change.audit(AuditEvent::Refused(rejection.clone()), None);
        }
        change.remember(request, &outcome);
        change.touched.push(CellKey::Totals);
        Applied { outcome, touched: change.touched }
    }
}

impl Change<'_> {
    fn act(&mut self, action: Action) -> Outcome {
        if self.state.realm.is_none() && !matches!(action, Action::CreateRealm(_)) {
            return Err(Rejection::NoRealm);
        }
        match action {
            Action::CreateRealm(new) => self.create_realm(*new),
            Action::CreateJoinToken(token) => self.create_join_token(token),
            Action::AdmitNode(admit) => self.admit_node(*admit),
            Action::SetNodeRole(id, role) => self.set_node_role(id, role),
            Action::RemoveNode(id) => self.remove_node(id),
            Action::BeginRemoval(id) => self.begin_removal(id),
            Action::MoveNode(id, cluster_address) => self.move_node(id, cluster_address),
            Action::SetSiteUrl { node, seen, url } => self.set_site_url(node, &seen, url),
            Action::CreateReplacement { token, replaces } => self.create_replacement(token, replaces),
            Action::CertifyNode { node, until } => self.certify_node(node, until),
            Action::BeginRotation(wraps) => self.begin_rotation(wraps),
            Action::ConfirmKey { node, generation } => self.confirm_key(node, generation),
            Action::Reseal { old, new } => self.reseal(&old, &new),
            Action::RetireKey { generation, wraps } => self.retire_key(generation, wraps),
            Action::CreateApiToken(token) => self.create_api_token(token),
            Action::RevokeApiToken(id) => self.revoke_api_token(id),
            Action::ChangeConfig { base, change } | Action::EditConfig { base, change: Document(change) } => {
                self.change_config(base, change)
            }
            Action::CountAttempt { attempt, target, policy } => self.count_attempt(attempt, target, policy),
            Action::DecideAttempt { attempt, target, right } => self.decide_attempt(attempt, target, right),
            Action::LiftLock(subject) => self.lift_lock(subject),
            Action::OpenTicket { ticket, subject, kind, node, life } => {
                self.open_ticket(ticket, subject, kind, node, life)
            }
            Action::CloseTicket { ticket, result } => self.close_ticket(ticket, result),
            Action::Sweep => self.sweep(),
            Action::PutLabel { key, value, condition } => self.put_label(key, value, condition),
            Action::RemoveLabel { key, condition } => self.remove_label(key, condition),
            Action::AssignPasscode { subject, secret, life } => self.assign_passcode(subject, secret, life),
            Action::SpendPasscode { subject, secret } => self.spend_passcode(subject, secret),
            Action::RaiseLevel { from, to, asked } => self.raise_level(from, to, &asked),
            Action::QueueMail { id, subject, content, not_after } => {
                self.queue_mail(id, subject, content, not_after)
            }
            Action::ClaimMail { id, claim } => self.claim_mail(id, claim),
            Action::CloseMail { id, result } => self.close_mail(id, result),
            Action::SendMailCode(new) => self.send_mail_code(*new),
            Action::SpendMailCode { subject, secret } => self.spend_mail_code(subject, secret),
            Action::TurnOffNotifications { subject, events } => self.turn_off(subject, events),
            Action::Record { event, subject } => {
                self.audit(event, subject);
                Ok(Effect::Done)
            }
        }
    }

    fn touch(&mut self, key: CellKey) {
        self.touched.push(key);
    }

    /// Whether an operator of the Helpdesk site does it, at a level that tells them from others.
    fn is_by_helpdesk(&self) -> bool {
        matches!(self.actor, Actor::Helpdesk(_)) && self.state.level >= FeatureLevel::THIRD
    }

    /// Whether a refusal says what the attempt that locked has said: who it is need not be anybody, and could push out
    /// everything else.
    fn is_told_already(&self, rejection: &Rejection) -> bool {
        let is_a_strangers = matches!((&self.actor, rejection), (Actor::Anonymous, Rejection::Locked { .. }));
        is_a_strangers && self.state.level >= FeatureLevel::FOURTH
    }

    /// Appends an audit record, and drops the oldest when the window is full.
    fn audit(&mut self, event: AuditEvent, subject: Option<KeyedHash>) {
        let seq = self.state.totals.audit_seq.saturating_add(1);
        let mut record = AuditRecord {
            seq,
            at: self.at,
            actor: self.actor.clone(),
            event,
            subject,
            detail: self.detail.clone(),
            previous: self.state.totals.audit_head,
            hash: [0; 32],
        };
        record.hash = record.expected_hash();
        self.state.totals.audit_seq = seq;
        self.state.totals.audit_head = record.hash;
        self.state.audit.insert(seq, record);
        self.touch(CellKey::Audit(seq));
        if let Some(oldest) = seq.checked_sub(AUDIT_WINDOW)
            && self.state.audit.remove(&oldest).is_some()
        {
            self.touch(CellKey::Audit(oldest));
        }
    }
}
