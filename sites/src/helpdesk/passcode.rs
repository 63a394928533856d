//! Assigning a passcode: shown once, on the page that answers, and kept nowhere. A new one replaces the one before.

use super::desk;
use super::standing::Passcodes;
use crate::app::App;
use crate::extract::{Form, Visit};
use crate::page_error::Failure;
use crate::passcodes;
use crate::session::Staff;
use crate::text;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
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

fn number(form: &Form, field: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<u64, Failure> {
    let number = form.text(field).and_then(|text| text.trim().parse().ok());
    number.filter(|number| bounds.contains(number)).ok_or_else(|| {
        Failure::bad_input(format!("{field}: use a number from {} to {}.", bounds.start(), bounds.end()))
    })
}

/// Gives the user whom the operator saw a passcode.
pub(super) async fn assign(
    State(app): State<App>,
    Extension(staff): Extension<Staff>,
    visit: Visit,
    form: Form,
) -> Result<Response, Failure> {
    let length = number(&form, "length", PasscodeText::LEAST as u64..=PasscodeText::MOST as u64)?;
    let most_hours = Passcode::MOST_LIFE.0 / Span::hours(1).0;
    let life = Span::hours(number(&form, "hours", 1..=most_hours)?);
    let user = desk::seen(&app, &form).await?;
    match user.passcodes {
        Passcodes::Given => {}
        Passcodes::NotTaken => {
            return Err(Failure::bad_input("No task of this user's policy takes a passcode."));
        }
        Passcodes::NotToStaff => {
            let why = "Whoever may use the Admin or the Helpdesk site is given no passcode here.";
            return Err(Failure::new(ErrorCode::Forbidden).saying(why));
        }
    }
    let (ports, subject) = (&app.ports, user.subject);
    let length = usize::try_from(length).map_err(Failure::internal)?;
    let (passcode, secret) = passcodes::fresh(ports, subject, length)?;
    let note = format!("{}, by {}", user.name, staff.display_name);
    let detail = Some(ports.seal_detail(&note)?);
    let until = ports.now().plus(life);
    ports.commit_with(staff.actor(), Action::AssignPasscode { subject, secret, life }, detail).await?;
    let given = Given { text: passcode.grouped(), until: text::utc(until) };
    desk::user_page(&app, &visit, desk::seen(&app, &form).await?, None, Some(given))
}
