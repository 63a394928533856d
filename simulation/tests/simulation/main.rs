//! A bounded set of seeds on every change; that a run is the same each time; and that every planted bug is caught.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at once when something is not as it was made"
)]

mod checker;
mod directory;
mod people;
mod seeds;

use passquorum_simulation::domain_run::world;

#[test]
fn sixty_seeds_of_the_domain_alone_are_clean() {
    for seed in 0..60 {
        let report = world::run(seed, 300);
        assert!(report.is_ok(), "seed {seed}: {report:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_of_the_domain() {
    assert_eq!(world::run(7, 300).unwrap(), world::run(7, 300).unwrap());
}
