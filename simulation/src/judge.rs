//! One verdict over a history file, wherever it comes from.

use crate::history::{self, HistoryError, Operation};
use crate::{linearizable, revisions};
use std::io::BufRead;

/// Why a history is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] HistoryError),
    /// No order of its operations explains it.
    #[error(transparent)]
    Order(#[from] linearizable::Verdict),
    /// It tells of a revision that cannot be.
    #[error(transparent)]
    Revisions(#[from] revisions::Impossible),
}

/// What a history holds that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Operations.
    pub operations: usize,
    /// Those of unknown outcome.
    pub unknown: usize,
}

/// Judges a history.
pub fn judge(history: &[Operation]) -> Result<Accepted, Refused> {
    revisions::check(history)?;
    linearizable::check(history)?;
    let unknown = history.iter().filter(|operation| operation.result.is_none()).count();
    Ok(Accepted { operations: history.len(), unknown })
}

/// Reads a history and judges it. When it is refused, the lines of the operations that show why come with the reason.
pub fn judge_file(from: impl BufRead) -> Result<Accepted, (Refused, Vec<String>)> {
    let operations = history::read(from).map_err(|error| (error.into(), Vec::new()))?;
    judge(&operations).map_err(|refused| {
        let shown = refused.shown_by().iter().filter_map(|position| operations.get(*position));
        let lines = shown.map(history::line).collect();
        (refused, lines)
    })
}

impl Refused {
    /// Whether the history was found wrong, not merely unfit to be judged.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        !matches!(self, Self::Unreadable(_) | Self::Order(linearizable::Verdict::Undecided { .. }))
    }

    /// The operations that show why, as positions in the history.
    #[must_use]
    pub fn shown_by(&self) -> &[usize] {
        match self {
            Self::Order(linearizable::Verdict::No { stuck, .. }) => stuck,
            Self::Revisions(impossible) => &impossible.shown_by,
            Self::Unreadable(_) | Self::Order(linearizable::Verdict::Undecided { .. }) => &[],
        }
    }
}
