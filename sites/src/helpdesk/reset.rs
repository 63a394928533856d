//! *Reset password*: one that the operator types, or one that is made and shown once. The rules and the domain's history hold
//! as they do for the person; whoever may use the Admin or the Helpdesk site is not helped with that.

use super::deeds::{Known, done, under_ticket};
use super::desk::{Desk, Said};
use super::standing::Standing;
use crate::activity::new_password;
use crate::extract::Form;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::text;
use crate::view::Problems;
use crate::workflow::TicketEnd;
use axum::response::Response;
use passquorum_domain::helpdesk::{HelpdeskTask, MustChange};
use passquorum_domain::made_password::{self, RANDOM};
use passquorum_domain::mail::MailTemplate;
use passquorum_domain::ports::{DirectoryReason, ResetOptions};
use passquorum_domain::secret::Password;
use passquorum_domain::ticket::TicketKind;
use zeroize::Zeroizing;

/// How often one is drawn: one that happens to hold the person's name is drawn anew.
const DRAWS: usize = 20;

/// Sets a new password for the person whom the operator saw.
pub(super) async fn reset(desk: Desk, form: Form) -> Result<Response, Failure> {
    let user = desk.helped(&form, HelpdeskTask::ResetPassword).await?;
    let makes = form.text("how") == Some("made");
    let mut problems = Problems::default();
    let new = if makes {
        made(&desk.app.ports, &user).or_else(|| {
            problems.add("", text::NO_PASSWORD_CAN_BE_MADE);
            None
        })
    } else {
        typed(&form, &user, &mut problems)
    };
    let Some(new) = new else { return desk.page(user, Said::wrong(problems)) };
    let must_change = match user.policy.helpdesk.must_change {
        MustChange::Always => true,
        MustChange::OperatorChooses => form.text("must-change") == Some("on"),
    };
    // The domain's lock is a task of its own.
    let options = ResetOptions { unlock: false, must_change };
    let who = user.record.user.clone();
    let directory = desk.app.ports.directories.open(who.connection).await?;
    let shown = makes.then(|| Zeroizing::new(new.expose().to_owned()));
    let known = Known {
        kind: TicketKind::Reset,
        task: "Helpdesk: reset password",
        mail: MailTemplate::HelpdeskReset,
    };
    let work = async move { directory.reset_password(&who, &new, options).await };
    let notice = match under_ticket(&desk, &form, &user, known, work).await? {
        TicketEnd::Refused(error) if error.reason == DirectoryReason::PasswordPolicy => {
            problems.add(if makes { "" } else { "new" }, text::DOMAIN_REFUSES_PASSWORD);
            return desk.page(desk.seen_again(&form, user).await, Said::wrong(problems));
        }
        // Nobody else knows it, and it may be the one that holds now.
        TicketEnd::Unknown if makes => Key("reset-unknown"),
        end => {
            done(end)?;
            if must_change { Key("reset-done-must-change") } else { Key("reset-done") }
        }
    };
    desk.page(desk.seen_again(&form, user).await, Said { password: shown, ..Said::good(notice) })
}

fn typed(form: &Form, user: &Standing, problems: &mut Problems) -> Option<Password> {
    let new = new_password::chosen(form, problems)?;
    new_password::meets(&user.rules, &new, &user.owner, problems).then_some(new)
}

fn made(ports: &Ports, user: &Standing) -> Option<Password> {
    let mut random = Zeroizing::new([0; RANDOM]);
    (0..DRAWS).find_map(|_| {
        ports.entropy.fill(&mut *random);
        made_password::made_of(&random, &user.rules, &user.owner)
    })
}
