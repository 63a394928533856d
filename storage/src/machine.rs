//! The state machine that the log drives, as storage sees it: commands in, outcomes out.
//!
//! Cells are how the state lies in a snapshot: keys and values of bytes whose meaning only the machine knows.
//! Restoring a machine from its cells gives the same machine, and the same commands in the same order give
//! the same cells on every member.

use openraft::{AppData, AppDataResponse};
use thiserror::Error;

use crate::digest::CellsDigest;

/// Where in the log a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Term in which it was proposed.
    pub term: u64,
    /// Index in the log.
    pub index: u64,
}

/// The cells are no state of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the stored state cannot be restored: {0}")]
pub struct MachineError(pub String);

/// A deterministic state machine. A clone must be cheap: one is made per applied batch, for readers and for
/// snapshots that are built while the original moves on.
pub trait Machine: Clone + Send + Sync + 'static {
    /// What the log carries; see [`crate::RaftConfig`] for why it is cloned.
    type Command: AppData + Clone;
    /// What applying a command gives back.
    type Outcome: AppDataResponse;

    /// The state before the first command.
    fn empty() -> Self;

    /// The state that these cells, in key order, stand for.
    ///
    /// # Errors
    /// A cell is of an unknown version, or the cells do not fit together. The node does not start.
    fn restore(cells: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, MachineError>;

    /// All cells, in key order.
    fn cells(&self) -> Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)> + Send + '_>;

    /// The digest of all cells. A machine that follows it with each change answers without going through them.
    fn digest(&self) -> CellsDigest {
        CellsDigest::of(self.cells())
    }

    /// The version of the forms in it, which older programs than those of this version cannot read. It never falls.
    fn format(&self) -> u32 {
        crate::format::FIRST
    }

    /// Applies one command. Total: a refused command is an outcome.
    fn apply(&mut self, position: Position, command: Self::Command) -> Self::Outcome;

    /// The outcome of an entry without a command: a blank one, or a change of membership.
    fn blank() -> Self::Outcome;
}
