//! Says that a limit refused something: counted always, in the log now and then.

use passquorum_domain::limit::{Limit, Refusals};

/// Counts one refusal, and tells the log when it is time to.
pub fn refuse(refusals: &Refusals, limit: Limit) {
    if let Some(times) = refusals.note(limit) {
        tracing::warn!(%limit, times, "a limit was reached, and what came over it was refused");
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use passquorum_domain::ports::Clock;
    use passquorum_domain::time::Timestamp;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A clock that stands still until it is set, in milliseconds.
    #[derive(Default)]
    pub(crate) struct Hand(pub(crate) AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }
}
