//! The domain's state as the machine that the log drives.
//!
//! One cell of the state is one cell of a snapshot: key and content each in an envelope of the storage codec. This module
//! holds no rule of the domain.

use crate::types::{Batch, Outcomes};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_storage::codec::{self, CodecError, Kind};
use passquorum_storage::machine::{Machine, MachineError, Position};
use std::sync::Arc;

const KEY: Kind = Kind::new(100, 1);
const CELL: Kind = Kind::new(101, 1);

/// The state, shared with its readers until the next command changes it.
#[derive(Debug, Clone)]
pub struct Replica(Arc<State>);

impl Replica {
    /// The state for reading.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.0)
    }

    pub(crate) fn view(&self) -> &State {
        &self.0
    }
}

#[expect(
    clippy::expect_used,
    reason = "keys are a few bytes, and what a command may bring is bounded far below the codec's limit where it is \
              proposed; a cell that is left out would make this node differ from the others"
)]
fn encoded<T>(result: Result<T, CodecError>) -> T {
    result.expect("a cell fits into an envelope")
}

/// Bytes that a value takes as a cell; `None` when it does not fit into one.
pub(crate) fn cell_size(cell: &Cell) -> Option<usize> {
    codec::encode(CELL, cell).ok().map(|bytes| bytes.len())
}

impl Machine for Replica {
    type Command = Batch;
    type Outcome = Outcomes;

    fn empty() -> Self {
        Self(Arc::new(State::default()))
    }

    fn restore(cells: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, MachineError> {
        let mut state = State::default();
        for (key, value) in cells {
            let key: CellKey = codec::decode(KEY, &key).map_err(|e| MachineError(format!("a key: {e}")))?;
            let cell: Cell =
                codec::decode(CELL, &value).map_err(|e| MachineError(format!("the cell {key:?}: {e}")))?;
            state.restore_cell(key, cell).map_err(|e| MachineError(e.to_string()))?;
        }
        Ok(Self(Arc::new(state)))
    }

    fn cells(&self) -> Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)> + Send + '_> {
        let mut keys: Vec<(Vec<u8>, CellKey)> =
            self.0.cell_keys().map(|key| (encoded(codec::encode(KEY, &key)), key)).collect();
        keys.sort();
        Box::new(keys.into_iter().filter_map(|(bytes, key)| {
            let cell = self.0.cell(&key)?;
            Some((bytes, encoded(codec::encode(CELL, &cell))))
        }))
    }

    fn apply(&mut self, _position: Position, batch: Batch) -> Outcomes {
        let state = Arc::make_mut(&mut self.0);
        Outcomes(batch.0.into_iter().map(|command| state.apply(command).outcome).collect())
    }

    fn blank() -> Outcomes {
        Outcomes(Vec::new())
    }
}
