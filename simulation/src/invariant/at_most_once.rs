//! A repeated request is answered as the first time, or refused as too old to tell; it is never applied again (DESIGN 4:
//! a request id is de-duplicated).

use super::Broken;
use passquorum_domain::outcome::{Outcome, Rejection};

/// Compares the answer to a repetition with the first answer.
pub fn check(position: usize, first: &Outcome, again: &Outcome) -> Result<(), Broken> {
    if again == first || *again == Err(Rejection::TooOld) {
        return Ok(());
    }
    let what = format!("the repetition at entry {position} was answered {again:?}, the first {first:?}");
    Err(Broken::new("at-most-once", what))
}
