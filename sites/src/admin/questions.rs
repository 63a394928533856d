//! The question list of a policy: each question with its text and kind, to change, add or remove one at a time.

use super::confirm;
use super::edit::{Desk, Edit, Notice, Verdict, compare, saved};
use super::fields::Fields;
use super::policies::{PART, parse};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, ObjectDifference, Problem, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{QuestionId, Revision};
use passquorum_domain::ports::fresh_uuid;
use passquorum_domain::qa::{Question, QuestionKind};

#[derive(Template)]
#[template(path = "admin/questions.html")]
struct QuestionsPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    problems: Vec<(String, String)>,
    stale: Option<Vec<ObjectDifference>>,
    revision: Revision,
    policy: String,
    path: String,
    rows: Vec<Row>,
    /// What was typed for a new question and refused.
    draft: String,
    draft_kind: QuestionKind,
}

struct Row {
    number: usize,
    id: QuestionId,
    text: String,
    kind: QuestionKind,
}

/// What an attempt to edit the list left behind.
#[derive(Default)]
struct Left {
    notice: Notice,
    problems: Vec<(String, String)>,
    stale: Option<Vec<ObjectDifference>>,
    typed: Option<Typed>,
}

/// A question as it was typed and not saved.
struct Typed {
    /// Which it was to change; none for a new one.
    question: Option<String>,
    text: String,
    kind: QuestionKind,
}

fn find<'c>(config: &'c RealmConfig, id: &str) -> Result<&'c ManagementPolicy, Failure> {
    config.policy(parse(id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))
}

fn page(
    desk: &Desk,
    status: StatusCode,
    config: &RealmConfig,
    id: &str,
    left: Left,
) -> Result<Response, Failure> {
    let policy = find(config, id)?;
    let typed = left.typed.as_ref();
    let rows = (1..).zip(&policy.qa.questions).map(|(number, question)| {
        let typed = typed.filter(|typed| typed.question.as_deref() == Some(&*question.id.to_string()));
        let (text, kind) = typed.map_or((&question.text, question.kind), |typed| (&typed.text, typed.kind));
        Row { number, id: question.id, text: text.clone(), kind }
    });
    let new = typed.filter(|typed| typed.question.is_none());
    let template = QuestionsPage {
        page: desk.page(format!("Questions of {}", policy.name))?,
        part: PART,
        notice: left.notice,
        problems: left.problems,
        stale: left.stale,
        revision: config.revision,
        policy: policy.name.clone(),
        path: format!("{PART}/{}", policy.id),
        rows: rows.collect(),
        draft: new.map(|typed| typed.text.clone()).unwrap_or_default(),
        draft_kind: new.map_or(QuestionKind::Optional, |typed| typed.kind),
    };
    render_as(status, &template)
}

/// The list.
pub(super) async fn list(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let left = Left { notice: Notice::after(desk.saved), ..Left::default() };
    page(&desk, StatusCode::OK, &config, &id, left)
}

fn kind(fields: &Fields) -> QuestionKind {
    match fields.raw("kind") {
        "mandatory" => QuestionKind::Mandatory,
        "helpdesk" => QuestionKind::Helpdesk,
        _ => QuestionKind::Optional,
    }
}

/// Adds one.
pub(super) async fn add(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let question = QuestionId(fresh_uuid(&*desk.app.ports.entropy));
    edit(&desk, &id, (None, ""), form, |policy, fields| {
        policy.qa.questions.push(Question { id: question, kind: kind(fields), text: fields.text("text") });
        Ok(())
    })
    .await
}

/// Changes one.
pub(super) async fn change(
    desk: Desk,
    Path((id, question)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    let behind = format!("/{question}");
    edit(&desk, &id, (Some(&question), &behind), form, |policy, fields| {
        let mut questions = policy.qa.questions.iter_mut();
        let present = questions.find(|present| present.id.to_string() == question);
        let present = present.ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
        *present = Question { id: present.id, kind: kind(fields), text: fields.text("text") };
        Ok(())
    })
    .await
}

/// Removes one.
pub(super) async fn remove(
    desk: Desk,
    Path((id, question)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    let behind = format!("/{question}/remove");
    edit(&desk, &id, (None, &behind), form, |policy, _| {
        let before = policy.qa.questions.len();
        policy.qa.questions.retain(|present| present.id.to_string() != question);
        if policy.qa.questions.len() == before { Err(Failure::new(ErrorCode::NotFound)) } else { Ok(()) }
    })
    .await
}

async fn edit(
    desk: &Desk,
    id: &str,
    (question, behind): (Option<&str>, &str),
    form: Form,
    change: impl FnOnce(&mut ManagementPolicy, &Fields) -> Result<(), Failure>,
) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let mut policy = find(&config, id)?.clone();
    let mut fields = Fields::new(form);
    change(&mut policy, &fields)?;
    let path = format!("{PART}/{}/questions", policy.id);
    let action = format!("{path}{behind}");
    let note = format!("Questions of {}", policy.name);
    let draft = fields.text("text");
    let edit = Edit::new(&mut fields, ConfigChange::PutPolicy(Box::new(policy)))?;
    let typed = Typed { question: question.map(str::to_owned), text: draft, kind: kind(&fields) };
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(&path, revision)),
        Verdict::Back => {
            let left = Left { typed: Some(typed), ..Left::default() };
            page(desk, StatusCode::OK, &config, id, left)
        }
        Verdict::Unconfirmed(differences) => {
            confirm::page(desk, (PART, &action), &note, (edit.base, differences), fields.sent())
        }
        Verdict::Invalid(problems) => {
            let left = Left { problems: summary(&problems), typed: Some(typed), ..Left::default() };
            page(desk, StatusCode::UNPROCESSABLE_ENTITY, &config, id, left)
        }
        Verdict::Stale(present) => {
            let (differences, problems) = compare(&present, edit.change);
            let (problems, stale) = (summary(&problems), Some(differences));
            let left = Left { problems, stale, typed: Some(typed), ..Left::default() };
            page(desk, StatusCode::CONFLICT, &present, id, left)
        }
    }
}

fn summary(problems: &[Problem]) -> Vec<(String, String)> {
    let place = |field: &str| field.split_once("].").map_or(field, |(_, rest)| rest).to_owned();
    problems
        .iter()
        .map(|problem| (String::new(), format!("{}: {}", place(&problem.field), problem.message)))
        .collect()
}
