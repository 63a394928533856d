//! A change is sent to the directory only under a ticket that the cluster has opened for that user and that node; each
//! ticket is opened once and allows one change (DESIGN.md, section 5: never retried once sent).

use super::Broken;
use crate::ledger::{Evidence, Fact};
use passquorum_domain::ids::TicketId;
use std::collections::{BTreeMap, BTreeSet};

/// Checks a run; the ticket of each change, by where it was sent.
pub fn check(evidence: &Evidence) -> Result<BTreeMap<usize, TicketId>, Broken> {
    let broken = |what: String| Broken::new("one-change-per-ticket", what);
    let (mut opened, mut open, mut tickets) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for (place, fact) in evidence.facts.iter().enumerate() {
        match fact {
            Fact::Opened(node, ticket, subject, _) => {
                if !opened.insert(*ticket) {
                    return Err(broken(format!("ticket {ticket} was opened twice")));
                }
                open.insert((*node, *subject), *ticket);
            }
            Fact::Sent(node, guid) => {
                let subject = evidence.subjects.get(guid);
                let ticket = subject.and_then(|subject| open.remove(&(*node, *subject)));
                let without = || broken(format!("node {node} changed {guid} without a ticket of its own"));
                tickets.insert(place, ticket.ok_or_else(without)?);
            }
            _ => {}
        }
    }
    Ok(tickets)
}
