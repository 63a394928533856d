//! Who the task is for. A name that is no served user's is led on like any other.

use super::{HOME, Part, STEP, TASKS, parts};
use crate::app::App;
use crate::extract::{Form, Visit};
use crate::limits;
use crate::page_error::Failure;
use crate::people::{self, Person};
use crate::text;
use crate::view::{self, Page, Problems};
use crate::workflow::{Progress, Subject, plan};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::workflow::{Workflow, WorkflowKind};

#[derive(Template)]
#[template(path = "self_service/identify.html")]
struct IdentifyPage {
    page: Page,
    parts: Vec<Part>,
    task: String,
    description: String,
    slug: &'static str,
    problems: Problems,
    name: String,
}

fn task(slug: &str) -> Result<(WorkflowKind, &'static str), Failure> {
    TASKS.iter().find(|(_, known)| *known == slug).copied().ok_or_else(|| Failure::new(ErrorCode::NotFound))
}

/// The first policy that offers the task, for its texts and for a name that is nobody's.
fn offered(config: &RealmConfig, kind: WorkflowKind) -> Result<(&ManagementPolicy, &Workflow), Failure> {
    config
        .policies
        .iter()
        .find_map(|policy| policy.workflow(kind).map(|workflow| (policy, workflow)))
        .ok_or_else(|| Failure::new(ErrorCode::NotFound).saying(text::TASK_NOT_OFFERED))
}

fn page(
    app: &App,
    visit: &Visit,
    (kind, slug): (WorkflowKind, &'static str),
    name: &str,
    problems: Problems,
) -> Result<IdentifyPage, Failure> {
    let config = app.ports.local_config().ok_or(Rejection::NoRealm)?;
    let (_, workflow) = offered(&config, kind)?;
    Ok(IdentifyPage {
        page: Page::new(app, visit, Site::SelfService, workflow.name.clone())?,
        parts: parts(&plan(&workflow.activities), 0),
        task: workflow.name.clone(),
        description: workflow.description.clone(),
        slug,
        problems,
        name: name.to_owned(),
    })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Result<Response, Failure> {
    view::render(&page(&app, &visit, task(&slug)?, "", Problems::default())?)
}

pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let task = task(&slug)?;
    let typed = form.text("name").unwrap_or("");
    let Ok(name) = LoginName::parse(typed) else {
        let mut problems = Problems::default();
        problems.add("name", text::NAME_INVALID);
        let shown: String = typed.chars().take(LoginName::MAX).collect();
        return view::render_as(
            StatusCode::UNPROCESSABLE_ENTITY,
            &page(&app, &visit, task, &shown, problems)?,
        );
    };
    let begun = app.on_the_grid(begin(&app, &visit, task.0, &name, typed.trim())).await;
    let progress = begun.map_err(|failure| failure.again(HOME))?;
    Ok(view::go(STEP, Some(progress.keep(&app.ports, visit.browser)?)))
}

/// Begins a run: finds the user, the policy and the workflow, by a linearizable read.
async fn begin(
    app: &App,
    visit: &Visit,
    kind: WorkflowKind,
    name: &LoginName,
    typed: &str,
) -> Result<Progress, Failure> {
    let ports = &app.ports;
    let state = ports.current().await?;
    let config = state.config().ok_or(Rejection::NoRealm)?;
    let now = ports.now();
    let source = AttemptTarget::Source(limits::source_hash(ports, visit.source)?);
    if let Some(until) = state.locked_until(source, now) {
        return Err(Failure { until: Some(until), ..Failure::new(ErrorCode::TooManyRequests) });
    }
    let (policy, workflow, subject) = match served(app, config, kind, name).await? {
        Ok(served) => served,
        Err(why) => {
            not_served(app, visit, name, why).await?;
            let (policy, workflow) = offered(config, kind)?;
            (policy, workflow, Subject::Nobody { hash: people::nobody(ports, name)? })
        }
    };
    if let Some(until) = state.locked_until(AttemptTarget::User(subject.hash()), now) {
        return Err(Failure { until: Some(until), ..Failure::new(ErrorCode::Locked) });
    }
    Ok(Progress {
        run: fresh_uuid(&*ports.entropy),
        expires: now.plus(config.general.session),
        policy: policy.id,
        kind,
        name: workflow.name.clone(),
        activities: plan(&workflow.activities),
        subject,
        typed: typed.chars().take(64).collect(),
        position: 0,
        tickets: 0,
        ending: None,
    })
}

/// Why a name is led on without ever passing; for the audit only.
#[derive(Debug, Clone, Copy)]
enum NotServed {
    NoSuchUser,
    Ambiguous,
    OutsideEveryScope,
    TaskNotOffered,
}

type Served<'c> = (&'c ManagementPolicy, &'c Workflow, Subject);

async fn served<'c>(
    app: &App,
    config: &'c RealmConfig,
    kind: WorkflowKind,
    name: &LoginName,
) -> Result<Result<Served<'c>, NotServed>, Failure> {
    let (record, directory) = match people::find(&app.ports, config, name).await? {
        Person::One(record, directory) => (record, directory),
        Person::Nobody => return Ok(Err(NotServed::NoSuchUser)),
        Person::Several => return Ok(Err(NotServed::Ambiguous)),
    };
    let Some(policy) = people::policy_of(config, &record, &*directory).await? else {
        return Ok(Err(NotServed::OutsideEveryScope));
    };
    let Some(workflow) = policy.workflow(kind) else { return Ok(Err(NotServed::TaskNotOffered)) };
    let hash = people::subject(&app.ports, record.user.guid)?;
    Ok(Ok((policy, workflow, Subject::User { user: record.user, hash })))
}

/// Records it, and counts it against the source, so that names cannot be tried without end. A source that is locked
/// by this very count is not told here: only such names are counted, so the refusal would tell which they are.
async fn not_served(app: &App, visit: &Visit, name: &LoginName, why: NotServed) -> Result<(), Failure> {
    match limits::count_source(&app.ports, visit.source).await {
        Err(failure) if failure.code != ErrorCode::TooManyRequests => return Err(failure),
        _ => {}
    }
    let note = format!("{name} from {}: {why:?}", visit.source);
    app.ports.record(Actor::Anonymous, AuditEvent::NotServed(Site::SelfService), None, &note).await
}
