//! Of all edits of one revision of the configuration at most one is accepted, and it makes the next revision (DESIGN 5:
//! compare-and-set on the revision that the editor saw).

use super::Broken;
use passquorum_domain::command::Command;
use passquorum_domain::ids::{RequestId, Revision};
use passquorum_domain::outcome::{Effect, Outcome};
use std::collections::BTreeMap;

/// The edits that were accepted, by the revision they were made on.
#[derive(Default)]
pub struct ConfigLinear(BTreeMap<Revision, RequestId>);

impl ConfigLinear {
    /// Looks at one command and its outcome.
    pub fn observe(&mut self, command: &Command, outcome: &Outcome) -> Result<(), Broken> {
        let (Some(base), Ok(Effect::Config(made))) = (command.action.edited_revision(), outcome) else {
            return Ok(());
        };
        if *made != base.next() {
            let what = format!("an edit of revision {base} made revision {made}");
            return Err(Broken::new("config-linear", what));
        }
        let first = *self.0.entry(base).or_insert(command.request);
        if first == command.request {
            return Ok(());
        }
        Err(Broken::new("config-linear", format!("two edits of revision {base} were accepted")))
    }
}
