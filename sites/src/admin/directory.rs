//! What legacy clients find in the directory: whether the container is true and what makes it large, and every service
//! connection point, strangers' too, which can be removed here.

use super::edit::{Desk, Notice};
use crate::extract::Form;
use crate::legacy::{self, LegacyError, MirrorReport, Removal, Unread};
use crate::page_error::Failure;
use crate::text;
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::points::{ListedPoint, Verdict};
use passquorum_domain::time::Span;
use serde::Deserialize;

const PART: &str = "/admin/directory";

#[derive(Template)]
#[template(path = "admin/directory.html")]
struct DirectoryPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    mirror: MirrorReport,
    rows: Vec<Row>,
    unread: Vec<Unread>,
}

struct Row {
    domain: String,
    dn: DistinguishedName,
    urls: String,
    age: String,
    verdict: &'static str,
    removable: bool,
}

impl From<ListedPoint> for Row {
    fn from(point: ListedPoint) -> Self {
        Self {
            age: point.age.map_or_else(
                || "not known".to_owned(),
                |seconds| text::in_words(Span::seconds(seconds)).to_string(),
            ),
            urls: point.urls.join(" "),
            verdict: point.verdict.words(),
            removable: !matches!(point.verdict, Verdict::Kept | Verdict::Stale),
            domain: point.domain,
            dn: point.dn,
        }
    }
}

/// What was done, in the query of the page that follows.
#[derive(Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// The page.
pub(super) async fn page(desk: Desk, Query(query): Query<Done>) -> Result<Response, Failure> {
    let notice = match query.done.as_deref() {
        Some("removed") => Notice::Good("The service connection point was removed.".to_owned()),
        Some("rebuilt") => {
            Notice::Good("The container was removed. The leader makes it anew within seconds.".to_owned())
        }
        _ => Notice::None,
    };
    show(&desk, StatusCode::OK, notice).await
}

async fn show(desk: &Desk, status: StatusCode, notice: Notice) -> Result<Response, Failure> {
    let ports = &desk.app.ports;
    let state = ports.current().await?;
    let mirror = legacy::mirror(ports, &state).await;
    let listing = legacy::points(ports, &state).await;
    let rows = listing.points.into_iter().map(Row::from).collect();
    let page = desk.page("Legacy clients")?;
    render_as(status, &DirectoryPage { page, part: PART, notice, mirror, rows, unread: listing.unread })
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("{PART}?done={what}")).into_response()
}

async fn refuse(desk: &Desk, error: &LegacyError) -> Result<Response, Failure> {
    let why = format!("Nothing was removed: {error}. {}", error.code().remedy());
    show(desk, StatusCode::CONFLICT, Notice::Bad(why)).await
}

/// Removes one point.
pub(super) async fn remove(desk: Desk, form: Form) -> Result<Response, Failure> {
    let ports = &desk.app.ports;
    if form.text("sure") != Some("yes") {
        let why = "Nothing was removed: tick the box first.".to_owned();
        return show(&desk, StatusCode::UNPROCESSABLE_ENTITY, Notice::Bad(why)).await;
    }
    let dn = DistinguishedName::parse(form.text("dn").unwrap_or_default());
    let dn = dn.map_err(|_| Failure::bad_input("The form does not say which one is meant."))?;
    let state = ports.current().await?;
    let removal = match Removal::find(ports, &state, &dn).await {
        Ok(removal) => removal,
        Err(error) => return refuse(&desk, &error).await,
    };
    let note = format!("{}, by {}", removal.note(), desk.staff.display_name);
    ports.record(desk.staff.actor(), AuditEvent::PointRemoved, None, &note).await?;
    match removal.carry_out().await {
        Ok(()) => Ok(done("removed")),
        Err(error) => refuse(&desk, &error).await,
    }
}

/// Removes the container, so that the leader makes it anew.
pub(super) async fn rebuild(desk: Desk, _: Form) -> Result<Response, Failure> {
    let ports = &desk.app.ports;
    let container = match legacy::container(ports).await {
        Ok(container) => container,
        Err(error) => return refuse(&desk, &error).await,
    };
    let note = format!("by {}", desk.staff.display_name);
    ports.record(desk.staff.actor(), AuditEvent::MirrorRebuilt, None, &note).await?;
    match container.remove().await {
        Ok(()) => Ok(done("rebuilt")),
        Err(error) => refuse(&desk, &error.into()).await,
    }
}
