//! The management policies: a list, a form for each, and the count of whom each serves.

use super::edit::{Desk, Edit, Editor, Notice, Verdict, saved};
use super::fields::Fields;
use super::policy_form::{blank, located, read, sections};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::user_count::{self, UserCount};
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{PolicyId, WorkflowId};
use passquorum_domain::ports::fresh_uuid;
use std::time::Duration;

/// How long a browser is let wait for a count: less than a load balancer does.
const COUNTING: Duration = Duration::from_secs(20);

pub(super) const PART: &str = "/admin/policies";

#[derive(Template)]
#[template(path = "admin/policies.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    /// Whether there is a domain whose users a policy could serve.
    has_domain: bool,
    rows: Vec<Row>,
    counted: Option<Counted>,
}

/// The count of one policy's users.
struct Counted {
    name: String,
    at: String,
    /// How long it took, in seconds.
    took: String,
    count: UserCount,
    users: u64,
    registered: u64,
}

struct Row {
    id: PolicyId,
    name: String,
    questions: usize,
    workflows: String,
    threshold: u32,
}

impl From<&ManagementPolicy> for Row {
    fn from(policy: &ManagementPolicy) -> Self {
        let enabled: Vec<_> =
            policy.workflows.iter().filter(|workflow| workflow.enabled).map(|w| w.name.as_str()).collect();
        Self {
            id: policy.id,
            name: policy.name.clone(),
            questions: policy.qa.questions.len(),
            workflows: enabled.join(", "),
            threshold: policy.lockout.threshold,
        }
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Result<Response, Failure> {
    let (config, notice) = (desk.config().await?, Notice::after(desk.saved));
    show_list(&desk, &config, StatusCode::OK, notice, None)
}

fn show_list(
    desk: &Desk,
    config: &RealmConfig,
    status: StatusCode,
    notice: Notice,
    counted: Option<Counted>,
) -> Result<Response, Failure> {
    let rows = config.policies.iter().map(Row::from).collect();
    let (page, has_domain) = (desk.page("Policies")?, !config.connections.is_empty());
    render_as(status, &ListPage { page, part: PART, notice, has_domain, rows, counted })
}

/// Counts whom one policy serves, as far as that can be done while a browser waits.
pub(super) async fn count(desk: Desk, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let policy = config.policy(parse(&id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    let _place = desk.app.crowd.count_users()?;
    let ports = &desk.app.ports;
    let begun = ports.now();
    let count = match user_count::within(COUNTING, ports, &config, policy.id).await {
        Ok(count) => count,
        Err(why) => {
            let notice = Notice::Bad(format!("Nothing was counted: {} {}", why.what(), why.remedy()));
            return show_list(&desk, &config, StatusCode::SERVICE_UNAVAILABLE, notice, None);
        }
    };
    let Some(count) = count else {
        let notice = Notice::Bad(format!("Nothing was counted within {} seconds.", COUNTING.as_secs()));
        return show_list(&desk, &config, StatusCode::SERVICE_UNAVAILABLE, notice, None);
    };
    let ended = ports.now();
    let of_it = count.policies.iter().find(|one| one.id == policy.id);
    let (users, registered) = of_it.map_or((0, 0), |one| (one.users, one.registered));
    let took = Duration::from_millis(ended.0.saturating_sub(begun.0)).as_secs_f64();
    let (name, at, took) = (policy.name.clone(), text::utc(ended), format!("{took:.1}"));
    let counted = Counted { name, at, took, count, users, registered };
    show_list(&desk, &config, StatusCode::OK, Notice::None, Some(counted))
}

fn editor(policy: &ManagementPolicy, config: &RealmConfig) -> Editor {
    let path = format!("{PART}/{}", policy.id);
    let mut editor = Editor {
        title: "New policy".to_owned(),
        part: PART,
        sections: sections(policy, config),
        related: Vec::new(),
        buttons: Vec::new(),
        action: path.clone(),
    };
    if let Some(present) = config.policy(policy.id) {
        editor.title = format!("Policy {}", present.name);
        editor.related.push((format!("{path}/questions"), "Edit the question list".to_owned()));
        editor.buttons.push((format!("{path}/remove"), "Remove this policy", true));
    }
    editor
}

/// The policy with this id, or one to begin with under it.
fn present_or_blank(desk: &Desk, config: &RealmConfig, id: PolicyId) -> ManagementPolicy {
    let fresh = || WorkflowId(fresh_uuid(&*desk.app.ports.entropy));
    config.policy(id).cloned().unwrap_or_else(|| blank(id, fresh))
}

pub(super) fn parse(id: &str) -> Result<PolicyId, Failure> {
    id.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// A form for a new one.
pub(super) async fn new(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let id = PolicyId(fresh_uuid(&*desk.app.ports.entropy));
    editor(&present_or_blank(&desk, &config, id), &config).show(&desk, config.revision, Notice::None)
}

/// The form of one.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let policy = config.policy(parse(&id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    editor(policy, &config).show(&desk, config.revision, Notice::after(desk.saved))
}

/// Saves one, new or not.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let config = desk.config().await?;
    let present = present_or_blank(&desk, &config, id);
    let mut fields = Fields::new(form);
    let policy = read(&mut fields, &present, &config);
    let edit = Edit::new(&mut fields, ConfigChange::PutPolicy(Box::new(policy.clone())))?;
    editor(&present, &config).save(&desk, &fields, edit, |problems| located(problems, &policy)).await
}

/// Removes one.
pub(super) async fn remove(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let policy = config.policy(parse(&id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    let mut fields = Fields::new(form);
    let edit = Edit::new(&mut fields, ConfigChange::RemovePolicy(policy.id))?;
    match desk.propose(&edit, &format!("Removed policy {}", policy.name)).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        // A policy is in nobody's way, so that its removal is refused only when it is based on an older revision.
        Verdict::Invalid(_) | Verdict::Stale(_) => {
            let why = "The configuration changed meanwhile; nothing was removed.".to_owned();
            editor(policy, &config).refuse(&desk, config.revision, why)
        }
    }
}
