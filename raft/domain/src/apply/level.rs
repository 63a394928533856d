//! The rise of the feature level.

use super::Change;
use crate::audit::AuditEvent;
use crate::feature_level::FeatureLevel;
use crate::ids::NodeId;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::CellKey;
use std::collections::BTreeSet;

impl Change<'_> {
    /// Refused in a form of the first level, so that a state that did not rise stays readable to every program.
    pub(super) fn raise_level(&mut self, from: FeatureLevel, to: FeatureLevel, asked: &[NodeId]) -> Outcome {
        let (level, asked) = (self.state.level, asked.iter().copied().collect::<BTreeSet<_>>());
        let all_asked =
            self.state.instances.values().all(|node| node.is_removed() || asked.contains(&node.id));
        if from != level || to != level.next() || !all_asked {
            return Err(Rejection::ConditionFailed { current: Some(level.number().into()) });
        }
        self.state.level = to;
        self.touch(CellKey::Level);
        // Above the first level these are kept in another form.
        self.touch(CellKey::Config);
        for revision in self.state.revisions.keys().copied().collect::<Vec<_>>() {
            self.touch(CellKey::Revision(revision));
        }
        self.audit(AuditEvent::LevelRaised(to), None);
        Ok(Effect::Done)
    }
}
