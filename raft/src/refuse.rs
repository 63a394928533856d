//! Says that a limit refused something: counted always, in the log now and then.

use passquorum_domain::limit::{Limit, Refusals};

/// Counts one refusal, and tells the log when it is time to.
pub fn refuse(refusals: &Refusals, limit: Limit) {
    if let Some(times) = refusals.note(limit) {
        tracing::warn!(%limit, times, "a limit was reached, and what came over it was refused");
    }
}
