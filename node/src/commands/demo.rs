//! `demo`: three nodes and an embedded directory on loopback, from nothing, to try everything out.
//!
//! The nodes are processes of their own (`run --dir …`), made by the same steps an operator takes: `init`, tokens,
//! `join`. The parent stays in the foreground and stops every node at its end, those too that were started again by
//! hand; it starts nothing again by itself, so that a killed node stays dead until somebody acts.

mod realm;
mod report;

use super::fleet::{self, DemoNode, Fleet};
use super::{Failure, answer, init, tell};
use crate::cli::DemoArgs;
use crate::client::Client;
use crate::env::SystemEntropy;
use crate::supervise;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{ClusterStatus, MemberRole, fresh_uuid};
use passquorum_domain::token::ApiScope;
use report::Report;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From the last start of a node until all vote and are ready.
const START: Duration = Duration::from_secs(60);

pub(super) async fn run(args: DemoArgs) -> Result<(), Failure> {
    let signal = supervise::stop_signal()?;
    tokio::pin!(signal);
    let dir = directory(args.dir.as_deref())?;
    let mut fleet = Fleet::plan(&dir, args.nodes, args.base_port)?;
    if !args.json {
        tell(&format!("Starting {} nodes in {} …", args.nodes, dir.display()));
    }
    let started = tokio::select! {
        started = start(&mut fleet) => Some(started),
        _ = signal.as_mut() => None,
    };
    let done = match started {
        Some(Ok(report)) => {
            let shown = answer(&if args.json { report.json() } else { report.text() });
            signal.await;
            shown
        }
        Some(Err(failure)) => Err(failure),
        None => Ok(()),
    };
    if !args.json {
        tell("Stopping the nodes …");
    }
    fleet.stop().await;
    done
}

fn directory(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let dir = match given {
        Some(dir) => std::path::absolute(dir)?,
        None => {
            let name = fresh_uuid(&SystemEntropy).simple().to_string();
            std::env::temp_dir().join(format!("passquorum-demo-{}", name.get(..8).unwrap_or(&name)))
        }
    };
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

async fn start(fleet: &mut Fleet) -> Result<Report, Failure> {
    let api_token = bring_up(fleet).await?;
    Report::new(fleet, api_token)
}

/// Starts every node; those that are not there yet found the realm and join it. Gives an API token with every scope.
pub(super) async fn bring_up(fleet: &mut Fleet) -> Result<String, Failure> {
    let first = fleet.first().clone();
    if !first.exists() {
        realm::seed_directory(&fleet.directory)?;
        let (config, policy) = realm::config()?;
        let keyring = init::found(&first.config, config, None).await?;
        realm::register(&fleet.directory, &keyring, &policy).await?;
    }
    let (present, missing): (Vec<_>, Vec<_>) = fleet.nodes().into_iter().partition(DemoNode::exists);
    for node in &present {
        fleet.spawn(node)?;
    }
    for node in &present {
        fleet.wait_until_ready(node, START).await?;
    }
    let operator = Client::of(first.config.data.clone());
    for node in &missing {
        let body = json!({ "role": node.role, "life_seconds": 600 });
        let token = token(operator.post("/api/v1/join-tokens", &body).await?)?;
        super::join::join(&node.config, std::slice::from_ref(&first.config.site_url), &token).await?;
        fleet.spawn(node)?;
        fleet.wait_until_ready(node, START).await?;
    }
    let voters = fleet.nodes().into_iter().filter(|node| node.role == Role::Voter).count();
    wait_until_all_vote(&operator, voters).await?;
    let scopes = json!({ "name": "demo", "scopes": ApiScope::ALL });
    token(operator.post("/api/v1/api-tokens", &scopes).await?)
}

fn token(created: Value) -> Result<String, Failure> {
    let text = created.get("token").and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::not_now("the node answered without a token"))
}

/// Waits until so many nodes vote.
pub(super) async fn wait_until_all_vote(operator: &Client, nodes: usize) -> Result<(), Failure> {
    let all_vote = fleet::until(START, || async {
        let status: ClusterStatus = operator.get("/api/v1/status").await.ok()?;
        let voters = status.members.iter().filter(|member| member.role == MemberRole::Voter).count();
        (voters == nodes && status.quorum).then_some(())
    });
    all_vote.await.ok_or_else(|| Failure::not_now("the nodes did not all become voters in time"))
}
