//! Tasks over many profiles, and the count of users: each line of the answer says how it stands. Who stops listening stops
//! the task; what was done stays done.

use super::Shared;
use super::auth::Caller;
use super::lines::lines;
use super::problem::ApiProblem;
use super::request::Body;
use crate::crowd::Crowd;
use crate::hashing::Hasher;
use crate::profile_tasks::{self, Brought, Desk, Listener, Rewritten, Selection};
use crate::user_count;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use passquorum_domain::config::{DomainConnection, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::qa::HashCost;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// `POST /api/v1/profiles/migrate`: whose profiles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Migration {
    /// The alias of the domain connection.
    domain: String,
    /// Also those that another hand put there.
    #[serde(default)]
    accept_rewritten: bool,
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/profiles/unregister`: whose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unregistration {
    domain: String,
    who: Selection,
    /// Those too that do not open here.
    #[serde(default)]
    unreadable: bool,
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
    Extension(workshop): Extension<Workshop>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Migration { domain, accept_rewritten, dry_run } = body.json()?;
    let rewritten = if accept_rewritten { Rewritten::Accepted } else { Rewritten::Left };
    let connection = connection(&*config(&ports).await?, &domain)?;
    let desk = workshop.desk(ports, caller, dry_run)?;
    Ok(lines(|line| async move {
        profile_tasks::migrate(&desk, &connection, rewritten, Listener::new(line)).await
    }))
}

pub(super) async fn unregister(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(workshop): Extension<Workshop>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Unregistration { domain, who, unreadable, dry_run } = body.json()?;
    let connection = connection(&*config(&ports).await?, &domain)?;
    let desk = workshop.desk(ports, caller, dry_run)?;
    Ok(lines(|line| async move {
        profile_tasks::unregister(&desk, &connection, &who, unreadable, Listener::new(line)).await
    }))
}

pub(super) async fn import(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(workshop): Extension<Workshop>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let Import { people, replace, dry_run } = body.secret_json()?;
    let config = config(&ports).await?;
    let desk = workshop.desk(ports, caller, dry_run)?;
    Ok(lines(|line| async move {
        profile_tasks::import(&desk, &config, people, replace, Listener::new(line)).await
    }))
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

/// What these tasks may take of a node together.
#[derive(Clone)]
pub(super) struct Workshop {
    hasher: Hasher,
    cost: HashCost,
    places: Arc<Semaphore>,
    crowd: Crowd,
}

impl Workshop {
    /// Tasks that a node works on at a time.
    const PLACES: usize = 2;

    pub(super) fn of(crowd: &Crowd) -> Self {
        let settings = crowd.settings();
        Self {
            hasher: Hasher::new(settings.hashing),
            cost: settings.answer_cost,
            places: Arc::new(Semaphore::new(Self::PLACES)),
            crowd: crowd.clone(),
        }
    }

    fn desk(&self, ports: Shared, caller: Caller, dry_run: bool) -> Result<Desk, ApiProblem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = format!("{} such tasks run on this node already", Self::PLACES);
            ApiProblem::new(ErrorCode::Busy, detail)
        })?;
        let (hasher, cost) = (self.hasher.clone(), self.cost);
        Ok(Desk { ports, hasher, cost, actor: caller.actor, dry_run, _place: place })
    }
}

/// `GET /api/v1/users/count`: how many users each policy serves, and how many of them have registered.
pub(super) async fn count_users(
    State(ports): State<Shared>,
    Extension(workshop): Extension<Workshop>,
) -> Result<Response, ApiProblem> {
    let config = config(&ports).await?;
    let place = workshop.crowd.count_users()?;
    Ok(lines(|line| async move {
        let _place = place;
        user_count::count(&ports, &config, None, &line).await
    }))
}
