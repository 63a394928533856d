//! The management policies in their order: moved, cloned, counted, and why one of them serves somebody.

use super::confirm;
use super::edit::{Desk, Edit, Notice, Verdict, saved};
use super::fields::Fields;
use super::policies::{PART, parse};
use crate::explained::{self, Decided, Explained};
use crate::extract::Form;
use crate::locale::Message;
use crate::page_error::Failure;
use crate::text;
use crate::user_count::{self, UserCount};
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{PolicyId, Revision, WorkflowId};
use passquorum_domain::ports::fresh_uuid;
use std::time::Duration;

/// A browser, or a balancer before us, does not wait much longer.
const COUNTING: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "admin/policies.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    revision: Revision,
    /// Whether there is a domain whose users a policy could serve.
    has_domain: bool,
    rows: Vec<Row>,
    beside: Beside,
}

impl ListPage {
    fn is_served(&self, policies: &[Decided]) -> bool {
        policies.iter().any(|decided| decided.serves)
    }
}

/// A name that was asked about.
struct Asked {
    name: String,
    answer: Result<Explained, Message>,
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

/// What the page shows beside the list.
enum Beside {
    None,
    Asked(Asked),
    Counted(Counted),
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

fn page(
    desk: &Desk,
    config: &RealmConfig,
    status: StatusCode,
    notice: Notice,
    beside: Beside,
) -> Result<Response, Failure> {
    let page = ListPage {
        page: desk.page("Policies")?,
        part: PART,
        notice,
        revision: config.revision,
        has_domain: !config.connections.is_empty(),
        rows: config.policies.iter().map(Row::from).collect(),
        beside,
    };
    render_as(status, &page)
}

/// The list.
pub(super) async fn list(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    page(&desk, &config, StatusCode::OK, Notice::after(desk.saved), Beside::None)
}

/// Tells which policy serves a user, and why.
pub(super) async fn explain(desk: Desk, form: Form) -> Result<Response, Failure> {
    let name = form.text("name").unwrap_or("").trim().to_owned();
    let (status, answer) = match LoginName::parse(&name) {
        Ok(parsed) => (StatusCode::OK, Ok(explained::explain(&desk.app.ports, &parsed).await?)),
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, Err(text::NAME_INVALID.into())),
    };
    let config = desk.config().await?;
    let name = name.chars().take(LoginName::MAX).collect();
    page(&desk, &config, status, Notice::None, Beside::Asked(Asked { name, answer }))
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
            return page(&desk, &config, StatusCode::SERVICE_UNAVAILABLE, notice, Beside::None);
        }
    };
    let Some(count) = count else {
        let notice = Notice::Bad(format!("Nothing was counted within {} seconds.", COUNTING.as_secs()));
        return page(&desk, &config, StatusCode::SERVICE_UNAVAILABLE, notice, Beside::None);
    };
    let ended = ports.now();
    let of_it = count.policies.iter().find(|one| one.id == policy.id);
    let (users, registered) = of_it.map_or((0, 0), |one| (one.users, one.registered));
    let took = Duration::from_millis(ended.0.saturating_sub(begun.0)).as_secs_f64();
    let (name, at, took) = (policy.name.clone(), text::utc(ended), format!("{took:.1}"));
    let counted = Counted { name, at, took, count, users, registered };
    page(&desk, &config, StatusCode::OK, Notice::None, Beside::Counted(counted))
}

/// Puts a policy one place earlier.
pub(super) async fn earlier(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    change(&desk, (&id, "earlier"), form, |config, place| {
        config.policies.swap(place, place.checked_sub(1)?);
        Some("Moved up")
    })
    .await
}

/// Puts a policy one place later.
pub(super) async fn later(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    change(&desk, (&id, "later"), form, |config, place| {
        let next = place.checked_add(1).filter(|next| *next < config.policies.len())?;
        config.policies.swap(place, next);
        Some("Moved down")
    })
    .await
}

/// Adds a copy of a policy after it. The copy serves nobody until it is given a scope; its questions are the same ones, so
/// that who comes to be served by it keeps their profile.
pub(super) async fn clone(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let entropy = desk.app.ports.entropy.clone();
    change(&desk, (&id, "clone"), form, move |config, place| {
        let mut copy = config.policies.get(place)?.clone();
        copy.id = PolicyId(fresh_uuid(&*entropy));
        copy.name = format!("Copy of {}", copy.name).chars().take(100).collect();
        copy.scope.clear();
        for workflow in &mut copy.workflows {
            workflow.id = WorkflowId(fresh_uuid(&*entropy));
        }
        config.policies.insert(place.saturating_add(1), copy);
        Some("Copied")
    })
    .await
}

/// Changes the list of policies. Nothing is done where there is nothing to do.
async fn change(
    desk: &Desk,
    (id, verb): (&str, &str),
    form: Form,
    edit: impl FnOnce(&mut RealmConfig, usize) -> Option<&'static str>,
) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let id = parse(id)?;
    let found = config.policies.iter().enumerate().find(|(_, policy)| policy.id == id);
    let (place, policy) = found.ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    let mut changed = RealmConfig::clone(&config);
    let Some(done) = edit(&mut changed, place) else {
        return page(desk, &config, StatusCode::OK, Notice::None, Beside::None);
    };
    let mut fields = Fields::new(form);
    let edit = Edit::new(&mut fields, ConfigChange::Replace(Box::new(changed)))?;
    let note = format!("{done}: policy {}", policy.name);
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Back => page(desk, &config, StatusCode::OK, Notice::None, Beside::None),
        Verdict::Unconfirmed(differences) => {
            let action = format!("{PART}/{id}/{verb}");
            confirm::page(desk, (PART, &action), &note, (edit.base, differences), fields.sent())
        }
        Verdict::Invalid(problems) => {
            let why = problems.first().map(ToString::to_string).unwrap_or_default();
            page(desk, &config, StatusCode::UNPROCESSABLE_ENTITY, Notice::Bad(why), Beside::None)
        }
        Verdict::Stale(present) => {
            let why =
                "The configuration changed meanwhile; nothing was done. This is how it is now.".to_owned();
            page(desk, &present, StatusCode::CONFLICT, Notice::Bad(why), Beside::None)
        }
    }
}
