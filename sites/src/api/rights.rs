//! Whether the access account of a domain connection may do what it has to. Nothing is changed.

use super::Shared;
use super::config::no_realm;
use super::problem::ApiProblem;
use super::request::{Body, PathPart};
use axum::Json;
use axum::extract::State;
use passquorum_domain::config::{DirectoryEndpoint, RealmConfig};
use passquorum_domain::directory::{DistinguishedName, LoginName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{Consistency, RightsAsked, RightsReport};
use serde::Deserialize;

/// Where to look; without any place, at whom the policies serve.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    #[serde(default)]
    below: Vec<DistinguishedName>,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    containers: Vec<DistinguishedName>,
}

/// `POST /api/v1/connections/{id}/rights`.
pub(super) async fn check(
    State(ports): State<Shared>,
    PathPart(id): PathPart<ConnectionId>,
    body: Body,
) -> Result<Json<RightsReport>, ApiProblem> {
    let places: Places = body.json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let config = state.config().ok_or_else(no_realm)?;
    let realm = state.realm().map(|realm| realm.id);
    let asked = RightsAsked { realm, ..asked(config, id, places)? };
    let directory = ports.directories.open(id).await?;
    let report = directory.rights(&asked).await?;
    report.map(Json).ok_or_else(|| ApiProblem::bad_input("path", "this connection has no access account"))
}

fn asked(config: &RealmConfig, id: ConnectionId, places: Places) -> Result<RightsAsked, ApiProblem> {
    let absent = || ApiProblem::new(ErrorCode::NotFound, "there is no such connection");
    let connection = config.connection(id).ok_or_else(absent)?;
    let Places { mut below, users, containers } = places;
    let users = users.iter().map(|name| LoginName::parse(name)).collect::<Result<Vec<_>, _>>();
    let users = users.map_err(|problem| ApiProblem::bad_input("users", problem.to_string()))?;
    if below.is_empty() && users.is_empty() {
        below = scopes(config, id);
        if let (true, DirectoryEndpoint::Ldaps(ldaps)) = (below.is_empty(), &connection.endpoint) {
            below.push(ldaps.base.clone());
        }
    }
    let mirror = config.general.mirror.as_ref().filter(|mirror| mirror.connection == id);
    let mirror = mirror.map(|mirror| mirror.container.clone());
    Ok(RightsAsked { below, users, containers, mirror, realm: None })
}

/// Each OU that a policy serves on this connection, once.
fn scopes(config: &RealmConfig, id: ConnectionId) -> Vec<DistinguishedName> {
    let mut found: Vec<DistinguishedName> = Vec::new();
    let scopes =
        config.policies.iter().flat_map(|policy| &policy.scope).filter(|scope| scope.connection == id);
    for ou in scopes.flat_map(|scope| &scope.allowed_ous) {
        if !found.contains(ou) {
            found.push(ou.clone());
        }
    }
    found
}
