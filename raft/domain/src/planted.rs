//! Bugs of the domain that the simulation has to catch. Only the simulation turns the feature on; without
//! it every question is answered "no" at compile time.

/// A bug on purpose.
#[cfg_attr(not(feature = "planted"), allow(dead_code, unreachable_pub, reason = "in use with the feature"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A command takes effect at the time when it is applied, not at its own.
    ApplyReadsClock,
    /// A repeated request is applied again.
    NoRequestDedup,
    /// A closed ticket can be opened again.
    ReplayTicket,
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
mod clock {
    use crate::time::Timestamp;
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<Timestamp> = const { Cell::new(Timestamp(0)) };
    }

    /// Sets the clock that [`Plant::ApplyReadsClock`](super::Plant::ApplyReadsClock) reads.
    pub fn set_clock(now: Timestamp) {
        NOW.set(now);
    }

    pub(crate) fn clock() -> Timestamp {
        NOW.get()
    }
}

#[cfg(feature = "planted")]
pub(crate) use clock::clock;
#[cfg(feature = "planted")]
pub use clock::set_clock;

#[cfg(feature = "planted")]
pub use place::{on, set};

/// Whether a bug is planted: never.
#[cfg(not(feature = "planted"))]
#[must_use]
pub(crate) const fn on(_plant: Plant) -> bool {
    false
}
