//! Seeds with people in them, each in a process of its own: a few are clean, one is the same each time, and the bugs that
//! only people bring to light are caught.

use passquorum_simulation::runner::Line;
use std::process::Command;

fn run(seed: u64, plant: Option<&str>) -> Line {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
    command.args(["--json", "--seed", &seed.to_string()]);
    command.args(plant.map(|name| ["--plant", name]).into_iter().flatten());
    let output = command.output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(line.trim()).unwrap_or_else(|error| panic!("seed {seed} said {line:?}: {error}"))
}

/// The seed within these that catches the bug, and by which property.
fn caught(plant: &str, within: u64) -> Option<(u64, String)> {
    (0..within).find_map(|seed| run(seed, Some(plant)).broken.map(|(invariant, _)| (seed, invariant)))
}

#[test]
fn a_few_seeds_with_people_are_clean() {
    for seed in [0, 3, 6, 9, 12] {
        assert_eq!(run(seed, None).broken, None, "seed {seed}");
    }
}

#[test]
fn a_seed_with_people_is_the_same_each_time() {
    assert_eq!(run(3, None), run(3, None));
}

#[test]
fn an_attempt_that_is_counted_too_late_is_caught() {
    assert_eq!(caught("count-after-check", 10).map(|(_, by)| by), Some("guesses-bounded".to_owned()));
}

#[test]
fn a_reset_that_goes_by_the_name_is_caught() {
    assert_eq!(caught("reset-by-name", 120).map(|(_, by)| by), Some("reset-of-the-proved".to_owned()));
}

#[test]
fn a_ticket_that_is_used_again_is_caught() {
    // By the people's tickets or by the clerks', whichever comes first.
    assert!(caught("replay-ticket", 10).is_some());
}
