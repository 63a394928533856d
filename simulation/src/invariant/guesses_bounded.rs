//! Over all nodes and crashes, no more wrong answers are looked at than the threshold allows: each is counted in the log
//! before it is checked (DESIGN.md, sections 1 and 5). Locks outlast the run, so that only a right attempt, or the
//! helpdesk, begins the count anew.

use super::Broken;
use crate::ledger::{Evidence, Fact};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::ids::KeyedHash;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Subject {
    wrong: u32,
    forgiven: u32,
}

/// Checks a run.
pub fn check(evidence: &Evidence) -> Result<(), Broken> {
    let mut counted = BTreeSet::new();
    let mut subjects: BTreeMap<KeyedHash, Subject> = BTreeMap::new();
    for fact in &evidence.facts {
        match fact {
            Fact::Counted(_, attempt, _) => drop(counted.insert(*attempt)),
            Fact::Checked(node, attempt, subject, right) => {
                if !counted.contains(attempt) {
                    let what = format!("node {node} checked attempt {attempt}, which was not counted");
                    return Err(Broken::new("guesses-bounded", what));
                }
                let subject = subjects.entry(*subject).or_default();
                *(if *right { &mut subject.forgiven } else { &mut subject.wrong }) += 1;
            }
            Fact::Lifted(subject) => subjects.entry(*subject).or_default().forgiven += 1,
            _ => {}
        }
    }
    let whole = evidence.state.audit().next().is_none_or(|first| first.seq == 1);
    for (hash, Subject { wrong, forgiven }) in subjects {
        let most = evidence.threshold * (1 + forgiven);
        if wrong > most {
            let what = format!("{wrong} wrong answers for {hash:?} were looked at, and {most} are allowed");
            return Err(Broken::new("guesses-bounded", what));
        }
        let is_count = |event: &AuditEvent| matches!(event, AuditEvent::AttemptCounted { .. });
        let in_log = evidence.state.audit_of(hash).filter(|record| is_count(&record.event)).count();
        if whole && in_log < (wrong + forgiven) as usize {
            let what = format!("{in_log} attempts at {hash:?} are in the log, and more were looked at");
            return Err(Broken::new("guesses-bounded", what));
        }
    }
    Ok(())
}
