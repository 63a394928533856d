//! The domain's state as the machine that the log drives.
//!
//! One cell of the state is one cell on disk: key and content each in an envelope of the storage codec. This module
//! holds no rule of the domain.

use crate::types::{Batch, Outcomes};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_storage::codec::{self, CodecError, Kind};
use passquorum_storage::machine::{CellChange, Machine, MachineError, Position};
use std::collections::BTreeSet;
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
            let bytes = key;
            let key: CellKey = codec::decode(KEY, &bytes).map_err(|e| MachineError(format!("a key: {e}")))?;
            // A key has one form, or a cell could be there twice.
            if encoded(codec::encode(KEY, &key)) != bytes {
                return Err(MachineError(format!(
                    "the cell {key:?} is stored under another form of its key"
                )));
            }
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

    fn apply(&mut self, _position: Position, batch: Batch) -> (Outcomes, Vec<CellChange>) {
        let state = Arc::make_mut(&mut self.0);
        let mut outcomes = Vec::with_capacity(batch.0.len());
        let mut touched = BTreeSet::new();
        for command in batch.0 {
            let applied = state.apply(command);
            outcomes.push(applied.outcome);
            touched.extend(applied.touched);
        }
        let changes = touched.iter().map(|key| CellChange {
            key: encoded(codec::encode(KEY, key)),
            value: state.cell(key).map(|cell| encoded(codec::encode(CELL, &cell))),
        });
        (Outcomes(outcomes), changes.collect())
    }

    fn blank() -> Outcomes {
        Outcomes(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::state::Totals;

    #[test]
    fn a_key_in_another_form_than_its_own_is_no_state() {
        // bincode reads a number in a longer form too: 251 says that two bytes follow.
        let longer = codec::encode(KEY, &(251_u8, 2_u8, 0_u8)).unwrap();
        assert_eq!(codec::decode::<CellKey>(KEY, &longer), Ok(CellKey::Totals), "else this tests nothing");
        let cell = codec::encode(CELL, &Cell::Totals(Totals::default())).unwrap();
        let own = codec::encode(KEY, &CellKey::Totals).unwrap();
        assert!(Replica::restore([(own, cell.clone())].into_iter()).is_ok());
        assert!(Replica::restore([(longer, cell)].into_iter()).is_err());
    }
}
