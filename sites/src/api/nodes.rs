//! The registry of nodes and the verbs on it.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Body, Force, PathPart, ReadConsistency, commit_noted};
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use passquorum_domain::address::{HostPort, SiteUrl};
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{Instance, Role, Standing};
use passquorum_domain::ports::Consistency;
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::num::ParseIntError;
use std::str::FromStr;

/// A node as the registry has it.
#[derive(Serialize)]
pub(super) struct Node {
    id: NodeId,
    name: String,
    role: Role,
    cluster_address: String,
    site_url: String,
    joined_at: Timestamp,
    /// Since when it is being removed.
    leaving_since: Option<Timestamp>,
    removed_at: Option<Timestamp>,
}

impl From<&Instance> for Node {
    fn from(instance: &Instance) -> Self {
        Self {
            id: instance.id,
            name: instance.name.clone(),
            role: instance.role,
            cluster_address: instance.cluster_address.clone(),
            site_url: instance.site_url.clone(),
            joined_at: instance.joined_at,
            leaving_since: match instance.standing {
                Standing::Leaving(since) => Some(since),
                Standing::Active | Standing::Removed(_) => None,
            },
            removed_at: instance.removed_at(),
        }
    }
}

/// `GET /api/v1/nodes`: every node there ever was, by id.
pub(super) async fn list(
    State(ports): State<Shared>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Json<Vec<Node>>, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    Ok(Json(state.instances().map(Node::from).collect()))
}

/// A node id in a path.
pub(super) struct NodeNumber(NodeId);

impl FromStr for NodeNumber {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(|number| Self(NodeId(number)))
    }
}

/// `POST /api/v1/nodes/{id}/promote`.
pub(super) async fn promote(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(NodeNumber(node)): PathPart<NodeNumber>,
) -> Result<StatusCode, ApiProblem> {
    tracing::info!(actor = ?caller.actor, %node, "promote a node");
    ports.membership.promote(node, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/nodes/{id}`, with `?force=true` to give up the last spare voter.
pub(super) async fn remove(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(NodeNumber(node)): PathPart<NodeNumber>,
    Force(removal): Force,
) -> Result<StatusCode, ApiProblem> {
    tracing::info!(actor = ?caller.actor, %node, ?removal, "remove a node");
    ports.membership.remove(node, removal, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    cluster_address: HostPort,
}

/// `PUT /api/v1/nodes/{id}/address`, with `{"cluster_address": "host:port"}`.
pub(super) async fn move_to(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(NodeNumber(node)): PathPart<NodeNumber>,
    body: Body,
) -> Result<StatusCode, ApiProblem> {
    let Place { cluster_address } = body.json()?;
    tracing::info!(actor = ?caller.actor, %node, %cluster_address, "move a node");
    ports.membership.move_node(node, cluster_address, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSiteUrl {
    url: SiteUrl,
}

/// `PUT /api/v1/nodes/{id}/site-url`, with `{"url": "https://…"}`.
pub(super) async fn set_site_url(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    PathPart(NodeNumber(node)): PathPart<NodeNumber>,
    body: Body,
) -> Result<StatusCode, ApiProblem> {
    let NewSiteUrl { url } = body.json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let instance = state.instance(node).filter(|instance| instance.is_active());
    let none = || ApiProblem::new(ErrorCode::NotFound, format!("there is no active node {node}"));
    let seen = instance.ok_or_else(none)?.site_url.clone();
    let detail = ports.seal_detail(&format!("node {node}: {seen} -> {url}"))?;
    commit_noted(&ports, caller.actor, Action::SetSiteUrl { node, seen, url }, Some(detail)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Transfer {
    #[serde(default)]
    to: Option<NodeId>,
}

#[derive(Serialize)]
pub(super) struct Leader {
    leader: NodeId,
}

/// `POST /api/v1/leader/transfer`, with `{"to": id}`, `{}` or nothing.
pub(super) async fn transfer_leader(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Json<Leader>, ApiProblem> {
    let transfer = if body.0.is_empty() { Transfer::default() } else { body.json()? };
    tracing::info!(actor = ?caller.actor, to = ?transfer.to, "transfer leadership");
    let leader = ports.membership.transfer_leader(transfer.to, caller.actor).await?;
    Ok(Json(Leader { leader }))
}
