//! The front page: what a person can do here.

use super::computer::Computer;
use super::{Front, TASKS};
use crate::extract::Visit;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::view::{self, Page};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use passquorum_domain::audit::Site;
use passquorum_domain::workflow::{Workflow, WorkflowKind};

struct Task {
    slug: String,
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
    let shown = |workflow: &Workflow, slug: String| {
        let (name, description) = (workflow.name.clone(), workflow.description.clone());
        (!workflow.hidden).then_some(Task { slug, name, description })
    };
    let ready = TASKS.iter().filter(|(kind, _)| front.door.offers(*kind)).filter_map(|(kind, slug)| {
        let workflow = policies().find_map(|policy| policy.workflow(*kind))?;
        shown(workflow, (*slug).to_owned())
    });
    let own = policies().flat_map(|policy| &policy.workflows).filter(|_| front.offers_own());
    let own = own.filter(|workflow| workflow.enabled && workflow.kind == WorkflowKind::Custom);
    let own = own.filter_map(|workflow| shown(workflow, workflow.id.to_string()));
    let tasks = ready.chain(own).collect();
    let page = Page::without_forms(&front.app, &visit, Site::SelfService, Key("home-title"));
    view::render(&HomePage { page, tasks, query: computer.query() })
}
