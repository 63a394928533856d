//! A user's password, lock or profile changes only at the wish of who has shown that user's own secrets, whatever the
//! user is called by then (DESIGN.md, section 1: never the wrong object).

use super::Broken;
use crate::ledger::{Evidence, Fact};

/// Checks a run.
pub fn check(evidence: &Evidence) -> Result<(), Broken> {
    for (_, sent, guid, change) in evidence.changes() {
        let mut wished = evidence.facts.iter().take(sent).filter_map(|fact| match fact {
            Fact::Asked(run, wish) if change.fulfils(wish) => Some(*run),
            _ => None,
        });
        if !wished.any(|run| evidence.had_proved(run, guid, sent)) {
            let what = format!("{change:?} of {guid}, which nobody who had proved to be that user asked for");
            return Err(Broken::new("reset-of-the-proved", what));
        }
    }
    Ok(())
}
