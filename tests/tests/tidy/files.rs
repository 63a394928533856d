//! What a source file must hold and must not, and how it may be called.

use std::path::Path;

use crate::workspace::{Source, packages, root, sources};

const LONGEST: usize = 500;
const LONGEST_MAIN: usize = 60;

/// Names that say nothing of what lives in the file.
const EMPTY_NAMES: [&str; 8] = ["mod", "util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Work left undone. Written in two parts, so that this file does not hold them.
const UNFINISHED: [(&str, &str); 5] =
    [("TO", "DO"), ("FIX", "ME"), ("todo", "!("), ("unimplemented", "!("), ("dbg", "!(")];

/// A test that is switched off, and the one reason for it: it is no test, but what another test starts as a
/// process of its own.
const SWITCHED_OFF: (&str, &str) = (concat!("#[ign", "ore"), concat!("#[ign", "ore = \"the process that "));

/// Paths of one machine or one person.
const MACHINE_PATHS: [(&str, &str); 4] = [("/wo", "rk/"), ("/ro", "ot/"), ("/tm", "p/"), ("/ho", "me/")];

/// Cryptography and TLS other than ring and rustls.
const UNWANTED_CRATES: [&str; 5] = ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls", "openssl"];

fn offenders(what: &str, wrong: impl Fn(&Source) -> bool) {
    let wrong: Vec<_> =
        sources().into_iter().filter(|source| wrong(source)).map(|source| source.path).collect();
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

fn holds(source: &Source, words: &[(&str, &str)]) -> bool {
    words.iter().any(|(one, two)| source.text.contains(&format!("{one}{two}")))
}

#[test]
fn every_rust_file_begins_by_saying_what_it_is_for() {
    offenders("without a //! comment on the first line", |source| {
        source.is_rust() && !source.text.starts_with("//! ")
    });
}

#[test]
fn no_rust_file_is_longer_than_500_lines() {
    offenders("too long", |source| source.is_rust() && source.text.lines().count() > LONGEST);
}

#[test]
fn the_main_file_of_the_node_stays_short() {
    offenders("too long", |source| {
        source.path == "node/src/main.rs" && source.text.lines().count() >= LONGEST_MAIN
    });
}

#[test]
fn a_files_name_says_what_lives_in_it() {
    offenders("with a name that says nothing", |source| {
        let stem = Path::new(&source.path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        source.is_rust() && EMPTY_NAMES.contains(&stem)
    });
}

#[test]
fn nothing_is_left_unfinished() {
    offenders("unfinished", |source| holds(source, &UNFINISHED));
}

#[test]
fn no_test_is_switched_off() {
    let (off, child) = SWITCHED_OFF;
    offenders("with a test that does not run", |source| {
        source.text.matches(off).count() > source.text.matches(child).count()
    });
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    offenders("with a machine's path", |source| holds(source, &MACHINE_PATHS));
}

#[test]
fn only_one_file_of_the_system_tests_sleeps() {
    offenders("sleeping instead of waiting on a condition", |source| {
        source.path.starts_with("tests/")
            && source.path != "tests/src/wait.rs"
            && source.text.contains(concat!("time::", "sleep"))
    });
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() -> std::io::Result<()> {
    for package in packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.name);
    }
    Ok(())
}

#[test]
fn ring_and_rustls_are_the_only_cryptography_that_is_linked() -> std::io::Result<()> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    for name in UNWANTED_CRATES {
        assert!(!lock.contains(&format!("name = \"{name}\"\n")), "{name} is in Cargo.lock");
    }
    Ok(())
}
