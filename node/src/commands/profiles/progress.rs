//! The progress of a task as the node tells it, line by line, and as a bar on a terminal.

use crate::commands::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{IsTerminal as _, Write as _, stderr};

/// Places of the bar.
const WIDTH: u64 = 30;
/// The longest line that a node writes.
const LONGEST: usize = 4 * 1024 * 1024;

/// How a task stands.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Progress {
    of: Option<u64>,
    pub(super) seen: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    pub(super) failed: u64,
    #[serde(default)]
    pub(super) problems: Vec<UserProblem>,
    done: bool,
}

/// What was wrong with one person's.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserProblem {
    pub(super) user: String,
    pub(super) code: String,
    pub(super) why: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line<T> {
    Broken { problem: Problem },
    Word(T),
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    remedy: String,
}

/// Lines that come in pieces.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// What is complete now.
    pub(super) fn take<T: DeserializeOwned>(&mut self, piece: &[u8]) -> Result<Vec<T>, Failure> {
        self.0.extend_from_slice(piece);
        let mut taken = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            match serde_json::from_slice(&line)? {
                Line::Word(word) => taken.push(word),
                Line::Broken { problem: Problem { code, detail, remedy } } => {
                    let message = format!(
                        "{code}: {detail}\n{remedy}\nWhat was done stays done; run the command again to go on."
                    );
                    return Err(Failure::not_now(message));
                }
            }
        }
        if self.0.len() > LONGEST {
            return Err(Failure::failed("the node's answer has no lines"));
        }
        Ok(taken)
    }
}

/// The bar, over all parts of a task.
pub(super) struct Bar {
    of: Option<u64>,
    before: Progress,
    total: Progress,
    drawn: bool,
}

impl Bar {
    pub(super) fn new(of: Option<u64>) -> Self {
        let before = Progress::default();
        Self { of, total: before.clone(), before, drawn: false }
    }

    pub(super) fn total(&self) -> &Progress {
        &self.total
    }

    /// Takes the progress of the present part.
    pub(super) fn show(&mut self, now: Progress) {
        let before = &self.before;
        self.total = Progress {
            of: self.of.or(now.of),
            seen: before.seen + now.seen,
            changed: before.changed + now.changed,
            unchanged: before.unchanged + now.unchanged,
            failed: before.failed + now.failed,
            problems: Vec::new(),
            done: now.done,
        };
        if stderr().is_terminal() {
            // Nobody is left to tell that standard error is closed.
            let _ = write!(stderr(), "\r\x1b[K{}", line(&self.total)).and_then(|()| stderr().flush());
            self.drawn = true;
        }
    }

    /// Makes room for a line of text.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    /// Ends a part; one that has no last word has broken off.
    pub(super) fn end_of_one(&mut self) -> Result<(), Failure> {
        self.clear();
        if !self.total.done {
            return Err(Failure::not_now(
                "the node broke off; what was done stays done; run the command again to go on",
            ));
        }
        self.total.done = false;
        self.before = self.total.clone();
        Ok(())
    }
}

fn line(progress: &Progress) -> String {
    match progress.of.filter(|of| *of > 0) {
        Some(of) => {
            let full = usize::try_from(progress.seen.min(of) * WIDTH / of).unwrap_or(0);
            let empty = WIDTH as usize - full;
            format!("[{}{}] {} of {of}", "#".repeat(full), ".".repeat(empty), progress.seen)
        }
        None => format!("{} so far", progress.seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seen: u64, done: bool) -> String {
        format!(r#"{{"of":4,"seen":{seen},"changed":{seen},"unchanged":0,"failed":0,"done":{done}}}"#)
    }

    #[test]
    fn lines_are_taken_however_they_are_cut() {
        let text = format!("{}\n{}\n", numbers(1, false), numbers(2, true));
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut taken: Vec<Progress> = lines.take(&text.as_bytes()[..cut]).unwrap();
            taken.extend(lines.take(&text.as_bytes()[cut..]).unwrap());
            assert_eq!(taken.iter().map(|progress| progress.seen).collect::<Vec<_>>(), [1, 2]);
        }
    }

    #[test]
    fn a_problem_ends_it_and_says_how_to_go_on() {
        let line = r#"{"problem":{"code":"PQ-NO-QUORUM","detail":"no majority","remedy":"Wait."}}"#;
        let failure = Lines::default().take::<Progress>(format!("{line}\n").as_bytes()).unwrap_err();
        assert_eq!(failure.exit, crate::commands::Exit::NotNow);
        assert!(failure.message.starts_with("PQ-NO-QUORUM: no majority\nWait.\n"), "{}", failure.message);
    }

    #[test]
    fn parts_add_up_and_one_without_a_last_word_has_broken_off() {
        let mut bar = Bar::new(Some(8));
        for done in [true, false] {
            bar.show(serde_json::from_str(&numbers(4, done)).unwrap());
            assert_eq!(bar.end_of_one().is_ok(), done);
        }
        assert_eq!(bar.total().seen, 8);
        assert_eq!(line(bar.total()), "[##############################] 8 of 8");
        let mut bar = Bar::new(Some(8));
        bar.show(serde_json::from_str(&numbers(4, true)).unwrap());
        bar.end_of_one().unwrap();
        assert!(bar.end_of_one().is_err(), "a part that says nothing at all has broken off too");
        assert_eq!(bar.total().seen, 4);
    }
}
