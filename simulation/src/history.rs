//! What clients asked of the labels and were told: one JSON object per operation, in any order. The simulation and the
//! harness with real processes both write it, and one checker judges it. It knows nothing of how a cluster works.

use serde::{Deserialize, Deserializer, Serialize};
use std::io::BufRead;

/// One operation of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Who asked.
    pub client: u32,
    /// When it was asked, in microseconds on the one clock of the history.
    pub invoked: u64,
    /// When the answer came; none when the outcome is unknown: it may take effect at any later time, or never.
    pub returned: Option<u64>,
    /// What was asked.
    pub op: Op,
    /// What was answered; none when the outcome is unknown.
    pub result: Option<Answer>,
}

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Write a value.
    Put {
        /// The label.
        key: String,
        /// Its new value.
        value: String,
        /// When it is to happen.
        #[serde(rename = "if")]
        condition: Condition,
    },
    /// Read the label, linearizably.
    Get {
        /// The label.
        key: String,
    },
    /// Remove the label.
    Delete {
        /// The label.
        key: String,
        /// When it is to happen.
        #[serde(rename = "if")]
        condition: Condition,
    },
}

impl Op {
    /// The label that it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Get { key } | Self::Delete { key, .. } => key,
        }
    }
}

/// When a write is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Always.
    Always,
    /// Only when the label is absent.
    Absent,
    /// Only when the label has this revision.
    Revision(u64),
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// To a put.
    Put(Written),
    /// To a get: what is there.
    Get {
        /// The value, if the label is there.
        value: Option<String>,
        /// The revision that wrote it.
        revision: Option<u64>,
    },
    /// To a delete.
    Delete(Deleted),
    /// It is certain that nothing happened.
    NothingDone,
}

/// How a put ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Written {
    /// The value was written.
    Ok {
        /// The label's revision now.
        revision: u64,
    },
    /// The condition does not hold.
    Refused(Present),
}

/// How a delete ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deleted {
    /// The label was removed.
    Ok(()),
    /// The condition does not hold, or there is no such label.
    Refused(Present),
}

/// What a refusal tells of the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Present {
    /// The revision now, none inside for an absent label; not told at all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub revision: Option<Option<u64>>,
}

fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("the history cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is not an operation.
    #[error("line {line} is not an operation: {source}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An operation contradicts itself.
    #[error("line {line}: {what}")]
    Senseless {
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads a history of one operation a line; empty lines are skipped.
pub fn read(from: impl BufRead) -> Result<Vec<Operation>, HistoryError> {
    let mut operations = Vec::new();
    for (index, text) in from.lines().enumerate() {
        let text = text?;
        if text.trim().is_empty() {
            continue;
        }
        let line = index + 1;
        let operation: Operation =
            serde_json::from_str(&text).map_err(|source| HistoryError::Line { line, source })?;
        check(&operation).map_err(|what| HistoryError::Senseless { line, what })?;
        operations.push(operation);
    }
    Ok(operations)
}

/// One operation as a line of a history, without the line's end.
pub fn line(operation: &Operation) -> String {
    // Strings, numbers and named variants always have a form in JSON.
    serde_json::to_string(operation).unwrap_or_default()
}

fn check(operation: &Operation) -> Result<(), &'static str> {
    if operation.returned.is_some_and(|returned| returned < operation.invoked) {
        return Err("it returned before it was invoked");
    }
    if operation.returned.is_some() != operation.result.is_some() {
        return Err("\"returned\" and \"result\" are both given, or both null");
    }
    match (&operation.op, &operation.result) {
        (_, None | Some(Answer::NothingDone))
        | (Op::Put { .. }, Some(Answer::Put(_)))
        | (Op::Delete { .. }, Some(Answer::Delete(_))) => Ok(()),
        (Op::Get { .. }, Some(Answer::Get { value, revision })) => {
            let both = value.is_some() == revision.is_some();
            if both { Ok(()) } else { Err("a get answers a value and its revision, or neither") }
        }
        _ => Err("the result is of another kind of operation"),
    }
}
