//! Labels.

use super::Change;
use crate::audit::AuditEvent;
use crate::blob::Blob;
use crate::label::{Label, LabelCondition, LabelKey};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::CellKey;

impl Change<'_> {
    pub(super) fn put_label(&mut self, key: LabelKey, value: Blob, condition: LabelCondition) -> Outcome {
        if value.as_bytes().len() > Label::MAX {
            return Err(Rejection::TooLarge);
        }
        self.check(&key, condition)?;
        let revision = self.state.totals.label_revision.saturating_add(1);
        self.state.totals.label_revision = revision;
        self.state.labels.insert(key.clone(), Label { revision, value });
        self.touch(CellKey::Label(key.clone()));
        self.audit(AuditEvent::LabelWritten(key, revision), None);
        Ok(Effect::Label(revision))
    }

    pub(super) fn remove_label(&mut self, key: LabelKey, condition: LabelCondition) -> Outcome {
        self.check(&key, condition)?;
        self.state.labels.remove(&key).ok_or(Rejection::NotFound)?;
        // A removal moves the revision on too, so that no later value can carry one that was seen before.
        let revision = self.state.totals.label_revision.saturating_add(1);
        self.state.totals.label_revision = revision;
        self.touch(CellKey::Label(key.clone()));
        self.audit(AuditEvent::LabelRemoved(key), None);
        Ok(Effect::Label(revision))
    }

    fn check(&self, key: &LabelKey, condition: LabelCondition) -> Result<(), Rejection> {
        let present = self.state.labels.get(key);
        if condition.holds(present) {
            Ok(())
        } else {
            Err(Rejection::ConditionFailed { current: present.map(|label| label.revision) })
        }
    }
}
