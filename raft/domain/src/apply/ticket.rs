//! Tickets: opened before the directory is asked, closed after, never opened twice.

use super::Change;
use crate::audit::AuditEvent;
use crate::command::Action;
use crate::ids::{KeyedHash, NodeId, TicketId};
use crate::lockout::AttemptTarget;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::planted::{self, Plant};
use crate::state::{CellKey, State};
use crate::ticket::{Ticket, TicketKind, TicketResult, TicketState};
use crate::time::{Span, Timestamp};

fn is_overdue(ticket: &Ticket, at: Timestamp) -> bool {
    ticket.state == TicketState::Open && at >= ticket.expires_at
}

fn is_past(ticket: &Ticket, at: Timestamp) -> bool {
    matches!(&ticket.state, TicketState::Closed { at: closed, .. } if at.since(*closed) > Ticket::KEEP_CLOSED)
}

impl State {
    /// Whether a sweep at this time would change anything.
    #[must_use]
    pub fn sweep_is_due(&self, at: Timestamp) -> bool {
        self.tickets.values().any(|ticket| is_overdue(ticket, at) || is_past(ticket, at))
            || self.counters.values().any(|counter| at >= counter.forget_at)
            || self.keys.as_ref().is_some_and(|keys| keys.is_overdue(at))
            || self.passcodes.values().any(|passcode| at >= passcode.until)
            || self.mail_codes.values().any(|code| code.is_past(at))
            || self.outbox.values().any(|mail| mail.is_overdue(at) || mail.is_past(at))
    }
}

impl Change<'_> {
    pub(super) fn open_ticket(
        &mut self,
        id: TicketId,
        subject: KeyedHash,
        kind: TicketKind,
        node: NodeId,
        life: Span,
    ) -> Outcome {
        // Whoever guesses at a person's answers must not keep the helpdesk from helping that person.
        if let Some(until) = self.state.locked_until(AttemptTarget::User(subject), self.at)
            && !self.is_by_helpdesk()
        {
            return Err(Rejection::Locked { until });
        }
        let at = self.at;
        let other_under_way =
            self.state.tickets.values().any(|other| other.subject == subject && other.is_live(at));
        let used = self.state.tickets.contains_key(&id) && !planted::on(Plant::ReplayTicket);
        if used || other_under_way {
            return Err(Rejection::TicketUsed);
        }
        let ticket = Ticket {
            id,
            subject,
            kind,
            node,
            opened_at: at,
            expires_at: at.plus(life.min(Action::MAX_TICKET_LIFE)),
            state: TicketState::Open,
        };
        self.state.tickets.insert(id, ticket);
        self.touch(CellKey::Ticket(id));
        self.audit(AuditEvent::TicketOpened(id, kind), Some(subject));
        Ok(Effect::Done)
    }

    pub(super) fn close_ticket(&mut self, id: TicketId, result: TicketResult) -> Outcome {
        let at = self.at;
        let ticket = self.state.tickets.get_mut(&id).ok_or(Rejection::NotFound)?;
        // A sweep may have called it unknown before the answer came; a true answer replaces that, nothing else does.
        let replaceable = matches!(
            &ticket.state,
            TicketState::Open | TicketState::Closed { result: TicketResult::Unknown, .. }
        );
        if !replaceable {
            return Err(Rejection::TicketUsed);
        }
        ticket.state = TicketState::Closed { result: result.clone(), at };
        let subject = ticket.subject;
        self.touch(CellKey::Ticket(id));
        self.audit(AuditEvent::TicketClosed(id, result), Some(subject));
        Ok(Effect::Done)
    }

    pub(super) fn sweep(&mut self) -> Outcome {
        let at = self.at;
        let overdue: Vec<TicketId> = self
            .state
            .tickets
            .values()
            .filter(|ticket| is_overdue(ticket, at))
            .map(|ticket| ticket.id)
            .collect();
        for id in overdue {
            self.close_ticket(id, TicketResult::Unknown)?;
        }
        let old: Vec<TicketId> = self
            .state
            .tickets
            .values()
            .filter(|ticket| is_past(ticket, at))
            .map(|ticket| ticket.id)
            .collect();
        for id in old {
            self.state.tickets.remove(&id);
            self.touch(CellKey::Ticket(id));
        }
        let idle: Vec<AttemptTarget> = self
            .state
            .counters
            .iter()
            .filter(|(_, counter)| at >= counter.forget_at)
            .map(|(target, _)| *target)
            .collect();
        for target in idle {
            self.state.counters.remove(&target);
            self.touch(CellKey::Counter(target));
        }
        if self.state.keys.as_ref().is_some_and(|keys| keys.is_overdue(at)) {
            self.use_next_key();
        }
        self.forget_passcodes();
        self.forget_mail_codes();
        self.sweep_outbox()?;
        Ok(Effect::Done)
    }
}
