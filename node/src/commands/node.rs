//! `node`: the registry of the realm's nodes and the verbs on it.

use super::{Failure, answer, data_dir, day};
use crate::cli::{MoveArgs, NodeCommand, OneNode, Output, RemoveArgs, SetUrlArgs};
use crate::client::Client;
use http::Method;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Listed {
    id: NodeId,
    name: String,
    role: Role,
    cluster_address: String,
    site_url: String,
    #[serde(default)]
    leaving_since: Option<u64>,
    removed_at: Option<u64>,
}

pub(super) async fn run(command: NodeCommand) -> Result<(), Failure> {
    match command {
        NodeCommand::List(output) => list(&output).await,
        NodeCommand::Promote(args) => {
            let path = format!("/api/v1/nodes/{}/promote", args.node);
            change(&args, Method::POST, &path, Vec::new(), "promoted").await
        }
        NodeCommand::SetUrl(SetUrlArgs { of, url }) => {
            let (path, body) = (format!("/api/v1/nodes/{}/site-url", of.node), json!({ "url": url }));
            change(&of, Method::PUT, &path, body.to_string().into_bytes(), "given its URL").await
        }
        NodeCommand::Remove(RemoveArgs { of, force }) => {
            let query = if force { "?force=true" } else { "" };
            let path = format!("/api/v1/nodes/{}{query}", of.node);
            change(&of, Method::DELETE, &path, Vec::new(), "removed").await
        }
        NodeCommand::Move(MoveArgs { of, cluster_address }) => {
            let body = json!({ "cluster_address": cluster_address.to_string() }).to_string();
            let path = format!("/api/v1/nodes/{}/address", of.node);
            change(&of, Method::PUT, &path, body.into_bytes(), "moved").await
        }
        NodeCommand::Renew(output) => renew(&output).await,
        NodeCommand::TransferLeader(args) => {
            let body = args.to.map_or_else(|| json!({}), |to| json!({ "to": to }));
            let moved: Value = client(&args.output)?.post("/api/v1/leader/transfer", &body).await?;
            if args.output.json {
                return answer(&moved.to_string());
            }
            answer(&format!("node {} leads now", moved.get("leader").unwrap_or(&Value::Null)))
        }
    }
}

fn client(output: &Output) -> Result<Client, Failure> {
    Ok(Client::of(data_dir(&output.local.dir)?))
}

#[derive(Deserialize)]
struct Renewed {
    ends_at: Timestamp,
}

async fn renew(output: &Output) -> Result<(), Failure> {
    let renewed: Value = client(output)?.post("/api/v1/certificate/renew", &json!({})).await?;
    if output.json {
        return answer(&renewed.to_string());
    }
    let Renewed { ends_at } = serde_json::from_value(renewed)?;
    answer(&format!("the node has a new certificate, which ends on {}", day(ends_at)))
}

async fn list(output: &Output) -> Result<(), Failure> {
    let nodes: Value = client(output)?.get("/api/v1/nodes").await?;
    if output.json {
        return answer(&nodes.to_string());
    }
    let nodes: Vec<Listed> = serde_json::from_value(nodes)?;
    answer(&format!("{:>4}  {:<20} {:<13} {:<22} {}", "node", "name", "role", "peers", "site"))?;
    nodes.iter().try_for_each(|node| {
        let standing = match (node.removed_at, node.leaving_since) {
            (Some(_), _) => "  (removed)",
            (None, Some(_)) => "  (leaving)",
            (None, None) => "",
        };
        let Listed { id, name, role, cluster_address, site_url, .. } = node;
        let (id, role) = (id.0, role.as_str());
        answer(&format!("{id:>4}  {name:<20} {role:<13} {cluster_address:<22} {site_url}{standing}"))
    })
}

async fn change(
    args: &OneNode,
    method: Method,
    path: &str,
    body: Vec<u8>,
    done: &str,
) -> Result<(), Failure> {
    client(&args.output)?.send(method, path, &[], body).await?;
    if args.output.json {
        return answer(&json!({ "node": args.node, "done": done }).to_string());
    }
    answer(&format!("node {} was {done}", args.node))
}
