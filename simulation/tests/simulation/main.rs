//! A bounded set of seeds on every change, and that a run is the same each time.

mod checker;

use passquorum_simulation::world;

#[test]
fn sixty_seeds_are_clean() {
    for seed in 0..60 {
        let report = world::run(seed, 300);
        assert!(report.is_ok(), "seed {seed}: {report:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(world::run(7, 300).unwrap(), world::run(7, 300).unwrap());
}
