//! The workflows of a policy: what there is, and the way to the designer of each. Custom ones can be removed.

use super::confirm;
use super::edit::{Desk, Edit, Notice, Verdict, saved};
use super::fields::Fields;
use super::policies::{PART, parse};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{Revision, WorkflowId};
use passquorum_domain::workflow::{Workflow, WorkflowKind};

#[derive(Template)]
#[template(path = "admin/workflows.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    revision: Revision,
    policy: String,
    path: String,
    rows: Vec<Row>,
}

struct Row {
    id: WorkflowId,
    name: String,
    description: String,
    kind: &'static str,
    enabled: bool,
    is_custom: bool,
    steps: Vec<&'static str>,
}

/// What a kind is called.
pub(super) fn kind_label(kind: WorkflowKind) -> &'static str {
    match kind {
        WorkflowKind::Register => "Register",
        WorkflowKind::ManageProfile => "Manage My Profile",
        WorkflowKind::ForgotPassword => "Forgot My Password",
        WorkflowKind::ManagePasswords => "Manage My Passwords",
        WorkflowKind::UnlockAccount => "Unlock My Account",
        WorkflowKind::UsePasscode => "I Have a Passcode",
        WorkflowKind::Notifications => "My Notifications",
        WorkflowKind::Custom => "Custom",
    }
}

impl From<&Workflow> for Row {
    fn from(workflow: &Workflow) -> Self {
        Self {
            id: workflow.id,
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            kind: kind_label(workflow.kind),
            enabled: workflow.enabled,
            is_custom: workflow.kind == WorkflowKind::Custom,
            steps: workflow.activities.iter().map(super::designer::label).collect(),
        }
    }
}

fn find<'c>(config: &'c RealmConfig, id: &str) -> Result<&'c ManagementPolicy, Failure> {
    config.policy(parse(id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))
}

fn page(
    desk: &Desk,
    policy: &ManagementPolicy,
    status: StatusCode,
    revision: Revision,
    notice: Notice,
) -> Result<Response, Failure> {
    let template = ListPage {
        page: desk.page(format!("Workflows of {}", policy.name))?,
        part: PART,
        notice,
        revision,
        policy: policy.name.clone(),
        path: format!("{PART}/{}", policy.id),
        rows: policy.workflows.iter().map(Row::from).collect(),
    };
    render_as(status, &template)
}

/// The list.
pub(super) async fn list(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let config = desk.config().await?;
    page(&desk, find(&config, &id)?, StatusCode::OK, config.revision, Notice::after(desk.saved))
}

/// Removes a custom one.
pub(super) async fn remove(
    desk: Desk,
    Path((id, workflow)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let mut policy = find(&config, &id)?.clone();
    let is_it = |one: &Workflow| one.id.to_string() == workflow && one.kind == WorkflowKind::Custom;
    let removed = policy.workflows.iter().find(|one| is_it(one)).map(|one| one.name.clone());
    let removed = removed.ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    policy.workflows.retain(|one| !is_it(one));
    let list = format!("{PART}/{}/workflows", policy.id);
    let note = format!("Removed workflow {removed} of {}", policy.name);
    let action = format!("{list}/{workflow}/remove");
    let mut fields = Fields::new(form);
    let edit = Edit::new(&mut fields, ConfigChange::PutPolicy(Box::new(policy)))?;
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(&list, revision)),
        Verdict::Back => page(&desk, find(&config, &id)?, StatusCode::OK, config.revision, Notice::None),
        Verdict::Unconfirmed(differences) => {
            confirm::page(&desk, (PART, &action), &note, (edit.base, differences), fields.sent())
        }
        Verdict::Invalid(problems) => {
            let why = problems.first().map(ToString::to_string).unwrap_or_default();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&desk, find(&config, &id)?, status, config.revision, Notice::Bad(why))
        }
        Verdict::Stale(now) => {
            let why = "The configuration changed meanwhile; nothing was removed.".to_owned();
            page(&desk, find(&now, &id)?, StatusCode::CONFLICT, now.revision, Notice::Bad(why))
        }
    }
}
