//! The realm configuration as JSON: read whole, replaced whole, or changed in one part; each write is a compare-and-set
//! on the revision that the editor saw. Secrets in it stay sealed, and a sealed value must be one of this realm's.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Body, ReadConsistency, base_revision, commit, unexpected};
use crate::ports::Ports;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderValue};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection, Problem, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::Revision;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::Purpose;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `GET /api/v1/config`.
pub(super) async fn show(
    State(ports): State<Shared>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Response, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    let config = state.config().ok_or_else(no_realm)?;
    Ok(tagged(config.revision, Json(Arc::clone(config))))
}

/// `PUT /api/v1/config`: the whole configuration, an import. Its own `revision` is not looked at.
pub(super) async fn replace(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let config: RealmConfig = body.json()?;
    change_config(&ports, caller.actor, base, ConfigChange::Replace(Box::new(config))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRequest {
    base: Revision,
    change: ConfigChange,
}

/// `POST /api/v1/config/changes`: one change on top of a revision.
pub(super) async fn change(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, ApiProblem> {
    let ChangeRequest { base, change } = body.json()?;
    change_config(&ports, caller.actor, base, change).await
}

#[derive(Serialize)]
struct Changed {
    revision: Revision,
}

/// Proposes a change, after a look at the sealed values in it.
pub(super) async fn change_config(
    ports: &Ports,
    actor: Actor,
    base: Revision,
    change: ConfigChange,
) -> Result<Response, ApiProblem> {
    let problems = foreign_secrets(ports, &change);
    if !problems.is_empty() {
        return Err(ApiProblem::invalid_config(problems));
    }
    match commit(ports, actor, Action::ChangeConfig { base, change }).await? {
        Effect::Config(revision) => Ok(tagged(revision, Json(Changed { revision }))),
        effect => Err(unexpected(&effect)),
    }
}

/// Sealed passwords that this realm cannot open: copied from another realm or another connection.
fn foreign_secrets(ports: &Ports, change: &ConfigChange) -> Vec<Problem> {
    let connections: Vec<(String, &DomainConnection)> = match change {
        ConfigChange::PutConnection(connection) => vec![("connection".to_owned(), connection)],
        ConfigChange::Replace(config) => (0..)
            .zip(&config.connections)
            .map(|(n, connection)| (format!("connections[{n}]"), connection))
            .collect(),
        _ => Vec::new(),
    };
    let foreign = connections.into_iter().filter(|(_, connection)| match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ports
            .vault
            .open(Purpose::ServiceAccount, connection.id.0.as_bytes(), &ldaps.bind_password)
            .is_err(),
        DirectoryEndpoint::Embedded => false,
    });
    foreign
        .map(|(at, _)| Problem {
            field: format!("{at}.endpoint.Ldaps.bind_password"),
            message: "it is not a password sealed by this realm for this connection; set it in clear with \
                      PUT /api/v1/connections/{id}"
                .to_owned(),
        })
        .collect()
}

pub(super) fn no_realm() -> ApiProblem {
    ApiProblem::new(ErrorCode::NotFound, "there is no realm yet")
}

fn tagged(revision: Revision, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        headers.insert(ETAG, tag);
    }
    response
}
