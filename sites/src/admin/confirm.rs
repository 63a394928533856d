//! The look at an edit before it is made: what it would change, and the form once more, to be sent again as it is or to be
//! gone back to.
//!
//! A secret that was typed goes with it sealed, for this browser and a quarter of an hour, so that it is neither shown nor
//! lost on the way back.

use super::edit::Desk;
use super::fields::Fields;
use super::inputs::{Control, Section};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::session::Cell;
use crate::view::{Page, render};
use askama::Template;
use axum::response::Response;
use passquorum_domain::config::ObjectDifference;
use passquorum_domain::ids::Revision;
use passquorum_domain::time::Span;

/// How long a secret that was typed is good for.
const KEPT: Span = Span::minutes(15);
/// The longest one, in bytes.
const LONGEST: usize = 1_100;

/// How an edit was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// By its form: what it would change is shown first.
    Sent,
    /// By the page that shows that.
    Confirmed,
    /// Not at all: the form again, as it was typed.
    Back,
}

impl Step {
    pub(super) const FIELD: &str = "stage";

    /// As the button says that was pressed.
    pub(super) fn of(fields: &Fields) -> Self {
        match fields.raw(Self::FIELD) {
            "confirmed" => Self::Confirmed,
            "back" => Self::Back,
            _ => Self::Sent,
        }
    }
}

#[derive(Template)]
#[template(path = "admin/confirm.html")]
struct ConfirmPage {
    page: Page,
    part: &'static str,
    action: String,
    note: String,
    revision: Revision,
    differences: Vec<ObjectDifference>,
    carried: Vec<(String, String)>,
}

/// Shows what an edit would change.
pub(super) fn page(
    desk: &Desk,
    (part, action): (&'static str, &str),
    note: &str,
    (revision, differences): (Revision, Vec<ObjectDifference>),
    carried: Vec<(String, String)>,
) -> Result<Response, Failure> {
    let page = desk.page("Check before it is saved")?;
    let (action, note) = (action.to_owned(), note.to_owned());
    render(&ConfirmPage { page, part, action, note, revision, differences, carried })
}

/// Where the sealed form of a secret is sent.
fn kept(name: &str) -> String {
    format!("{name}.kept")
}

/// The form with the secrets that were typed before and not again. What does not open any more has to be typed anew.
pub(super) fn opened(desk: &Desk, form: Form) -> Fields {
    let sealed: Vec<_> = form
        .iter()
        .filter_map(|(name, sealed)| Some((name.strip_suffix(".kept")?.to_owned(), sealed.to_owned())))
        .filter(|(name, sealed)| !sealed.is_empty() && form.text(name).unwrap_or("").is_empty())
        .collect();
    let mut lost = Vec::new();
    let mut form = form;
    for (name, sealed) in sealed {
        match Cell::Typed.open::<(String, String)>(&desk.app.ports, desk.visit.browser, &sealed) {
            Some((of, secret)) if of == name => form = form.with(&name, Some(secret)),
            _ => lost.push(name),
        }
    }
    let mut fields = Fields::new(form);
    for name in lost {
        fields.refuse(&name, "type it again: it was kept for 15 minutes");
    }
    fields
}

/// Seals the secrets that a form holds, for the next page with it.
pub(super) fn seal(desk: &Desk, sections: &mut [Section], fields: &Fields) -> Result<(), Failure> {
    let ports = &desk.app.ports;
    for input in sections.iter_mut().flat_map(|section| &mut section.inputs) {
        let typed = fields.raw(&input.name);
        if let (Control::Secret(sealed), false) = (&mut input.control, typed.is_empty()) {
            if typed.len() > LONGEST {
                return Err(Failure::bad_input("A password is longer than any may be."));
            }
            let expires = ports.now().plus(KEPT);
            *sealed = Some(Cell::Typed.seal(ports, desk.visit.browser, expires, &(&input.name, typed))?);
        }
    }
    Ok(())
}

/// What the page sends again of a form: everything that was sent, secrets in their sealed form only.
pub(super) fn carried(sections: &[Section], fields: &Fields) -> Vec<(String, String)> {
    let mut carried = fields.sent();
    for input in sections.iter().flat_map(|section| &section.inputs) {
        if let Control::Secret(sealed) = &input.control {
            let place = kept(&input.name);
            carried.retain(|(name, _)| *name != input.name && *name != place);
            carried.extend(sealed.clone().map(|sealed| (place, sealed)));
        }
    }
    carried
}
