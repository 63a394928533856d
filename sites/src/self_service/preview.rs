//! The pages of a workflow as people see them, with example data: from the templates of the real ones, without a directory,
//! a run or anything to send.

use super::computer::Computer;
use super::identify::IdentifyPage;
use super::step::{FinishedPage, StepPage, done_title, what_it_was};
use super::{label, parts};
use crate::activity::{self, Sample};
use crate::app::App;
use crate::extract::Visit;
use crate::gateway::Run;
use crate::locale::Message;
use crate::page_error::Failure;
use crate::view::{self, Page, Preview, Problems};
use crate::workflow::{Ending, plan};
use axum::response::Response;
use passquorum_domain::audit::Site;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::workflow::Workflow;

/// The name that the example's person typed.
const SOMEBODY: &str = "jdoe";

/// How many pages it has: the one for the name, one for each step that has one, and the one at the end.
pub(crate) fn pages(workflow: &Workflow) -> usize {
    let plan = plan(&workflow.activities);
    plan.iter().filter(|activity| label(activity).is_some()).count().saturating_add(2)
}

/// One of them, counted from 0.
pub(crate) fn page(
    (app, visit): (&App, &Visit),
    policy: &ManagementPolicy,
    workflow: &Workflow,
    number: usize,
    bar: Preview,
) -> Result<Response, Failure> {
    let plan = plan(&workflow.activities);
    let shell = |title: Message| Page::without_forms(app, visit, Site::SelfService, title).under(bar);
    if number == 0 {
        return view::render(&IdentifyPage {
            page: shell(workflow.name.clone().into()),
            parts: parts(&plan, 0),
            description: workflow.description.clone(),
            slug: String::new(),
            problems: Problems::default(),
            name: String::new(),
            computer: Computer::default(),
        });
    }
    let organisation = app.ports.organisation();
    let sample = Sample { policy, workflow: &workflow.name, organisation: &organisation };
    let shown = |(place, activity)| Some((place, activity::example(activity, &sample)?));
    let step = plan.iter().enumerate().filter_map(shown).nth(number.saturating_sub(1));
    let position = step.as_ref().map_or(plan.len(), |(place, _)| *place);
    let parts = parts(&plan, position.saturating_add(1));
    let progress = Run {
        name: workflow.name.clone(),
        kind: workflow.kind,
        activities: plan,
        position,
        typed: SOMEBODY.to_owned(),
        marker: String::new(),
    };
    match step {
        Some((_, view)) => {
            let page = shell(workflow.name.clone().into());
            view::render(&StepPage {
                page,
                parts,
                progress,
                view,
                may_choose: false,
                problems: Problems::default(),
            })
        }
        None => {
            let about = what_it_was(&progress, Ending::Done);
            view::render(&FinishedPage {
                page: shell(done_title(about).into()),
                parts,
                about,
                ending: Ending::Done,
                request: String::new(),
            })
        }
    }
}
