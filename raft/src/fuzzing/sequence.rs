//! Commands in sequence, applied to the state and to the cells that storage would keep of it.

use super::parts;
use crate::state_machine::Replica;
use crate::types::Batch;
use crate::wire::Message;
use passquorum_domain::audit::verify_chain;
use passquorum_domain::command::Command;
use passquorum_storage::machine::{Machine, Position};
use std::collections::BTreeMap;

/// Parts of an input, each a command's payload; those that are none are left out. Whatever the cells hold is the
/// state, the audit stays a chain, and the same commands give the same.
pub fn commands(data: &[u8]) {
    let commands: Vec<Command> =
        parts(data).filter_map(|part| Command::decode(&super::enveloped(Command::KIND, part)).ok()).collect();
    let (replica, kept) = applied(&commands);
    assert_eq!(kept, replica.cells().collect(), "a change was not named as touched");
    let restored = Replica::restore(kept.clone().into_iter()).expect("a state's own cells restore it");
    assert_eq!(restored.state(), replica.state());
    assert_eq!(verify_chain(replica.view().audit()), Ok(()));
    assert_eq!(applied(&commands).1, kept);
}

fn applied(commands: &[Command]) -> (Replica, BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut replica = Replica::empty();
    let mut kept: BTreeMap<Vec<u8>, Vec<u8>> = replica.cells().collect();
    for (index, command) in (1..).zip(commands) {
        let batch = Batch(vec![command.clone()]);
        let (outcomes, changes) = replica.apply(Position { term: 1, index }, batch);
        assert_eq!(outcomes.0.len(), 1);
        for change in changes {
            match change.value {
                Some(value) => drop(kept.insert(change.key, value)),
                None => drop(kept.remove(&change.key)),
            }
        }
    }
    (replica, kept)
}
