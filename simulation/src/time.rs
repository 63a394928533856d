//! The simulated time, and what each node makes of it: clocks that are off and drift, and randomness from the seed.

use passquorum_domain::ports::{Clock, Entropy};
use passquorum_domain::time::Timestamp;
use rand::rngs::SmallRng;
use rand::{RngCore as _, SeedableRng as _};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// When every run begins, in milliseconds of Unix time.
const EPOCH: u64 = 1_760_000_000_000;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static STAMP: Cell<u64> = const { Cell::new(0) };
}

/// Sets the time of this thread's simulation, before each step of it.
pub(crate) fn set(now: Duration) {
    if now.is_zero() {
        STAMP.set(0);
    }
    NOW.set(now);
    let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    passquorum_domain::planted::set_clock(Timestamp(EPOCH.saturating_add(ms)));
}

/// The time since the simulation began.
pub(crate) fn now() -> Duration {
    NOW.get()
}

/// The time in microseconds, made unique and in the order of the calls: a step's events keep their order.
pub(crate) fn stamp() -> u64 {
    let now = u64::try_from(now().as_micros()).unwrap_or(u64::MAX);
    let stamp = now.max(STAMP.get() + 1);
    STAMP.set(stamp);
    stamp
}

/// A node's clock.
#[derive(Debug, Default)]
pub struct NodeClock {
    offset_ms: AtomicI64,
    /// Microseconds gained in each second.
    drift: AtomicI64,
}

impl NodeClock {
    /// A clock that gains so many microseconds in each second.
    #[must_use]
    pub fn new(drift: i64) -> Self {
        Self { offset_ms: AtomicI64::new(0), drift: AtomicI64::new(drift) }
    }

    /// Sets it so many milliseconds ahead or, below zero, behind.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(now().as_millis()).unwrap_or(i64::MAX);
        let drifted = elapsed.saturating_mul(self.drift.load(Ordering::Relaxed)) / 1_000_000;
        let offset = self.offset_ms.load(Ordering::Relaxed);
        Timestamp(EPOCH.saturating_add_signed(elapsed + drifted + offset))
    }
}

/// The true time, for certificates.
#[derive(Debug)]
pub(crate) struct TrueTime;

impl TimeProvider for TrueTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(EPOCH) + now()))
    }
}

/// Randomness that is the same in each run of a seed.
pub struct SeededEntropy(Mutex<SmallRng>);

impl SeededEntropy {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }
}
