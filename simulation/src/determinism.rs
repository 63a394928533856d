//! The randomness that no port gives: tokio wakes the waiters of a watch, and chooses between ready branches, by numbers
//! that it takes from the standard library's hash keys, which come from the operating system. Here these come from the
//! seed too.
//!
//! The keys are drawn once for a thread and counted on through a process, so a run has a process of its own, and a
//! thread that is made after the seed was set. The linked override also stops the process's clock: a run needs none.

use mad_turmoil::rand::set_rng;
use rand_for_std::SeedableRng as _;
use rand_for_std::rngs::StdRng;

/// Runs something for which the seed decides everything. Once in a process.
pub fn with_seed<T: Send + 'static>(
    seed: u64,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::thread::Result<T> {
    set_rng(StdRng::seed_from_u64(seed));
    std::thread::spawn(run).join()
}
