//! A domain connection with its access account's password in clear: the password is sealed on this node before anything
//! is proposed, and is in no answer.

use super::Shared;
use super::auth::Caller;
use super::clear_password::ClearPassword;
use super::config::{Edit, change_config, no_realm};
use super::problem::ApiProblem;
use super::request::{Abandon, Body, PathPart, base_revision};
use crate::ports::Ports;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use passquorum_domain::blob::Sealed;
use passquorum_domain::config::{
    ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, Problem, RealmConfig,
};
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mail::{MailLogin, MailServer};
use passquorum_domain::ports::{Consistency, Purpose};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A connection as an operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    alias: String,
    #[serde(default = "default_attribute")]
    profile_attribute: String,
    /// Left out, it stays as it is; an empty one takes it away.
    #[serde(default)]
    former_profile_attribute: Option<String>,
    endpoint: NewEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NewEndpoint {
    Ldaps(NewLdaps),
    Embedded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLdaps {
    servers: Vec<String>,
    base: DistinguishedName,
    authorities: String,
    bind_name: String,
    /// In clear; left out, the present one stays.
    #[serde(default)]
    bind_password: Option<ClearPassword>,
    /// Left out, they stay as they are.
    #[serde(default)]
    push_sites: Option<Vec<AdSite>>,
}

fn default_attribute() -> String {
    "comment".to_owned()
}

/// `PUT /api/v1/connections/{id}`: adds the connection, or replaces the one with this id.
pub(super) async fn put(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(id): PathPart<ConnectionId>,
    Abandon(abandon): Abandon,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let new: NewConnection = body.secret_json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let present = state.config().ok_or_else(no_realm)?;
    let entered = match &new.endpoint {
        NewEndpoint::Ldaps(NewLdaps { bind_password: Some(_), .. }) => BTreeSet::from([id]),
        NewEndpoint::Ldaps(_) | NewEndpoint::Embedded => BTreeSet::new(),
    };
    let connection = DomainConnection {
        id,
        alias: new.alias,
        profile_attribute: new.profile_attribute,
        former_profile_attribute: match new.former_profile_attribute {
            Some(former) => Some(former).filter(|former| !former.is_empty()),
            None => present.connection(id).and_then(|connection| connection.former_profile_attribute.clone()),
        },
        endpoint: match new.endpoint {
            NewEndpoint::Ldaps(ldaps) => DirectoryEndpoint::Ldaps(seal(&ports, present, id, ldaps)?),
            NewEndpoint::Embedded => DirectoryEndpoint::Embedded,
        },
    };
    let change = ConfigChange::PutConnection(Box::new(connection));
    change_config(&ports, caller.actor, Edit { base, change, comment: None, entered, abandon }).await
}

/// An access account, in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    bind_name: String,
    bind_password: ClearPassword,
}

/// `PUT /api/v1/connections/{id}/account`: another access account for a connection, once a domain controller takes it.
pub(super) async fn put_account(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(id): PathPart<ConnectionId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let NewAccount { bind_name, bind_password } = body.secret_json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let present = state.config().ok_or_else(no_realm)?;
    let absent = || ApiProblem::new(ErrorCode::NotFound, "there is no such connection");
    let mut connection = present.connection(id).ok_or_else(absent)?.clone();
    let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint else {
        return Err(ApiProblem::bad_input("path", "this connection has no access account"));
    };
    ldaps.bind_name = bind_name;
    ldaps.bind_password = seal_password(&ports, id, &bind_password)?;
    let change = ConfigChange::PutConnection(Box::new(connection.clone()));
    // First, so that a name that could never be saved is not tried.
    present.with(change.clone()).map_err(ApiProblem::invalid_config)?;
    ports.directories.try_out(&connection).await?;
    let entered = BTreeSet::from([id]);
    change_config(&ports, caller.actor, Edit { base, change, comment: None, entered, abandon: false }).await
}

/// A configuration of another realm, with its access accounts' passwords.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortableConfig {
    config: RealmConfig,
    passwords: BTreeMap<ConnectionId, ClearPassword>,
}

/// `PUT /api/v1/config/portable`: puts it in force here. Its passwords are sealed for this realm first.
pub(super) async fn put_portable(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let PortableConfig { mut config, passwords } = body.secret_json()?;
    for connection in &mut config.connections {
        if let (DirectoryEndpoint::Ldaps(ldaps), Some(password)) =
            (&mut connection.endpoint, passwords.get(&connection.id))
        {
            ldaps.bind_password = seal_password(&ports, connection.id, password)?;
        }
    }
    // The file has none of the mail servers' passwords: an account that is not known here is entered anew.
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let kept = state.config().and_then(|present| present.general.mail.as_ref());
    for server in config.general.mail.iter_mut().flat_map(|mail| &mut mail.servers) {
        let host = &server.host;
        server.login = server.login.take().and_then(|MailLogin { user, .. }| {
            let password = MailServer::kept_password(&kept?.servers, host, &user)?.clone();
            Some(MailLogin { user, password })
        });
    }
    let change = ConfigChange::Replace(Box::new(config));
    let entered = passwords.into_keys().collect();
    change_config(&ports, caller.actor, Edit { base, change, comment: None, entered, abandon: false }).await
}

fn seal_password(ports: &Ports, id: ConnectionId, clear: &ClearPassword) -> Result<Sealed, ApiProblem> {
    let ClearPassword(password) = clear;
    Ok(ports.vault.seal(Purpose::ServiceAccount, id.0.as_bytes(), password.expose().as_bytes())?)
}

fn seal(
    ports: &Ports,
    present: &RealmConfig,
    id: ConnectionId,
    new: NewLdaps,
) -> Result<LdapsSettings, ApiProblem> {
    let kept = present_ldaps(present, id);
    let bind_password = match new.bind_password {
        Some(password) => seal_password(ports, id, &password)?,
        None => kept.map(|kept| kept.bind_password.clone()).ok_or_else(|| {
            ApiProblem::invalid_config(vec![Problem {
                field: "endpoint.ldaps.bind_password".to_owned(),
                message: "the connection has none yet; give it in clear".to_owned(),
            }])
        })?,
    };
    let push_sites = new.push_sites.or_else(|| kept.map(|kept| kept.push_sites.clone())).unwrap_or_default();
    let NewLdaps { servers, base, authorities, bind_name, .. } = new;
    Ok(LdapsSettings { servers, base, authorities, bind_name, bind_password, push_sites })
}

fn present_ldaps(config: &RealmConfig, id: ConnectionId) -> Option<&LdapsSettings> {
    match &config.connection(id)?.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => Some(ldaps),
        DirectoryEndpoint::Embedded => None,
    }
}
