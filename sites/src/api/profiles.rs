//! Tasks over many profiles. The answer comes line by line, each a JSON object that says how the task stands; the last says
//! `"done": true`, or has a `problem`. Who stops listening stops the task; what was done stays done.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::Body;
use crate::crowd::Crowd;
use crate::hashing::Hasher;
use crate::page_error::Failure;
use crate::profile_tasks::{self, Brought, Desk, Listener, Progress, Selection, Stopped};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use passquorum_domain::config::{DomainConnection, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that wait for a slow listener.
const WAITING: usize = 4;

/// `POST /api/v1/profiles/migrate`: whose profiles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Migration {
    /// The alias of the domain connection.
    domain: String,
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/profiles/unregister`: whose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unregistration {
    domain: String,
    who: Selection,
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/profiles/import`: whose, and the answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    people: Vec<Brought>,
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn migrate(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(crowd): Extension<Crowd>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Migration { domain, dry_run } = body.json()?;
    let connection = connection(&*config(&ports).await?, &domain)?;
    let desk = desk(ports, caller, &crowd, dry_run);
    Ok(lines(|listener| async move { profile_tasks::migrate(&desk, &connection, listener).await }))
}

pub(super) async fn unregister(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(crowd): Extension<Crowd>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Unregistration { domain, who, dry_run } = body.json()?;
    let connection = connection(&*config(&ports).await?, &domain)?;
    let desk = desk(ports, caller, &crowd, dry_run);
    Ok(lines(|listener| async move { profile_tasks::unregister(&desk, &connection, &who, listener).await }))
}

pub(super) async fn import(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(crowd): Extension<Crowd>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Import { people, replace, dry_run } = body.secret_json()?;
    let config = config(&ports).await?;
    let desk = desk(ports, caller, &crowd, dry_run);
    Ok(lines(
        |listener| async move { profile_tasks::import(&desk, &config, people, replace, listener).await },
    ))
}

async fn config(ports: &Shared) -> Result<Arc<RealmConfig>, ApiProblem> {
    Ok(ports.current_config().await?)
}

fn connection(config: &RealmConfig, alias: &str) -> Result<DomainConnection, ApiProblem> {
    let is_meant = |connection: &&DomainConnection| connection.alias.to_lowercase() == alias.to_lowercase();
    let missing =
        || ApiProblem::new(ErrorCode::NotFound, format!("no domain connection has the alias {alias}"));
    config.connections.iter().find(is_meant).cloned().ok_or_else(missing)
}

fn desk(ports: Shared, caller: Caller, crowd: &Crowd, dry_run: bool) -> Desk {
    let settings = crowd.settings();
    let hasher = Hasher::new(settings.hashing);
    Desk { ports, hasher, cost: settings.answer_cost, actor: caller.actor, dry_run }
}

/// Runs a task whose progress is the answer.
fn lines<F, Fut>(task: F) -> Response
where
    F: FnOnce(Listener) -> Fut,
    Fut: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let (sender, told) = mpsc::channel::<Progress>(WAITING);
    let work = task(Listener::new(sender));
    let (failed, failure) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if let Err(Stopped::Failed(why)) = work.await {
            // Nobody is left to tell that nobody listens.
            let _ = failed.send(why);
        }
    });
    let state = (told, Some(failure));
    let body = stream::unfold(state, |(mut told, mut failure)| async move {
        let line = match told.recv().await {
            Some(progress) => json!(progress),
            None => problem(failure.take()?.await.ok()?),
        };
        Some((Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))), (told, failure)))
    });
    let mut response = Response::new(axum::body::Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn problem(failure: Failure) -> serde_json::Value {
    let ApiProblem { code, detail, .. } = failure.into();
    json!({ "problem": { "code": code.as_str(), "detail": detail, "remedy": code.remedy() } })
}
