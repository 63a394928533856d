//! The cells written step by step are the cells of the whole state, and give it back (state.rs: a state is fully given
//! by its cells). So storage and snapshots lose nothing.

use crate::domain_run::replica::{Replica, StoreError, all_cells, restore};
use crate::invariant::Broken;

/// Checks one replica.
pub fn check(replica: &Replica) -> Result<Result<(), Broken>, StoreError> {
    let broken = |what: String| Err(Broken::new("cells-are-the-state", what));
    let whole = all_cells(replica.state())?;
    if let Some((key, _)) = whole.iter().find(|(key, cell)| replica.cells().get(*key) != Some(cell)) {
        return Ok(broken(format!("{} was not written", String::from_utf8_lossy(key))));
    }
    if let Some(key) = replica.cells().keys().find(|key| !whole.contains_key(*key)) {
        return Ok(broken(format!("{} was not removed", String::from_utf8_lossy(key))));
    }
    if restore(&whole)? != *replica.state() {
        return Ok(broken("the restored state differs".to_owned()));
    }
    Ok(Ok(()))
}
