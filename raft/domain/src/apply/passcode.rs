//! Passcodes: assigned by the helpdesk, spent once.

use super::Change;
use crate::audit::AuditEvent;
use crate::ids::KeyedHash;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::passcode::Passcode;
use crate::state::CellKey;
use crate::time::Span;

impl Change<'_> {
    /// Puts a passcode in place of any that the person had.
    pub(super) fn assign_passcode(&mut self, subject: KeyedHash, secret: KeyedHash, life: Span) -> Outcome {
        let until = self.at.plus(life.min(Passcode::MOST_LIFE));
        self.state.passcodes.insert(subject, Passcode { secret, until });
        self.touch(CellKey::Passcode(subject));
        self.audit(AuditEvent::PasscodeAssigned { until }, Some(subject));
        Ok(Effect::Done)
    }

    /// Takes the passcode away if this is it. A wrong one leaves it: attempts are counted before.
    pub(super) fn spend_passcode(&mut self, subject: KeyedHash, secret: KeyedHash) -> Outcome {
        let right = self.state.passcodes.get(&subject).is_some_and(|passcode| passcode.is(&secret, self.at));
        if !right {
            return Err(Rejection::TokenInvalid);
        }
        self.state.passcodes.remove(&subject);
        self.touch(CellKey::Passcode(subject));
        self.audit(AuditEvent::PasscodeSpent, Some(subject));
        Ok(Effect::Done)
    }

    pub(super) fn forget_passcodes(&mut self) {
        let at = self.at;
        let over = self.state.passcodes.iter().filter(|(_, passcode)| at >= passcode.until);
        for subject in over.map(|(subject, _)| *subject).collect::<Vec<_>>() {
            self.state.passcodes.remove(&subject);
            self.touch(CellKey::Passcode(subject));
        }
    }
}
