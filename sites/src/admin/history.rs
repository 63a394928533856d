//! The kept revisions of the configuration: who made which, what it changed, and the way back to one. The page of a
//! revision shows what going back to it would change, before its button does it.

use super::edit::{Desk, Edit, Notice, Verdict, saved};
use super::fields::Fields;
use crate::config_history::{self, Entry, Irrecoverable};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::view::{Page, render, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ObjectDifference, RealmConfig, differences, summary};
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
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            revision: entry.revision,
            at: entry.at.map_or_else(|| "not known".to_owned(), text::utc),
            who: entry.who.unwrap_or_else(|| "not known".to_owned()),
            note: entry.note.unwrap_or_default(),
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
    /// What going back would change.
    differences: Vec<ObjectDifference>,
    /// Why there is no way back; empty when there is.
    obstacles: Vec<String>,
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
    let obstacles = match config_history::way_back(&desk.app.ports, state, wanted) {
        Err(Irrecoverable::Unreadable { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let status = if matches!(notice, Notice::Bad(_)) { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = RevisionPage {
        page: desk.page(format!("Revision {wanted}"))?,
        part: PART,
        notice,
        wanted,
        current: present.revision,
        differences: differences(present, &kept.config),
        obstacles,
    };
    render_as(status, &page)
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
    let edit = Edit::new(&mut Fields::new(form), change)?;
    match desk.propose(&edit, &format!("Rolled back to revision {wanted}")).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Stale(_) => {
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
