//! Configuration changes: compare-and-set on the revision that the editor saw. Each revision is kept for a while.

use super::Change;
use crate::audit::AuditEvent;
use crate::config::history::{KeptRevision, Origin, surplus};
use crate::config::{ConfigChange, RealmConfig};
use crate::ids::Revision;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::realm_keys::unopenable;
use crate::state::CellKey;
use std::sync::Arc;

impl Change<'_> {
    pub(super) fn change_config(&mut self, base: Revision, change: ConfigChange) -> Outcome {
        let config = self.state.config.as_ref().ok_or(Rejection::NoRealm)?;
        if config.revision != base {
            return Err(Rejection::StaleRevision { current: config.revision });
        }
        let next = config.with_at(self.state.level, change).map_err(super::invalid)?;
        let unopenable = self.state.keys.as_ref().map(|keys| unopenable(keys, &next)).unwrap_or_default();
        if !unopenable.is_empty() {
            return Err(super::invalid(unopenable));
        }
        let revision = next.revision;
        if !self.state.revisions.contains_key(&base) {
            // A realm from before revisions were kept: nobody knows any more who made this one.
            self.keep(KeptRevision::new(Arc::clone(config), None));
        }
        self.put_in_force(next);
        self.audit(AuditEvent::ConfigChanged(revision), None);
        Ok(Effect::Config(revision))
    }

    /// Puts a configuration in force, and drops what is over the bounds of the history.
    pub(super) fn put_in_force(&mut self, config: RealmConfig) {
        let config = Arc::new(config);
        let origin = Origin { at: self.at, actor: self.actor.clone(), detail: self.detail.clone() };
        self.keep(KeptRevision::new(Arc::clone(&config), Some(origin)));
        self.state.config = Some(config);
        self.touch(CellKey::Config);
        for revision in surplus(&self.state.revisions) {
            self.state.revisions.remove(&revision);
            self.touch(CellKey::Revision(revision));
        }
    }

    fn keep(&mut self, kept: KeptRevision) {
        let revision = kept.config.revision;
        self.state.revisions.insert(revision, kept);
        self.touch(CellKey::Revision(revision));
    }
}
