//! Commands in sequence, applied to the state.

use super::parts;
use crate::state_machine::Replica;
use crate::types::Batch;
use crate::wire::Message;
use passquorum_domain::audit::verify_chain;
use passquorum_domain::command::Command;
use passquorum_storage::CellsDigest;
use passquorum_storage::machine::{Machine, Position};

/// Parts of an input, each a command's payload; those that are none are left out. The digest that follows each change
/// is that of all cells, the cells restore the state, the audit stays a chain, and the same commands give the same.
pub fn commands(data: &[u8]) {
    let commands: Vec<Command> =
        parts(data).filter_map(|part| Command::decode(&super::enveloped(Command::KIND, part)).ok()).collect();
    let replica = applied(&commands);
    assert_eq!(replica.digest(), CellsDigest::of(replica.cells()), "a change was not named as touched");
    let restored = Replica::restore(replica.cells()).expect("a state's own cells restore it");
    assert_eq!(restored.state(), replica.state());
    assert_eq!(verify_chain(replica.view().audit()), Ok(()));
    assert_eq!(applied(&commands).state(), replica.state());
}

fn applied(commands: &[Command]) -> Replica {
    let mut replica = Replica::empty();
    for (index, command) in (1..).zip(commands) {
        let outcomes = replica.apply(Position { term: 1, index }, Batch(vec![command.clone()]));
        assert_eq!(outcomes.0.len(), 1);
    }
    replica
}
