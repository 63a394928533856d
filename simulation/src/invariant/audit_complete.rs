//! Every acknowledged write of a label has exactly one record in the audit, and the audit is a gapless chain (DESIGN 4).
//! Looked at in the state that the nodes end with, as long as the window holds everything.

use super::{Broken, audit_chain};
use crate::history::{Answer, Operation, Written};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::state::State;
use std::collections::BTreeMap;

/// Checks the last state against what clients were told.
pub fn check(state: &State, history: &[Operation]) -> Result<(), Broken> {
    audit_chain::check(state)?;
    if state.audit().next().is_none_or(|first| first.seq != 1) {
        return Ok(());
    }
    let mut records: BTreeMap<(&str, u64), u32> = BTreeMap::new();
    for record in state.audit() {
        if let AuditEvent::LabelWritten(key, revision) = &record.event {
            *records.entry((key.as_str(), *revision)).or_default() += 1;
        }
    }
    for operation in history {
        let Some(Answer::Put(Written::Ok { revision })) = operation.result else { continue };
        let key = operation.op.key();
        let found = records.get(&(key, revision)).copied().unwrap_or(0);
        if found != 1 {
            let what = format!("the write of {key:?} as revision {revision} has {found} records");
            return Err(Broken::new("audit-complete", what));
        }
    }
    Ok(())
}
