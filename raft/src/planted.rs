//! Bugs of the cluster that the simulation has to catch. Only the simulation turns the feature on; without
//! it every question is answered "no" at compile time.

/// A bug on purpose.
#[cfg_attr(not(feature = "planted"), allow(dead_code, unreachable_pub, reason = "in use with the feature"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A leader answers reads without asking a quorum whether it still leads.
    ReadWithoutReadIndex,
    /// A learner stands for election, and its peers take it for a voter.
    IgnoreLearnerRole,
    /// A leader gives a node its vote back whose removal was decided.
    VoteForTheLeaving,
}

#[cfg(feature = "planted")]
mod place {
    use super::Plant;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
    }

    /// Plants a bug on this thread, or none.
    pub fn set(plant: Option<Plant>) {
        PLANTED.set(plant);
    }

    /// Whether a bug is planted.
    #[must_use]
    pub fn on(plant: Plant) -> bool {
        PLANTED.get() == Some(plant)
    }
}

#[cfg(feature = "planted")]
pub use place::{on, set};

/// Whether a bug is planted: never.
#[cfg(not(feature = "planted"))]
#[must_use]
pub(crate) const fn on(_plant: Plant) -> bool {
    false
}
