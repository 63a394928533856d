//! One replica: a state, and its stored cells as they would survive a crash.

use passquorum_domain::command::Command;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::state::{Cell, CellKey, State};
use std::collections::BTreeMap;

/// The cells of a state as bytes.
pub type Cells = BTreeMap<Vec<u8>, Vec<u8>>;

/// Stored data could not be written or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A cell does not encode or decode.
    #[error("a cell does not encode: {0}")]
    Encoding(#[from] serde_json::Error),
    /// A cell does not fit its key.
    #[error(transparent)]
    Mismatch(#[from] passquorum_domain::state::MismatchedCell),
}

/// A replica of the realm.
#[derive(Default)]
pub struct Replica {
    state: State,
    /// Log entries applied.
    applied: usize,
    cells: Cells,
    durable: (usize, Cells),
}

impl Replica {
    /// Log entries applied so far.
    #[must_use]
    pub fn applied(&self) -> usize {
        self.applied
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The cells, as written so far.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Applies the next entry and writes exactly the cells that were touched.
    pub fn apply(&mut self, command: Command) -> Result<Outcome, StoreError> {
        let applied = self.state.apply(command);
        for key in applied.touched {
            let bytes = serde_json::to_vec(&key)?;
            match self.state.cell(&key) {
                Some(cell) => drop(self.cells.insert(bytes, serde_json::to_vec(&cell)?)),
                None => drop(self.cells.remove(&bytes)),
            }
        }
        self.applied += 1;
        Ok(applied.outcome)
    }

    /// Makes what was written durable.
    pub fn flush(&mut self) {
        self.durable = (self.applied, self.cells.clone());
    }

    /// Loses whatever was not durable, and comes back from the rest.
    pub fn crash(&mut self) -> Result<(), StoreError> {
        let (applied, cells) = self.durable.clone();
        self.state = restore(&cells)?;
        self.applied = applied;
        self.cells = cells;
        Ok(())
    }
}

/// A state from its cells.
pub fn restore(cells: &Cells) -> Result<State, StoreError> {
    let mut state = State::default();
    for (key, cell) in cells {
        let key: CellKey = serde_json::from_slice(key)?;
        let cell: Cell = serde_json::from_slice(cell)?;
        state.restore_cell(key, cell)?;
    }
    Ok(state)
}

/// Every cell of a state, written from nothing.
pub fn all_cells(state: &State) -> Result<Cells, StoreError> {
    let mut cells = Cells::new();
    for key in state.cell_keys() {
        if let Some(cell) = state.cell(&key) {
            cells.insert(serde_json::to_vec(&key)?, serde_json::to_vec(&cell)?);
        }
    }
    Ok(cells)
}
