//! The audit is a gapless hash chain (DESIGN 4: hash-chained audit window).

use super::Broken;
use passquorum_domain::audit::verify_chain;
use passquorum_domain::state::State;

/// Checks the window of one state.
pub fn check(state: &State) -> Result<(), Broken> {
    verify_chain(state.audit())
        .map_err(|seq| Broken::new("audit-chain", format!("record {seq} does not follow")))
}
