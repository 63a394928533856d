//! Revisions of labels are the realm's: each is given once, and a write gets a higher one than any that somebody was
//! told before the write began. The search over single labels cannot see this.

use crate::history::{Answer, Deleted, Op, Operation, Present, Written};
use std::collections::BTreeMap;

/// A revision that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("revision {revision}: {what}")]
pub struct Impossible {
    /// The revision.
    pub revision: u64,
    /// What is wrong with it.
    pub what: String,
    /// The operations that show it, as positions in the history.
    pub shown_by: Vec<usize>,
}

/// Judges the revisions of a whole history.
pub fn check(history: &[Operation]) -> Result<(), Impossible> {
    one_label_each(history)?;
    grow_in_time(history)
}

fn one_label_each(history: &[Operation]) -> Result<(), Impossible> {
    let mut written: BTreeMap<u64, (usize, &str, Option<&str>)> = BTreeMap::new();
    for (position, operation) in history.iter().enumerate() {
        let Some(revision) = told(operation) else { continue };
        let (key, value) = (operation.op.key(), value(operation));
        let (first, its_key, its_value) = written.entry(revision).or_insert((position, key, value));
        let same_value = its_value.is_none() || value.is_none() || *its_value == value;
        if *its_key != key || !same_value {
            let what = format!("given to {its_key:?} with {its_value:?} and to {key:?} with {value:?}");
            return Err(Impossible { revision, what, shown_by: vec![*first, position] });
        }
        *its_value = its_value.or(value);
    }
    Ok(())
}

fn grow_in_time(history: &[Operation]) -> Result<(), Impossible> {
    let mut answers: Vec<(u64, u64, usize)> = Vec::new();
    let mut writes: Vec<(u64, u64, usize)> = Vec::new();
    for (position, operation) in history.iter().enumerate() {
        if let (Some(returned), Some(revision)) = (operation.returned, told(operation)) {
            answers.push((returned, revision, position));
        }
        if let Some(Answer::Put(Written::Ok { revision })) = operation.result {
            writes.push((operation.invoked, revision, position));
        }
    }
    answers.sort_unstable();
    writes.sort_unstable();
    let mut answers = answers.into_iter().peekable();
    let mut highest: Option<(u64, usize)> = None;
    for (invoked, revision, position) in writes {
        while let Some((_, told, by)) = answers.next_if(|(returned, ..)| *returned < invoked) {
            highest = highest.max(Some((told, by)));
        }
        if let Some((told, by)) = highest.filter(|(told, _)| *told >= revision) {
            let what = format!("written after somebody was told of revision {told}");
            return Err(Impossible { revision, what, shown_by: vec![by, position] });
        }
    }
    Ok(())
}

/// The revision that an answer names.
fn told(operation: &Operation) -> Option<u64> {
    match operation.result.as_ref()? {
        Answer::Put(Written::Ok { revision }) => Some(*revision),
        Answer::Put(Written::Refused(Present { revision }))
        | Answer::Delete(Deleted::Refused(Present { revision })) => revision.flatten(),
        Answer::Get { revision, .. } => *revision,
        Answer::Delete(Deleted::Ok(())) | Answer::NothingDone => None,
    }
}

/// The value under the revision that an answer names, when the answer shows it.
fn value(operation: &Operation) -> Option<&str> {
    match (&operation.op, operation.result.as_ref()?) {
        (Op::Put { value, .. }, Answer::Put(Written::Ok { .. })) => Some(value),
        (_, Answer::Get { value, .. }) => value.as_deref(),
        _ => None,
    }
}
