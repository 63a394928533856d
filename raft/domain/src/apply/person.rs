//! What the state keeps of single people beside their counters: codes that went to them by mail, and what they do not want to be
//! told of.

use super::Change;
use crate::audit::AuditEvent;
use crate::ids::KeyedHash;
use crate::mail_code::{CodeMail, MailCode, NewMailCode};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::{CellKey, State};
use crate::workflow::NotificationEvent;
use std::collections::BTreeSet;

impl State {
    /// What a person has chosen not to be told of. What a policy lets nobody turn off is told all the same.
    #[must_use]
    pub fn turned_off(&self, subject: KeyedHash) -> BTreeSet<NotificationEvent> {
        self.turned_off.get(&subject).cloned().unwrap_or_default()
    }

    /// What is kept of the codes that a person was sent lately.
    #[must_use]
    pub fn mail_code(&self, subject: KeyedHash) -> Option<&MailCode> {
        self.mail_codes.get(&subject)
    }
}

impl Change<'_> {
    /// Puts a code in place of any that the person had, and its mail into the outbox. Whether there is room for one is looked at
    /// for everybody, so that the answer does not tell who has an address.
    pub(super) fn send_mail_code(&mut self, new: NewMailCode) -> Outcome {
        let NewMailCode { subject, secret, life, mail } = new;
        let code = MailCode::after(self.state.mail_codes.get(&subject), secret, life, self.at)
            .map_err(|until| Rejection::Locked { until })?;
        if !self.has_room_for_any_mail() {
            return Err(Rejection::OutboxFull);
        }
        let until = self.at.plus(life.min(MailCode::MOST_LIFE));
        if let Some(CodeMail { id, content }) = mail {
            self.queue_mail(id, Some(subject), content, until)?;
        }
        self.state.mail_codes.insert(subject, code);
        self.touch(CellKey::MailCode(subject));
        self.audit(AuditEvent::MailCodeSent { until }, Some(subject));
        Ok(Effect::Done)
    }

    /// Uses the code up if this is it. A wrong one counts against the code, beside the attempt that was counted before.
    pub(super) fn spend_mail_code(&mut self, subject: KeyedHash, secret: KeyedHash) -> Outcome {
        let kept = self.state.mail_codes.get(&subject).cloned().ok_or(Rejection::TokenInvalid)?;
        let is_right = kept.is(&secret, self.at);
        let after = if is_right { kept.used() } else { kept.missed() };
        self.state.mail_codes.insert(subject, after);
        self.touch(CellKey::MailCode(subject));
        if !is_right {
            return Err(Rejection::TokenInvalid);
        }
        self.audit(AuditEvent::MailCodeSpent, Some(subject));
        Ok(Effect::Done)
    }

    pub(super) fn forget_mail_codes(&mut self) {
        let past = self.state.mail_codes.iter().filter(|(_, code)| code.is_past(self.at));
        for subject in past.map(|(subject, _)| *subject).collect::<Vec<_>>() {
            self.state.mail_codes.remove(&subject);
            self.touch(CellKey::MailCode(subject));
        }
    }

    /// Keeps what a person does not want to be told of; nothing is kept of whoever wants all.
    pub(super) fn turn_off(&mut self, subject: KeyedHash, events: BTreeSet<NotificationEvent>) -> Outcome {
        if events.is_empty() {
            self.state.turned_off.remove(&subject);
        } else {
            self.state.turned_off.insert(subject, events);
        }
        self.touch(CellKey::TurnedOff(subject));
        self.audit(AuditEvent::NotificationsChosen, Some(subject));
        Ok(Effect::Done)
    }
}
