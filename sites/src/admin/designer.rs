//! The workflow designer: the activities that there are on one side, those of the workflow in their order on the other.
//!
//! Invariants: everything works by buttons alone; a script only presses them. Nothing is kept before *Save*, which is an edit
//! like every other. While a field cannot be read, nothing moves.

mod catalogue;
mod draft;
mod preview;
mod rehearsal;
mod settings;

use super::confirm;
use super::edit::{Desk, Edit, Editor, Notice, Verdict, compare, saved};
use super::fields::Fields;
use super::inputs::{Control, Input, Section, element_id, mark, refill};
use super::policies::{PART, parse};
use super::workflows::kind_label;
use crate::extract::Form;
use crate::locale::Message;
use crate::page_error::Failure;
use crate::text;
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::{OriginalUri, Path};
use axum::response::Response;
use catalogue::ActivityKind;
use draft::{Done, Press};
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, ObjectDifference, Problem, RealmConfig};
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{Revision, WorkflowId};
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::workflow::{Activity, Workflow, WorkflowKind};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "admin/designer.html")]
struct DesignerPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    /// Problems with the ids of their inputs, where there is one.
    problems: Vec<(String, String)>,
    stale: Option<Vec<ObjectDifference>>,
    revision: Revision,
    policy: String,
    list: String,
    path: String,
    kind: &'static str,
    /// Where people start it, if it is a custom one.
    address: Option<String>,
    about: Vec<Input>,
    tester: Input,
    offers: Vec<(&'static str, Vec<ActivityKind>)>,
    items: Vec<Item>,
    /// What keeps the draft from being saved, before anybody tried.
    missing: Vec<String>,
}

/// One activity of the workflow.
struct Item {
    place: usize,
    number: usize,
    id: String,
    kind: ActivityKind,
    inputs: Vec<Input>,
    problem: Option<String>,
    /// The last press was about it.
    touched: bool,
    is_last: bool,
}

impl Item {
    fn is_open(&self) -> bool {
        self.touched || self.inputs.iter().any(|input| input.problem.is_some())
    }
}

/// The policy and the workflow that a page is about.
struct Subject {
    config: Arc<RealmConfig>,
    policy: ManagementPolicy,
    workflow: Workflow,
    level: FeatureLevel,
}

impl Subject {
    /// The workflow with this id, or a custom one to begin with under it.
    async fn of(desk: &Desk, policy: &str, id: WorkflowId) -> Result<Self, Failure> {
        let config = desk.config().await?;
        let policy = config.policy(parse(policy)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?.clone();
        let present = policy.workflows.iter().find(|workflow| workflow.id == id).cloned();
        let workflow = present.unwrap_or_else(|| Workflow {
            id,
            kind: WorkflowKind::Custom,
            name: String::new(),
            description: String::new(),
            enabled: true,
            hidden: false,
            activities: Vec::new(),
        });
        Ok(Self { level: desk.app.ports.consensus.local().level(), config, policy, workflow })
    }

    fn list(&self) -> String {
        format!("{PART}/{}/workflows", self.policy.id)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.list(), self.workflow.id)
    }

    /// The policy with the draft in it, and the draft's place.
    fn with(&self, draft: &Workflow) -> (ManagementPolicy, usize) {
        let mut policy = self.policy.clone();
        let place = policy.workflows.iter().position(|workflow| workflow.id == draft.id);
        let place = place.unwrap_or_else(|| {
            policy.workflows.push(draft.clone());
            policy.workflows.len() - 1
        });
        if let Some(workflow) = policy.workflows.get_mut(place) {
            workflow.clone_from(draft);
        }
        (policy, place)
    }
}

/// How the page is shown.
#[derive(Default)]
struct Shown<'a> {
    status: StatusCode,
    revision: Revision,
    notice: Notice,
    problems: &'a [Problem],
    stale: Option<Vec<ObjectDifference>>,
    /// What was typed, where it is to be shown as it was typed.
    typed: Option<&'a Fields>,
    touched: Option<usize>,
}

fn page(desk: &Desk, subject: &Subject, draft: &Workflow, shown: Shown<'_>) -> Result<Response, Failure> {
    let mut sections = editor(&subject.policy, draft, subject.level).sections;
    sections.push(Section::new("", "", vec![rehearsal::tester()]));
    if let Some(fields) = shown.typed {
        refill(&mut sections, fields);
    }
    mark(&mut sections, shown.problems);
    let problems = summary(&sections, draft, shown.problems);
    let mut sections = sections.into_iter().map(|section| section.inputs);
    let about = sections.next().unwrap_or_default();
    let tester = sections.next_back().and_then(|mut inputs| inputs.pop()).unwrap_or_else(rehearsal::tester);
    let last = draft.activities.len();
    let item = |(place, (activity, inputs)): (usize, (&Activity, Vec<Input>))| {
        let field = draft::prefix(place);
        let problem = shown.problems.iter().find(|problem| problem.field == field);
        Item {
            place,
            number: place + 1,
            id: element_id(&field),
            kind: ActivityKind::of(activity),
            inputs,
            problem: problem.map(|problem| problem.message.clone()),
            touched: shown.touched == Some(place),
            is_last: place + 1 == last,
        }
    };
    let items = draft.activities.iter().zip(sections).enumerate().map(item).collect();
    let missing = if problems.is_empty() {
        draft::problems(draft, subject.level).into_iter().map(|problem| problem.message).collect()
    } else {
        Vec::new()
    };
    let name =
        if draft.name.is_empty() { "New workflow".to_owned() } else { format!("Workflow {}", draft.name) };
    let template = DesignerPage {
        page: desk.page(name)?,
        part: PART,
        notice: shown.notice,
        problems,
        stale: shown.stale,
        revision: shown.revision,
        policy: subject.policy.name.clone(),
        list: subject.list(),
        path: subject.path(),
        kind: kind_label(draft.kind),
        address: (draft.kind == WorkflowKind::Custom).then(|| format!("/self-service/start/{}", draft.id)),
        about,
        tester,
        offers: offers(subject.level),
        items,
        missing,
    };
    render_as(shown.status, &template)
}

/// What may be added at this feature level, by what it is for.
fn offers(level: FeatureLevel) -> Vec<(&'static str, Vec<ActivityKind>)> {
    let which = |title, is_it: fn(&Activity) -> bool| {
        let fits = |kind: &ActivityKind| is_it(&kind.blank()) && kind.blank().needs() <= level;
        (title, ActivityKind::ALL.into_iter().filter(fits).collect::<Vec<_>>())
    };
    let mut offers = vec![
        which("To prove who one is", Activity::authenticates),
        which("To do something", Activity::acts),
        which("Beside that", |activity| !activity.authenticates() && !activity.acts()),
    ];
    offers.retain(|(_, kinds)| !kinds.is_empty());
    offers
}

fn summary(sections: &[Section], draft: &Workflow, problems: &[Problem]) -> Vec<(String, String)> {
    let input =
        |name: &str| sections.iter().flat_map(|section| &section.inputs).find(|input| input.name == name);
    let activity = |name: &str| {
        let place: usize = name.strip_prefix("a.")?.split('.').next()?.parse().ok()?;
        draft.activities.get(place).map(|activity| (place, ActivityKind::of(activity).label()))
    };
    let entry = |problem: &Problem| {
        let label = input(&problem.field).map(|input| format!("{}: ", input.label)).unwrap_or_default();
        let (id, of) = match activity(&problem.field) {
            // The message of a problem with an activity as a whole names it already.
            Some((place, of)) if !label.is_empty() => {
                (element_id(&problem.field), format!("{}. {of}, ", place + 1))
            }
            _ if problem.field.is_empty() => (String::new(), String::new()),
            _ => (element_id(&problem.field), String::new()),
        };
        (id, format!("{of}{label}{}", problem.message))
    };
    problems.iter().map(entry).collect()
}

/// A new custom workflow, empty or a copy of another one of the policy (`?from=ID`). It is in the form only.
pub(super) async fn new(
    desk: Desk,
    Path(policy): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let id = WorkflowId(fresh_uuid(&*desk.app.ports.entropy));
    let subject = Subject::of(&desk, &policy, id).await?;
    let from = uri.query().and_then(|query| query.strip_prefix("from="));
    let draft = match from {
        None => subject.workflow.clone(),
        Some(from) => {
            let original = subject.policy.workflows.iter().find(|workflow| workflow.id.to_string() == from);
            let original = original.ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
            let name = format!("Copy of {}", original.name).chars().take(100).collect();
            Workflow { id, kind: WorkflowKind::Custom, name, ..original.clone() }
        }
    };
    let shown = Shown { revision: subject.config.revision, ..Shown::default() };
    page(&desk, &subject, &draft, shown)
}

/// The settings of a workflow as a form, for the search.
pub(super) fn editor(policy: &ManagementPolicy, workflow: &Workflow, level: FeatureLevel) -> Editor {
    let activities = workflow.activities.iter().enumerate().map(|(place, activity)| {
        Section::new(label(activity), "", catalogue::inputs(&draft::prefix(place), activity, &policy.qa))
    });
    let about = Section::new("What people see first", "", draft::about(workflow, level));
    Editor {
        title: format!("Workflow {} of the policy {}", workflow.name, policy.name),
        part: PART,
        action: format!("{PART}/{}/workflows/{}", policy.id, workflow.id),
        sections: std::iter::once(about).chain(activities).collect(),
        related: Vec::new(),
        buttons: Vec::new(),
    }
}

/// What an activity is called.
pub(super) fn label(activity: &Activity) -> &'static str {
    ActivityKind::of(activity).label()
}

fn workflow_id(id: &str) -> Result<WorkflowId, Failure> {
    id.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// The designer of one.
pub(super) async fn show(
    desk: Desk,
    Path((policy, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let subject = Subject::of(&desk, &policy, workflow_id(&id)?).await?;
    if subject.policy.workflows.iter().all(|workflow| workflow.id != subject.workflow.id) {
        return Err(Failure::new(ErrorCode::NotFound));
    }
    let notice = Notice::after(desk.saved);
    let shown = Shown { revision: subject.config.revision, notice, ..Shown::default() };
    page(&desk, &subject, &subject.workflow, shown)
}

/// Does what was pressed.
pub(super) async fn press(
    desk: Desk,
    Path((policy, id)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    let subject = Subject::of(&desk, &policy, workflow_id(&id)?).await?;
    let press = Press::parse(form.text("do").unwrap_or(""))
        .ok_or_else(|| Failure::bad_input("The form does not say what is to be done."))?;
    let mut fields = Fields::new(form);
    let mut draft = draft::read(&mut fields, &subject.workflow);
    let (after, place) = subject.with(&draft);
    let mut edit = Edit::new(&mut fields, ConfigChange::PutPolicy(Box::new(after)))?;
    let revision = edit.base;
    if !edit.problems.is_empty() && press != Press::Save {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let (problems, typed) = (edit.problems.as_slice(), Some(&fields));
        return page(
            &desk,
            &subject,
            &draft,
            Shown { status, revision, problems, typed, ..Shown::default() },
        );
    }
    match press {
        Press::Preview(number) => preview::page(&desk, &subject, &draft, &fields, number),
        Press::Rehearse => rehearse(&desk, &subject, &draft, place, (edit, fields)).await,
        Press::Save => {
            edit.problems.extend(draft::problems(&draft, subject.level));
            save(&desk, &subject, &draft, place, (edit, fields)).await
        }
        Press::Show | Press::Add(..) | Press::Move { .. } | Press::Remove(_) => {
            let (touched, notice) = match draft::carry_out(&mut draft.activities, press) {
                Some(Done { at, told }) => (at, Notice::Good(told)),
                None => (None, Notice::None),
            };
            page(&desk, &subject, &draft, Shown { revision, notice, touched, ..Shown::default() })
        }
    }
}

/// The draft as it goes with another page that leads back here.
fn carried(fields: &Fields) -> Vec<(String, String)> {
    let mut sent = fields.sent();
    sent.retain(|(name, _)| name != "do");
    sent
}

/// Tries a draft that could be saved.
async fn rehearse(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    place: usize,
    (edit, fields): (Edit, Fields),
) -> Result<Response, Failure> {
    let with_draft = subject.config.with(edit.change);
    let mut problems = draft::problems(draft, subject.level);
    if subject.level < FeatureLevel::FOURTH {
        let message = "a dry run needs feature level 4, since it is in the audit".to_owned();
        problems.push(Problem { field: rehearsal::TESTER.to_owned(), message });
    }
    let tester = LoginName::parse(&fields.text(rehearsal::TESTER));
    if tester.is_err() {
        let message = Message::from(text::NAME_INVALID).to_string();
        problems.push(Problem { field: rehearsal::TESTER.to_owned(), message });
    }
    match (with_draft, tester) {
        (Ok(config), Ok(name)) if problems.is_empty() => {
            rehearsal::page(desk, subject, draft, &fields, (config, name)).await
        }
        (with_draft, _) => {
            problems.extend(draft::located(with_draft.err().unwrap_or_default(), place));
            let shown = Shown {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                revision: edit.base,
                problems: &problems,
                typed: Some(&fields),
                ..Shown::default()
            };
            page(desk, subject, draft, shown)
        }
    }
}

async fn save(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    place: usize,
    (edit, fields): (Edit, Fields),
) -> Result<Response, Failure> {
    let note = format!("Workflow {} of {}", draft.name, subject.policy.name);
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(&subject.path(), revision)),
        Verdict::Back => page(desk, subject, draft, Shown { revision: edit.base, ..Shown::default() }),
        Verdict::Unconfirmed(differences) => {
            let differences = (edit.base, differences);
            confirm::page(desk, (PART, &subject.path()), &note, differences, fields.sent())
        }
        Verdict::Invalid(problems) => {
            let problems = draft::located(problems, place);
            let shown = Shown {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                revision: edit.base,
                problems: &problems,
                typed: Some(&fields),
                ..Shown::default()
            };
            page(desk, subject, draft, shown)
        }
        Verdict::Stale(present) => {
            let (differences, mut problems) = compare(&present, edit.change);
            problems.extend(edit.problems);
            let problems = draft::located(problems, place);
            let shown = Shown {
                status: StatusCode::CONFLICT,
                revision: present.revision,
                problems: &problems,
                stale: Some(differences),
                typed: Some(&fields),
                ..Shown::default()
            };
            page(desk, subject, draft, shown)
        }
    }
}
