//! The documents that a reader looks for at the top of the project, and what the README promises.

use crate::workspace::root;

const DOCUMENTS: [&str; 9] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "ASVS.md",
    "FEATURES.md",
    "BENCHMARKS.md",
    "RELIABILITY.md",
    "LICENSE",
];

#[test]
fn every_document_is_there_and_says_something() {
    let empty = |name: &&str| std::fs::read_to_string(root().join(name)).map_or(0, |text| text.len()) < 200;
    let missing: Vec<_> = DOCUMENTS.into_iter().filter(empty).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn continuous_integration_runs_the_test_command_of_the_readme() -> std::io::Result<()> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let command = readme.lines().map(str::trim).find(|line| line.ends_with("ops/test.sh"));
    assert!(command.is_some(), "README.md has no line with the test command");
    let integration = std::fs::read_to_string(root().join(".ci/run"))?;
    assert!(integration.lines().any(|line| Some(line.trim()) == command), ".ci/run does not run {command:?}");
    Ok(())
}
