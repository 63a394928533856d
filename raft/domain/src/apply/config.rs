//! Configuration changes: compare-and-set on the revision that the editor saw.

use super::Change;
use crate::audit::AuditEvent;
use crate::config::ConfigChange;
use crate::ids::Revision;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::CellKey;
use std::sync::Arc;

impl Change<'_> {
    pub(super) fn change_config(&mut self, base: Revision, change: ConfigChange) -> Outcome {
        let config = self.state.config.as_ref().ok_or(Rejection::NoRealm)?;
        if config.revision != base {
            return Err(Rejection::StaleRevision { current: config.revision });
        }
        let next = config.with(change).map_err(super::invalid)?;
        let revision = next.revision;
        self.state.config = Some(Arc::new(next));
        self.touch(CellKey::Config);
        self.audit(AuditEvent::ConfigChanged(revision), None);
        Ok(Effect::Config(revision))
    }
}
