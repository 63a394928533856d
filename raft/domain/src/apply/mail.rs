//! The outbox: mails are queued, claimed for each attempt, and closed once.

use super::Change;
use crate::audit::AuditEvent;
use crate::blob::Sealed;
use crate::ids::{KeyedHash, MailId};
use crate::mail::{MailClaim, MailResult, MailState, OutboxCount, QueuedMail};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::{CellKey, State};
use crate::time::Timestamp;

impl State {
    /// The mails that wait, and those that were closed lately.
    pub fn outbox(&self) -> impl Iterator<Item = &QueuedMail> {
        self.outbox.values()
    }

    /// One mail.
    #[must_use]
    pub fn mail(&self, id: MailId) -> Option<&QueuedMail> {
        self.outbox.get(&id)
    }

    /// How full the outbox is.
    #[must_use]
    pub fn outbox_count(&self) -> OutboxCount {
        self.outbox.values().fold(OutboxCount::default(), |mut count, mail| {
            match mail.content() {
                Some(Sealed(content)) => {
                    count.waiting += 1;
                    count.bytes += content.as_bytes().len();
                }
                None => count.closed += 1,
            }
            count
        })
    }
}

impl Change<'_> {
    pub(super) fn queue_mail(
        &mut self,
        id: MailId,
        subject: Option<KeyedHash>,
        content: Sealed,
        not_after: Timestamp,
    ) -> Outcome {
        let size = content.0.as_bytes().len();
        if size > QueuedMail::LARGEST {
            return Err(Rejection::TooLarge);
        }
        let sealing = self.state.keys.as_ref().ok_or(Rejection::NoRealm)?;
        if content.generation().is_some_and(|generation| !sealing.has(generation)) {
            return Err(Rejection::KeysChanged);
        }
        if self.state.outbox.contains_key(&id) {
            return Err(Rejection::ConditionFailed { current: None });
        }
        let count = self.state.outbox_count();
        if count.waiting >= QueuedMail::MOST_WAITING || count.bytes + size > QueuedMail::MOST_BYTES {
            return Err(Rejection::OutboxFull);
        }
        let mail = QueuedMail {
            id,
            subject,
            queued_at: self.at,
            not_after: not_after.min(self.at.plus(QueuedMail::LONGEST)),
            attempts: 0,
            state: MailState::Waiting { content, claim: None },
        };
        self.put_mail(mail);
        self.audit(AuditEvent::MailQueued(id), subject);
        Ok(Effect::Done)
    }

    /// Whether the outbox takes one more, however large.
    pub(super) fn has_room_for_any_mail(&self) -> bool {
        let count = self.state.outbox_count();
        count.waiting < QueuedMail::MOST_WAITING
            && count.bytes.saturating_add(QueuedMail::LARGEST) <= QueuedMail::MOST_BYTES
    }

    pub(super) fn claim_mail(&mut self, id: MailId, claim: MailClaim) -> Outcome {
        let mut mail = self.state.outbox.get(&id).cloned().ok_or(Rejection::NotFound)?;
        if !mail.is_due(self.at) {
            return Err(Rejection::ConditionFailed { current: None });
        }
        if let MailState::Waiting { claim: present, .. } = &mut mail.state {
            *present = Some(claim);
        }
        mail.attempts = mail.attempts.saturating_add(1);
        self.put_mail(mail);
        Ok(Effect::Done)
    }

    pub(super) fn close_mail(&mut self, id: MailId, result: MailResult) -> Outcome {
        let mut mail = self.state.outbox.get(&id).cloned().ok_or(Rejection::NotFound)?;
        // Whoever had it may learn only after its time that a server took it; that is the truth, and nothing replaces it.
        let replaceable = match &mail.state {
            MailState::Waiting { .. } => true,
            MailState::Closed { result: present, .. } => {
                *present == MailResult::Expired && result != MailResult::Expired
            }
        };
        if !replaceable {
            return Err(Rejection::ConditionFailed { current: None });
        }
        mail.state = MailState::Closed { result, at: self.at };
        let subject = mail.subject;
        self.put_mail(mail);
        self.audit(AuditEvent::MailClosed(id, result), subject);
        self.forget_surplus_mail();
        Ok(Effect::Done)
    }

    /// Closes what nobody took in time, and forgets what was closed long ago.
    pub(super) fn sweep_outbox(&mut self) -> Result<(), Rejection> {
        let at = self.at;
        let ids = |state: &State, is_meant: fn(&QueuedMail, Timestamp) -> bool| -> Vec<MailId> {
            state.outbox.values().filter(|mail| is_meant(mail, at)).map(|mail| mail.id).collect()
        };
        for id in ids(self.state, QueuedMail::is_overdue) {
            self.close_mail(id, MailResult::Expired)?;
        }
        for id in ids(self.state, QueuedMail::is_past) {
            self.forget_mail(id);
        }
        Ok(())
    }

    /// Puts a content that was sealed anew in place of the old one.
    pub(super) fn reseal_mail(&mut self, old: &Sealed, new: &Sealed) -> bool {
        let found = self.state.outbox.values().find(|mail| mail.content() == Some(old)).cloned();
        let Some(mut mail) = found else { return false };
        if let MailState::Waiting { content, .. } = &mut mail.state {
            *content = new.clone();
        }
        self.put_mail(mail);
        true
    }

    fn forget_surplus_mail(&mut self) {
        let surplus = self.state.outbox_count().closed.saturating_sub(QueuedMail::MOST_CLOSED);
        if surplus == 0 {
            return;
        }
        let closed = self.state.outbox.values().filter_map(|mail| Some((mail.closed_at()?, mail.id)));
        let mut oldest: Vec<(Timestamp, MailId)> = closed.collect();
        oldest.sort_unstable();
        for (_, id) in oldest.into_iter().take(surplus) {
            self.forget_mail(id);
        }
    }

    fn forget_mail(&mut self, id: MailId) {
        self.state.outbox.remove(&id);
        self.touch(CellKey::Mail(id));
    }

    fn put_mail(&mut self, mail: QueuedMail) {
        let id = mail.id;
        self.state.outbox.insert(id, mail);
        self.touch(CellKey::Mail(id));
    }
}
