//! Runs of the program: a process for each seed, as always.

use passquorum_simulation::runner::{Case, Line};
use passquorum_simulation::saved;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    let out = env!("CARGO_TARGET_TMPDIR");
    Command::new(env!("CARGO_BIN_EXE_simulate")).args(["--out", out]).args(arguments).output().unwrap()
}

fn line(seed: u64) -> Line {
    let output = simulate(&["--json", "--seed", &seed.to_string()]);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_trace_in_two_processes() {
    for seed in [3, 13] {
        let (first, second) = (line(seed), line(seed));
        assert!(first.operations > 0 && !first.trace.is_empty());
        assert_eq!(first, second);
    }
    assert_ne!(line(3).trace, line(4).trace);
}

#[test]
fn fresh_seeds_are_clean() {
    let output = simulate(&["--seeds", "0..40"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_saved_seed_is_clean() {
    let output = simulate(&["--saved"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let number = saved::cases().unwrap().len();
    assert!(number > 0 && said.contains(&format!("{number} seeds, 0 failed")), "{said}");
}

#[test]
fn a_saved_seed_has_a_reason_and_no_planted_bug() {
    let case = |seed, arguments: &[&str]| Case {
        seed,
        arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
    };
    let text = "# first\n\n7 # a bug\n8 --domain 300 # another\n";
    assert_eq!(saved::read(text), Ok(vec![case(7, &[]), case(8, &["--domain", "300"])]));
    for wrong in
        ["7", "7 #", "seven # a bug", "7 --plant lose-log-tail # a bug", "7 --plant=lose-log-tail # a bug"]
    {
        assert_eq!(
            saved::read(&format!("1 # a bug\n{wrong}\n")).map_err(|error| error.line),
            Err(2),
            "{wrong}"
        );
    }
}

/// Each planted bug with the first seeds that it is looked for in; all are caught well before the last of them.
const PLANTS: [(&str, &str); 11] = [
    ("ack-before-flush", "0..40"),
    ("skip-vote-flush", "0..20"),
    ("lose-log-tail", "0..20"),
    ("mirror-without-fence", "0..40"),
    ("snapshot-without-membership", "0..40"),
    ("apply-reads-clock", "0..5"),
    ("no-request-dedup", "0..20"),
    ("replay-ticket", "0..30"),
    ("read-without-read-index", "0..40"),
    ("ignore-learner-role", "0..20"),
    ("promote-learner", "0..20"),
];

#[test]
fn every_planted_bug_is_caught() {
    for (plant, seeds) in PLANTS {
        let output = simulate(&["--plant", plant, "--seeds", seeds]);
        assert_eq!(output.status.code(), Some(1), "{plant} was not caught in {seeds}");
    }
}
