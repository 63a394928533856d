//! Realm Instances, as the replaced product called them: each node with the URL under which people reach its Self-Service
//! site, which can be edited, and which of them is the Primary, which cannot: the nodes choose their leader.
//!
//! A change is shown before it is made, and refused when somebody else made one meanwhile.

use super::edit::{Desk, Notice};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::view::{Page, render, render_as};
use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use passquorum_domain::address::SiteUrl;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Instance;
use serde::Deserialize;

const PART: &str = "/admin/instances";

#[derive(Template)]
#[template(path = "admin/instances.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    rows: Vec<Row>,
}

struct Row {
    id: NodeId,
    name: String,
    role: &'static str,
    primary: bool,
    site_url: String,
    /// What was typed, and what is wrong with it.
    wrong: Option<(String, String)>,
}

/// The node that was changed, in the query of the page that follows.
#[derive(Deserialize)]
pub(super) struct Changed {
    changed: Option<NodeId>,
}

#[derive(Template)]
#[template(path = "admin/instance_confirm.html")]
struct ConfirmPage {
    page: Page,
    part: &'static str,
    id: NodeId,
    name: String,
    seen: String,
    url: SiteUrl,
}

/// The list.
pub(super) async fn list(desk: Desk, Query(query): Query<Changed>) -> Result<Response, Failure> {
    let notice = query.changed.map_or(Notice::None, |node| {
        Notice::Good(format!("The Self-Service URL of node {node} was changed."))
    });
    show(&desk, StatusCode::OK, notice, None)
}

fn show(
    desk: &Desk,
    status: StatusCode,
    notice: Notice,
    wrong: Option<(NodeId, String, String)>,
) -> Result<Response, Failure> {
    let consensus = &desk.app.ports.consensus;
    let (state, leader) = (consensus.local(), consensus.status().leader);
    let row = |instance: &Instance| Row {
        id: instance.id,
        name: instance.name.clone(),
        role: instance.role.as_str(),
        primary: leader == Some(instance.id),
        site_url: instance.site_url.clone(),
        wrong: wrong
            .as_ref()
            .filter(|wrong| wrong.0 == instance.id)
            .map(|(_, typed, why)| (typed.clone(), why.clone())),
    };
    let rows = state.instances().filter(|instance| instance.is_active()).map(row).collect();
    render_as(status, &ListPage { page: desk.page("Realm Instances")?, part: PART, notice, rows })
}

/// Shows what a change would be, or makes it once that was confirmed.
pub(super) async fn change(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let none = || Failure::new(ErrorCode::NotFound);
    let id = id.parse().map(NodeId).map_err(|_| none())?;
    let state = desk.app.ports.current().await?;
    let instance = state.instance(id).filter(|instance| instance.is_active()).ok_or_else(none)?;
    let typed = form.text("url").unwrap_or("").trim();
    let url: SiteUrl = match typed.parse() {
        Ok(url) => url,
        Err(error) => {
            let wrong = Some((id, typed.to_owned(), format!("{error}")));
            return show(&desk, StatusCode::UNPROCESSABLE_ENTITY, Notice::None, wrong);
        }
    };
    let seen = form.text("seen").unwrap_or("").to_owned();
    if seen != instance.site_url {
        return stale(&desk);
    }
    if form.text("confirmed") != Some("yes") {
        let page = desk.page("Change the Self-Service URL")?;
        return render(&ConfirmPage { page, part: PART, id, name: instance.name.clone(), seen, url });
    }
    let note = format!("{} (node {id}): {seen} -> {url}, by {}", instance.name, desk.staff.display_name);
    let detail = Some(desk.app.ports.seal_detail(&note)?);
    let action = Action::SetSiteUrl { node: id, seen, url };
    match desk.app.ports.commit_with(desk.staff.actor(), action, detail).await {
        Ok(_) => Ok(Redirect::to(&format!("{PART}?changed={id}")).into_response()),
        Err(failure) if failure.code == ErrorCode::ConditionFailed => stale(&desk),
        Err(failure) => Err(failure),
    }
}

fn stale(desk: &Desk) -> Result<Response, Failure> {
    let why = "Somebody else changed this URL meanwhile; nothing was saved. Look at it and change it again.";
    show(desk, StatusCode::CONFLICT, Notice::Bad(why.to_owned()), None)
}
