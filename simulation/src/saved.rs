//! The seeds that once found a bug, as the file `seeds.txt` of this crate lists them.

use crate::runner::Case;

const FILE: &str = include_str!("../seeds.txt");

/// A line that names no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the saved seeds: {why}")]
pub struct Unreadable {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The cases of the file.
///
/// # Errors
/// A line is not what it should be.
pub fn cases() -> Result<Vec<Case>, Unreadable> {
    read(FILE)
}

/// Reads cases: on each line a seed, arguments if it needs any, and after a `#` the reason.
///
/// # Errors
/// A line has no seed or no reason, or plants a bug: a saved seed has to be clean.
pub fn read(text: &str) -> Result<Vec<Case>, Unreadable> {
    let mut cases = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let wrong = |why| Unreadable { line, why };
        let (case, reason) = text.split_once('#').unwrap_or((text, ""));
        let mut words = case.split_whitespace();
        let Some(seed) = words.next() else { continue };
        let seed = seed.parse().map_err(|_| wrong("it does not begin with a seed"))?;
        let arguments: Vec<String> = words.map(str::to_owned).collect();
        if arguments.iter().any(|argument| argument.starts_with("--plant")) {
            return Err(wrong("a saved seed has no planted bug"));
        }
        if reason.trim().is_empty() {
            return Err(wrong("it does not say after a # which bug the seed found"));
        }
        cases.push(Case { seed, arguments });
    }
    Ok(cases)
}
