//! Assigning a passcode: shown once, on the page that answers, and kept nowhere. A new one replaces the one before.

use super::desk::{Desk, Said};
use crate::extract::Form;
use crate::locale::{Key, Message};
use crate::notify;
use crate::page_error::Failure;
use crate::passcodes;
use crate::text;
use axum::response::Response;
use passquorum_domain::command::Action;
use passquorum_domain::helpdesk::HelpdeskTask;
use passquorum_domain::mail::MailTemplate;
use passquorum_domain::passcode::{Passcode, PasscodeText};
use passquorum_domain::time::Span;
use zeroize::Zeroizing;

/// How long a passcode is good for, when the operator says nothing else.
pub(super) const USUAL_HOURS: u64 = 24;

/// A passcode that was just assigned.
pub(super) struct Given {
    pub(super) text: Zeroizing<String>,
    /// Until when it is good.
    pub(super) until: String,
}

fn number(
    form: &Form,
    (field, label): (&str, Key),
    bounds: std::ops::RangeInclusive<u64>,
) -> Result<u64, Failure> {
    let number = form.text(field).and_then(|text| text.trim().parse().ok());
    number.filter(|number| bounds.contains(number)).ok_or_else(|| {
        let (least, most) = (*bounds.start(), *bounds.end());
        let message = Key("number-between").with("field", Message::from(label));
        Failure::bad_input(message.with("least", least).with("most", most))
    })
}

/// Gives the user whom the operator saw a passcode.
pub(super) async fn assign(desk: Desk, form: Form) -> Result<Response, Failure> {
    let length = number(
        &form,
        ("length", Key("passcode-characters")),
        PasscodeText::LEAST as u64..=PasscodeText::MOST as u64,
    )?;
    let most_hours = Passcode::MOST_LIFE.0 / Span::hours(1).0;
    let life = Span::hours(number(&form, ("hours", Key("passcode-hours")), 1..=most_hours)?);
    let user = desk.helped(&form, HelpdeskTask::AssignPasscode).await?;
    if !user.policy.takes_passcodes() {
        return Err(Failure::bad_input(Key("no-passcode-task")));
    }
    let (ports, actor, subject) = (&desk.app.ports, desk.staff.actor(), user.subject);
    let length = usize::try_from(length).map_err(Failure::internal)?;
    let (passcode, secret) = passcodes::fresh(ports, subject, length)?;
    let detail = Some(ports.seal_detail(&desk.note(&user))?);
    let until = ports.now().plus(life);
    ports.commit_with(actor.clone(), Action::AssignPasscode { subject, secret, life }, detail).await?;
    let whom = (&user.record, subject);
    notify::helped(ports, actor, &user.policy, whom, MailTemplate::PasscodeAssigned).await;
    let given = Given { text: passcode.grouped(), until: text::utc(until) };
    desk.page(desk.seen_again(&form, user).await, Said { passcode: Some(given), ..Said::default() })
}
