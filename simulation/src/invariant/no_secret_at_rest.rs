//! Nothing that a person typed as a secret lies on any node's disk, in log, state or snapshot (DESIGN.md, section 1).

use super::Broken;
use crate::ledger::MARK;
use passquorum_domain::ids::NodeId;
use passquorum_storage::MemoryDisk;

/// Searches a disk for the mark that every typed secret holds.
pub fn check(node: NodeId, disk: &MemoryDisk) -> Result<(), Broken> {
    let wide: Vec<u8> = MARK.bytes().flat_map(|byte| [byte, 0]).collect();
    if disk.holds(MARK.as_bytes()) || disk.holds(&wide) {
        let what = format!("a secret that was typed lies on the disk of node {node}");
        return Err(Broken::new("no-secret-at-rest", what));
    }
    Ok(())
}
