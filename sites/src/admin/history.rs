//! The kept revisions of the configuration: who made which, what it changed, and the way back to one. The page of a
//! revision shows what going back to it would change, before its button does it; another takes one change back and leaves
//! what came after it.

use super::confirm::Step;
use super::edit::{Desk, Edit, Notice, Verdict, compare, saved};
use super::fields::Fields;
use crate::config_history::{self, Entry, Irrecoverable, Irreversible};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::view::{Page, render, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ObjectDifference, Problem, RealmConfig, differences, summary};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::Revision;
use passquorum_domain::state::State;
use std::sync::Arc;

const PART: &str = "/admin/history";
const LATEST: usize = 50;

#[derive(Template)]
#[template(path = "admin/history.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    current: Revision,
    rows: Vec<Row>,
}

struct Row {
    revision: Revision,
    at: String,
    who: String,
    note: String,
    changes: String,
    can_undo: bool,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            revision: entry.revision,
            at: entry.at.map_or_else(|| "not known".to_owned(), text::utc),
            who: entry.who.unwrap_or_else(|| "not known".to_owned()),
            note: entry.note.unwrap_or_default(),
            can_undo: entry.changes.as_ref().is_some_and(|changes| !changes.is_empty()),
            changes: entry.changes.map_or_else(String::new, |changes| summary(&changes)),
        }
    }
}

/// The list, latest first.
pub(super) async fn list(desk: Desk) -> Result<Response, Failure> {
    let state = desk.app.ports.current().await?;
    let current = config_of(&state)?.revision;
    let rows = config_history::entries(&desk.app.ports, &state, None, LATEST);
    let rows = rows.into_iter().map(Row::from).collect();
    let notice = Notice::after(desk.saved);
    render(&ListPage { page: desk.page("History")?, part: PART, notice, current, rows })
}

#[derive(Template)]
#[template(path = "admin/revision.html")]
struct RevisionPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    wanted: Revision,
    /// The revision that the button is based on.
    current: Revision,
    /// What it would change.
    differences: Vec<ObjectDifference>,
    way: Way,
}

/// What the page offers to do, in words.
struct Way {
    verb: &'static str,
    heading: &'static str,
    then: String,
    nothing: String,
    note: &'static str,
    button: String,
    refusal: &'static str,
    /// Why it cannot be done.
    refused: Option<String>,
    obstacles: Vec<String>,
}

impl Way {
    fn back_to(wanted: Revision, current: Revision) -> Self {
        Self {
            verb: "rollback",
            heading: "What going back would change",
            then: format!("In revision {wanted}"),
            nothing: format!("This revision is the same as revision {current}, which is in force."),
            note: "This makes a new revision with these contents; passwords of access accounts are those of then.",
            button: format!("Go back to revision {wanted}"),
            refusal: "There is no way back to it",
            refused: None,
            obstacles: Vec::new(),
        }
    }

    fn without(wanted: Revision) -> Self {
        Self {
            verb: "undo",
            heading: "What taking it back would change",
            then: format!("Without revision {wanted}"),
            nothing: "Nothing of what it changed is in force any more.".to_owned(),
            note: "This makes a new revision without that one change; what was changed since stays.",
            button: format!("Undo revision {wanted}"),
            refusal: "It cannot be taken back alone",
            refused: None,
            obstacles: Vec::new(),
        }
    }

    fn refused(self, why: &impl std::fmt::Display, obstacles: &[Problem]) -> Self {
        let refused = Some(format!("{why}."));
        Self { refused, obstacles: obstacles.iter().map(ToString::to_string).collect(), ..self }
    }
}

fn config_of(state: &State) -> Result<&Arc<RealmConfig>, Failure> {
    state.config().ok_or_else(|| Failure::new(ErrorCode::NotFound))
}

fn parse(id: &str) -> Result<Revision, Failure> {
    id.parse().map(Revision).map_err(|_| Failure::new(ErrorCode::NotFound))
}

impl From<Irrecoverable> for Failure {
    fn from(error: Irrecoverable) -> Self {
        let code = match error {
            Irrecoverable::NotKept { .. } => ErrorCode::NotFound,
            Irrecoverable::Unreadable { .. } => ErrorCode::InvalidConfig,
        };
        Self::new(code).saying(format!("{error}."))
    }
}

fn confirmation(desk: &Desk, state: &State, wanted: Revision, notice: Notice) -> Result<Response, Failure> {
    let present = config_of(state)?;
    let kept = config_history::kept(state, wanted)?;
    let way = Way::back_to(wanted, present.revision);
    let way = match config_history::way_back(&desk.app.ports, state, wanted) {
        Err(error @ Irrecoverable::Unreadable { .. }) => way.refused(&error, error.problems()),
        _ => way,
    };
    let changes = (present.revision, differences(present, &kept.config));
    page_of(desk, (format!("Revision {wanted}"), wanted), changes, way, notice)
}

fn page_of(
    desk: &Desk,
    (title, wanted): (String, Revision),
    (current, differences): (Revision, Vec<ObjectDifference>),
    way: Way,
    notice: Notice,
) -> Result<Response, Failure> {
    let status = if matches!(notice, Notice::Bad(_)) { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = desk.page(title)?;
    render_as(status, &RevisionPage { page, part: PART, notice, wanted, current, differences, way })
}

/// What one revision changed, to be taken back.
fn undoing(desk: &Desk, state: &State, wanted: Revision, notice: Notice) -> Result<Response, Failure> {
    let present = config_of(state)?;
    let way = Way::without(wanted);
    let (way, differences) = match config_history::way_around(&desk.app.ports, state, wanted) {
        Ok(change) => {
            let (differences, problems) = compare(present, change);
            let is_valid = problems.is_empty();
            let invalid = "without it the configuration would not be valid";
            (if is_valid { way } else { way.refused(&invalid, &problems) }, differences)
        }
        Err(Irreversible::Irrecoverable(error @ Irrecoverable::NotKept { .. })) => return Err(error.into()),
        Err(error) => (way.refused(&error, error.problems()), Vec::new()),
    };
    let title = format!("Undo revision {wanted}");
    page_of(desk, (title, wanted), (present.revision, differences), way, notice)
}

/// One revision, with what taking it back would change.
pub(super) async fn show_undo(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let wanted = parse(&id)?;
    let state = desk.app.ports.current().await?;
    undoing(&desk, &state, wanted, Notice::None)
}

/// Takes one change back.
pub(super) async fn undo(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let wanted = parse(&id)?;
    let state = desk.app.ports.current().await?;
    let Ok(change) = config_history::way_around(&desk.app.ports, &state, wanted) else {
        let why = "Nothing was taken back.".to_owned();
        return undoing(&desk, &state, wanted, Notice::Bad(why));
    };
    let edit = seen(form, change)?;
    match desk.propose(&edit, &format!("Took back revision {wanted}")).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Stale(_) | Verdict::Unconfirmed(_) | Verdict::Back => {
            let why = "The configuration changed meanwhile; nothing was taken back. Look at what it would change now.";
            let present = desk.app.ports.current().await?;
            undoing(&desk, &present, wanted, Notice::Bad(why.to_owned()))
        }
        Verdict::Invalid(problems) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let why = format!("Without it the configuration would not be valid: {}.", problems.join("; "));
            undoing(&desk, &state, wanted, Notice::Bad(why))
        }
    }
}

/// An edit whose page has shown what it would change.
fn seen(form: Form, change: ConfigChange) -> Result<Edit, Failure> {
    let edit = Edit::new(&mut Fields::new(form), change)?;
    Ok(Edit { step: Step::Confirmed, ..edit })
}

/// One revision, with what going back to it would change.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let wanted = parse(&id)?;
    let state = desk.app.ports.current().await?;
    confirmation(&desk, &state, wanted, Notice::None)
}

/// Goes back.
pub(super) async fn roll_back(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let wanted = parse(&id)?;
    let state = desk.app.ports.current().await?;
    let change: ConfigChange = config_history::way_back(&desk.app.ports, &state, wanted)?;
    let edit = seen(form, change)?;
    match desk.propose(&edit, &format!("Rolled back to revision {wanted}")).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Stale(_) | Verdict::Unconfirmed(_) | Verdict::Back => {
            let why = "The configuration changed meanwhile; nothing was brought back. Look at what it would change now.";
            let present = desk.app.ports.current().await?;
            confirmation(&desk, &present, wanted, Notice::Bad(why.to_owned()))
        }
        Verdict::Invalid(problems) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let why = format!("That revision is not valid any more: {}.", problems.join("; "));
            confirmation(&desk, &state, wanted, Notice::Bad(why))
        }
    }
}
