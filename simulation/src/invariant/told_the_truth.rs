//! Nobody is told "done" unless the directory has made the change, nor "not done" when it has or will: what is not known
//! is told as not known (DESIGN.md, section 1).

use super::Broken;
use crate::ledger::{Evidence, Fact, Told};

/// Checks a run.
pub fn check(evidence: &Evidence) -> Result<(), Broken> {
    for (place, fact) in evidence.facts.iter().enumerate() {
        let Fact::Answered(run, wish, told) = fact else { continue };
        let made = |before: usize| {
            evidence.changes().any(|(at, _, guid, change)| {
                at < before && change.fulfils(wish) && evidence.had_proved(*run, guid, at)
            })
        };
        let broken = |what: &str| {
            let what = format!("run {run} was told {told:?} about {wish:?}, and the directory {what}");
            Err(Broken::new("told-the-truth", what))
        };
        match told {
            Told::Done if !made(place) => return broken("has not made the change"),
            // A form that was sent again may be refused because its first copy was taken; and only a password can be
            // told from another one's.
            Told::Failed(_) if is_told_apart(evidence, fact) && made(usize::MAX) => {
                return broken("has made the change");
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_told_apart(evidence: &Evidence, answered: &Fact) -> bool {
    let Fact::Answered(run, wish @ crate::ledger::Wish::Password(_), _) = answered else { return false };
    let asked = Fact::Asked(*run, wish.clone());
    evidence.facts.iter().filter(|fact| **fact == asked).count() == 1
}
