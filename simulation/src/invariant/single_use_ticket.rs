//! A ticket is opened once, ever (DESIGN 1.2: replaying a step gives nothing).

use super::Broken;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::TicketId;
use passquorum_domain::outcome::Outcome;
use std::collections::BTreeSet;

/// The tickets that were opened.
#[derive(Default)]
pub struct SingleUse {
    opened: BTreeSet<TicketId>,
}

impl SingleUse {
    /// Looks at one fresh command and its outcome.
    pub fn observe(&mut self, command: &Command, outcome: &Outcome) -> Result<(), Broken> {
        if let (Action::OpenTicket { ticket, .. }, Ok(_)) = (&command.action, outcome)
            && !self.opened.insert(*ticket)
        {
            return Err(Broken::new("single-use-ticket", format!("{ticket} was opened twice")));
        }
        Ok(())
    }
}
