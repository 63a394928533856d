//! What clients asked of the labels and were told, in the form that `simulate check` reads: one JSON object a line.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::rig::RigError;

/// One operation of one client. Times are microseconds since the start of the trial.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    /// Who asked.
    pub client: u32,
    /// When it was first sent.
    pub invoked: u64,
    /// When the answer came, which may be that to a repetition; none when the outcome is unknown.
    pub returned: Option<u64>,
    /// What was asked.
    pub op: Op,
    /// What was answered.
    pub result: Option<Answer>,
}

/// What is asked of one label.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Write a value.
    Put {
        /// The label.
        key: String,
        /// Its new value, which no other write has.
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
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Get { key } | Self::Delete { key, .. } => key,
        }
    }
}

/// When a write is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// The label was removed.
    Ok(()),
    /// The condition does not hold, or there is no such label.
    Refused(Present),
}

/// What a refusal tells of the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Present {
    /// The revision now; none for an absent label.
    pub revision: Option<u64>,
}

impl Operation {
    /// Whether it is a write that was acknowledged.
    pub fn is_acknowledged(&self) -> bool {
        matches!(self.result, Some(Answer::Put(Written::Ok { .. }) | Answer::Delete(Deleted::Ok(()))))
    }
}

/// The figures of a history that a report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// All operations.
    pub operations: usize,
    /// Writes whose outcome stayed unknown.
    pub unknown: usize,
    /// Operations that the system refused to do, saying that it did nothing.
    pub refused: usize,
    /// The longest time without an acknowledged write, from the start to `end`.
    pub max_gap: Duration,
}

/// Counts a history that ended at `end`.
pub fn figures(history: &[Operation], end: Duration) -> Figures {
    let writes = history.iter().filter(|operation| operation.is_acknowledged());
    let mut times: Vec<u64> = writes.filter_map(|operation| operation.returned).collect();
    times.push(u64::try_from(end.as_micros()).unwrap_or(u64::MAX));
    times.sort_unstable();
    let starts = std::iter::once(&0).chain(&times);
    let longest = starts.zip(&times).map(|(from, to)| to - from).max().unwrap_or(0);
    Figures {
        operations: history.len(),
        unknown: history.iter().filter(|operation| operation.result.is_none()).count(),
        refused: history.iter().filter(|operation| operation.result == Some(Answer::NothingDone)).count(),
        max_gap: Duration::from_micros(longest),
    }
}

/// Writes a history.
///
/// # Errors
/// [`RigError::Io`] when the file cannot be written.
pub fn write(history: &[Operation], file: &Path) -> Result<(), RigError> {
    let what = file.display().to_string();
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).map_err(RigError::io(&what))?);
    for operation in history {
        let line = serde_json::to_string(operation)
            .map_err(|error| RigError::Contract { who: "the history", answer: error.to_string() })?;
        writeln!(out, "{line}").map_err(RigError::io(&what))?;
    }
    out.flush().map_err(RigError::io(&what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(returned: Option<u64>, result: Option<Answer>) -> Operation {
        let op = Op::Put { key: "k".into(), value: "v".into(), condition: Condition::Absent };
        Operation { client: 3, invoked: 5, returned, op, result }
    }

    #[test]
    fn an_operation_is_written_as_the_checker_reads_it() {
        let ok = put(Some(9), Some(Answer::Put(Written::Ok { revision: 4 })));
        assert_eq!(
            serde_json::to_string(&ok).unwrap(),
            r#"{"client":3,"invoked":5,"returned":9,"op":{"put":{"key":"k","value":"v","if":"absent"}},"result":{"put":{"ok":{"revision":4}}}}"#
        );
        let unknown = Operation {
            op: Op::Delete { key: "k".into(), condition: Condition::Revision(7) },
            ..put(None, None)
        };
        assert_eq!(
            serde_json::to_string(&unknown).unwrap(),
            r#"{"client":3,"invoked":5,"returned":null,"op":{"delete":{"key":"k","if":{"revision":7}}},"result":null}"#
        );
        for (answer, text) in [
            (Answer::Delete(Deleted::Ok(())), r#"{"delete":{"ok":null}}"#),
            (
                Answer::Put(Written::Refused(Present { revision: None })),
                r#"{"put":{"refused":{"revision":null}}}"#,
            ),
            (Answer::Get { value: None, revision: None }, r#"{"get":{"value":null,"revision":null}}"#),
            (Answer::NothingDone, r#""nothing_done""#),
        ] {
            assert_eq!(serde_json::to_string(&answer).unwrap(), text);
        }
    }

    #[test]
    fn the_longest_gap_counts_from_the_start_to_the_end_and_only_acknowledged_writes() {
        let ok = || Some(Answer::Put(Written::Ok { revision: 1 }));
        let history = [
            put(Some(50), ok()),
            put(Some(20), ok()),
            put(Some(90), Some(Answer::NothingDone)),
            put(None, None),
        ];
        let counted = figures(&history, Duration::from_micros(85));
        assert_eq!(counted.max_gap, Duration::from_micros(35));
        assert_eq!((counted.operations, counted.unknown, counted.refused), (4, 1, 1));
    }
}
