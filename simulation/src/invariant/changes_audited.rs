//! Every change that the directory made stands in the audit, opened as a ticket before it; and no record says that a
//! change was made that was not, or was not made that was (DESIGN.md, section 10: audit completeness).

use super::Broken;
use crate::ledger::Evidence;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::ids::TicketId;
use passquorum_domain::ticket::TicketResult;
use std::collections::{BTreeMap, BTreeSet};

/// Checks a run, given the ticket of each change by where it was sent.
pub fn check(evidence: &Evidence, tickets: &BTreeMap<usize, TicketId>) -> Result<(), Broken> {
    let broken = |what: String| Err(Broken::new("changes-audited", what));
    if evidence.state.audit().next().is_some_and(|first| first.seq > 1) {
        return Ok(());
    }
    let (mut opened, mut closed) = (BTreeSet::new(), BTreeMap::new());
    let subjects: BTreeSet<_> = evidence.subjects.values().copied().collect();
    let of_people =
        evidence.state.audit().filter(|record| record.subject.is_some_and(|s| subjects.contains(&s)));
    for record in of_people {
        match &record.event {
            AuditEvent::TicketOpened(ticket, _) => drop(opened.insert(*ticket)),
            AuditEvent::TicketClosed(ticket, result) => drop(closed.insert(*ticket, result.clone())),
            _ => {}
        }
    }
    let mut made = BTreeSet::new();
    for (_, sent, guid, change) in evidence.changes() {
        let Some(ticket) = tickets.get(&sent) else { continue };
        made.insert(*ticket);
        if !opened.contains(ticket) {
            return broken(format!(
                "{change:?} of {guid} was made, and its ticket {ticket} is not in the audit"
            ));
        }
        if let Some(TicketResult::Failed { code }) = closed.get(ticket) {
            return broken(format!(
                "{change:?} of {guid} was made, and the audit says that it failed: {code}"
            ));
        }
    }
    for (ticket, result) in closed {
        if result == TicketResult::Done && !made.contains(&ticket) {
            return broken(format!(
                "the audit says that ticket {ticket} was done, and the directory has not"
            ));
        }
    }
    Ok(())
}
