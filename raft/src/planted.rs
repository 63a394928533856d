//! Bugs of the cluster that the simulation has to catch. Only the simulation turns the feature on; without
//! it every question is answered "no" at compile time.

/// A bug on purpose.
#[cfg_attr(not(feature = "planted"), allow(dead_code, unreachable_pub, reason = "in use with the feature"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A leader answers reads without asking a quorum whether it still leads.
    ReadWithoutReadIndex,
    /// Nobody looks at a learner's role when it asks for something: it is served as a voter is.
    IgnoreLearnerRole,
    /// The leader gives a vote to every member that has caught up, whatever its role.
    PromoteLearner,
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
