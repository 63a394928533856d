//! The draft's pages, one at a time, as people will see them. The draft goes with the bar above.

use super::Subject;
use crate::admin::edit::Desk;
use crate::admin::fields::Fields;
use crate::csrf;
use crate::page_error::Failure;
use crate::self_service::preview;
use crate::view::Preview;
use axum::response::Response;
use passquorum_domain::workflow::Workflow;

pub(super) fn page(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    fields: &Fields,
    number: usize,
) -> Result<Response, Failure> {
    let of = preview::pages(draft);
    let number = number.min(of.saturating_sub(1));
    let press = |number: usize| format!("preview.{number}");
    let bar = Preview {
        action: subject.path(),
        csrf: csrf::token(&desk.app.ports, desk.visit.browser)?,
        carried: super::carried(fields),
        number: number.saturating_add(1),
        of,
        earlier: number.checked_sub(1).map(press),
        later: number.checked_add(1).filter(|next| *next < of).map(press),
    };
    preview::page((&desk.app, &desk.visit), &subject.policy, draft, number, bar)
}
