//! The domain's state as the machine that the log drives.
//!
//! One cell of the state is one cell of a snapshot: key and content each in an envelope of the storage codec. The digest
//! of all cells is followed with each change; every member that applied the same entries has the same one. This module
//! holds no rule of the domain.

use crate::integrity::checkpoints::Checkpoints;
use crate::types::{Batch, Outcomes};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_storage::codec::{self, CodecError, Kind};
use passquorum_storage::machine::{Machine, MachineError, Position};
use passquorum_storage::{CellsDigest, digest};
use std::collections::BTreeSet;
use std::sync::Arc;

const KEY: Kind = Kind::new(100, 1);
const CELL: Kind = Kind::new(101, 1);

/// Digests compare only between members that encode keys and cells alike and sum them alike.
pub(crate) const SCHEME: [u16; 3] = [KEY.version, CELL.version, digest::SCHEME];

/// The state, shared with its readers until the next command changes it.
#[derive(Debug, Clone)]
pub struct Replica {
    state: Arc<State>,
    digest: CellsDigest,
    checkpoints: Checkpoints,
}

impl Replica {
    /// The state for reading.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// A state that comes from elsewhere than a log.
    pub(crate) fn holding(state: State) -> Self {
        let mut holding = Self {
            state: Arc::new(state),
            digest: CellsDigest::default(),
            checkpoints: Checkpoints::from_here_on(),
        };
        holding.digest = CellsDigest::of(holding.cells());
        holding
    }

    pub(crate) fn view(&self) -> &State {
        &self.state
    }

    pub(crate) fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
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

fn cell_bytes(state: &State, key: &CellKey) -> Option<Vec<u8>> {
    state.cell(key).map(|cell| encoded(codec::encode(CELL, &cell)))
}

impl Machine for Replica {
    type Command = Batch;
    type Outcome = Outcomes;

    fn empty() -> Self {
        let mut empty = Self {
            state: Arc::new(State::default()),
            digest: CellsDigest::default(),
            checkpoints: Checkpoints::from_the_beginning(),
        };
        empty.digest = CellsDigest::of(empty.cells());
        empty
    }

    fn restore(cells: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, MachineError> {
        let mut state = State::default();
        // There even when nothing was applied yet.
        let mut digest = Self::empty().digest;
        for (key_bytes, bytes) in cells {
            let key: CellKey =
                codec::decode(KEY, &key_bytes).map_err(|e| MachineError(format!("a key: {e}")))?;
            // A key has one form, or a cell could be there twice.
            if encoded(codec::encode(KEY, &key)) != key_bytes {
                return Err(MachineError(format!(
                    "the cell {key:?} is stored under another form of its key"
                )));
            }
            let cell: Cell =
                codec::decode(CELL, &bytes).map_err(|e| MachineError(format!("the cell {key:?}: {e}")))?;
            if let Some(before) = cell_bytes(&state, &key) {
                digest.remove(&key_bytes, &before);
            }
            digest.add(&key_bytes, &bytes);
            state.restore_cell(key, cell).map_err(|e| MachineError(e.to_string()))?;
        }
        Ok(Self { state: Arc::new(state), digest, checkpoints: Checkpoints::from_here_on() })
    }

    fn cells(&self) -> Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)> + Send + '_> {
        let mut keys: Vec<(Vec<u8>, CellKey)> =
            self.state.cell_keys().map(|key| (encoded(codec::encode(KEY, &key)), key)).collect();
        keys.sort();
        Box::new(keys.into_iter().filter_map(|(bytes, key)| Some((bytes, cell_bytes(&self.state, &key)?))))
    }

    fn digest(&self) -> CellsDigest {
        self.digest
    }

    fn format(&self) -> u32 {
        self.state.level().number()
    }

    fn apply(&mut self, position: Position, batch: Batch) -> Outcomes {
        self.checkpoints.reach(position.index, self.digest);
        let before = Arc::clone(&self.state);
        let state = Arc::make_mut(&mut self.state);
        let mut outcomes = Vec::with_capacity(batch.0.len());
        let mut touched = BTreeSet::new();
        for command in batch.0 {
            let applied = state.apply(command);
            outcomes.push(applied.outcome);
            touched.extend(applied.touched);
        }
        for cell_key in touched {
            let key = encoded(codec::encode(KEY, &cell_key));
            if let Some(old) = cell_bytes(&before, &cell_key) {
                self.digest.remove(&key, &old);
            }
            if let Some(new) = cell_bytes(state, &cell_key) {
                self.digest.add(&key, &new);
            }
        }
        Outcomes(outcomes)
    }

    fn blank() -> Outcomes {
        Outcomes(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::audit::{Actor, AuditEvent, Site};
    use passquorum_domain::blob::{Blob, Sealed};
    use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
    use passquorum_domain::config::RealmConfig;
    use passquorum_domain::ids::{NodeId, RealmId, RequestId};
    use passquorum_domain::instance::KeyWrap;
    use passquorum_domain::label::{LabelCondition, LabelKey};
    use passquorum_domain::state::Totals;
    use passquorum_domain::time::Timestamp;
    use uuid::Uuid;

    fn command(number: u64, action: Action) -> Command {
        let request = RequestId::Internal(Uuid::from_u128(u128::from(number)));
        // Far enough apart for requests to be forgotten on the way.
        Command { request, at: Timestamp(number * 10_000), actor: Actor::Realm, detail: None, action }
    }

    fn create() -> Action {
        let wrap = KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) };
        let first = NewNode {
            name: "one".into(),
            cluster_address: "localhost:1".into(),
            site_url: "https://localhost".into(),
            wrap_key: [0; 32],
        };
        let sealed = Sealed(Blob::from(&b"sealed"[..]));
        Action::CreateRealm(Box::new(CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: String::new(),
            authority_key: sealed,
            first,
            wrap,
            config: RealmConfig::empty(),
        }))
    }

    fn some_action(number: u64) -> Action {
        let key = LabelKey::parse(&format!("label-{}", number % 5)).unwrap();
        let condition = LabelCondition::Always;
        match number % 4 {
            0 => Action::RemoveLabel { key, condition },
            1 => Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None },
            2 => Action::RemoveNode(NodeId(77)),
            _ => Action::PutLabel { key, value: Blob::from(number.to_string().as_bytes()), condition },
        }
    }

    #[test]
    fn the_digest_is_that_of_the_cells_after_each_entry_and_after_a_restore() {
        let mut replica = Replica::empty();
        assert_eq!(replica.digest(), CellsDigest::of(replica.cells()));
        for index in 1..200 {
            let commands = (0..index % 3 + 1).map(|n| {
                let number = index * 10 + n;
                command(number, if index == 1 { create() } else { some_action(number) })
            });
            replica.apply(Position { term: 1, index }, Batch(commands.collect()));
            assert_eq!(replica.digest(), CellsDigest::of(replica.cells()), "entry {index}");
        }
        let restored = Replica::restore(replica.cells()).unwrap();
        assert_eq!(restored.digest(), replica.digest());
        assert_eq!(restored.state(), replica.state());
    }

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
