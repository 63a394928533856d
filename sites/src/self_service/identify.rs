//! Who the task is for. A name that is no served user's is led on like any other.

use super::computer::{Computer, FIELD};
use super::{Front, Part, TASKS, Wanted, offered, parts};
use crate::extract::{Form, Unchecked, Visit};
use crate::page_error::Failure;
use crate::text;
use crate::view::{self, Page, Problems};
use crate::workflow::plan;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::audit::Site;
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::outcome::Rejection;

#[derive(Template)]
#[template(path = "self_service/identify.html")]
pub(super) struct IdentifyPage {
    pub(super) page: Page,
    pub(super) parts: Vec<Part>,
    pub(super) description: String,
    pub(super) slug: String,
    pub(super) problems: Problems,
    pub(super) name: String,
    pub(super) computer: Computer,
}

/// The task that an address names.
fn task(front: &Front, slug: &str) -> Result<Wanted, Failure> {
    let offered = TASKS.iter().filter(|(kind, _)| front.door.offers(*kind));
    let ready = offered.copied().find(|(_, known)| *known == slug).map(|(kind, _)| Wanted::Kind(kind));
    let own = || slug.parse().ok().filter(|_| front.offers_own()).map(Wanted::Custom);
    ready.or_else(own).ok_or_else(|| Failure::new(ErrorCode::NotFound))
}

async fn page(
    front: &Front,
    visit: &Visit,
    (task, slug): (Wanted, String),
    name: &str,
    problems: Problems,
    computer: Computer,
) -> Result<IdentifyPage, Failure> {
    let config = front.app.ports.local_config().ok_or(Rejection::NoRealm)?;
    let (_, workflow) = offered(&config, task, 0)?;
    let csrf = front.enter(visit).await?;
    Ok(IdentifyPage {
        page: Page::with_token(&front.app, visit, Site::SelfService, visit.written(&workflow.name), csrf),
        parts: parts(&plan(&workflow.activities), 0),
        description: workflow.description.clone(),
        slug,
        problems,
        name: name.to_owned(),
        computer,
    })
}

pub(super) async fn show(
    State(front): State<Front>,
    visit: Visit,
    Path(slug): Path<String>,
    computer: Computer,
) -> Result<Response, Failure> {
    let task = task(&front, &slug)?;
    let page = page(&front, &visit, (task, slug), "", Problems::default(), computer).await;
    view::render(&page.map_err(|failure| failure.again(front.door.home()))?)
}

pub(super) async fn submit(
    State(front): State<Front>,
    visit: Visit,
    Path(slug): Path<String>,
    Unchecked(form): Unchecked<Form>,
) -> Result<Response, Failure> {
    let task = task(&front, &slug)?;
    let typed = form.text("name").unwrap_or("");
    if LoginName::parse(typed).is_err() {
        let mut problems = Problems::default();
        problems.add("name", text::NAME_INVALID);
        let shown: String = typed.chars().take(LoginName::MAX).collect();
        let task = (task, slug);
        let page = page(&front, &visit, task, &shown, problems, Computer::named(form.text(FIELD))).await?;
        return view::render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let run = front.begin(&visit, task, form).await.map_err(|failure| failure.again(front.door.home()))?;
    Ok(view::go(front.door.step(), Some(run.cookie()?)))
}
