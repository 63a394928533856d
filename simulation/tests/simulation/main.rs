//! A bounded set of seeds on every change; that a run is the same each time; and that every planted bug is caught.

#[cfg(test)]
mod checker;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod people;
#[cfg(test)]
mod rogue;
#[cfg(test)]
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
