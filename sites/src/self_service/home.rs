//! The front page: what a person can do here.

use super::computer::Computer;
use super::{Front, TASKS};
use crate::extract::Visit;
use crate::page_error::Failure;
use crate::view::{self, Page};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use passquorum_domain::audit::Site;

struct Task {
    slug: &'static str,
    name: String,
    description: String,
}

#[derive(Template)]
#[template(path = "self_service/home.html")]
struct HomePage {
    page: Page,
    tasks: Vec<Task>,
    /// Behind the address of each.
    query: String,
}

pub(super) async fn show(
    State(front): State<Front>,
    visit: Visit,
    computer: Computer,
) -> Result<Response, Failure> {
    let config = front.app.ports.local_config();
    let policies = || config.iter().flat_map(|config| &config.policies);
    let tasks = TASKS
        .iter()
        .filter_map(|(kind, slug)| {
            let kind = Some(kind).filter(|kind| front.door.offers(**kind))?;
            let workflow = policies().find_map(|policy| policy.workflow(*kind))?;
            let (name, description) = (workflow.name.clone(), workflow.description.clone());
            Some(Task { slug, name, description })
        })
        .collect();
    let page = Page::without_forms(&front.app, &visit, Site::SelfService, "What would you like to do?");
    view::render(&HomePage { page, tasks, query: computer.query() })
}
