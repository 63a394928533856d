//! What the demonstration prints: one line of JSON for programs, or a page for people.

use super::realm::{Account, accounts};
use crate::commands::Failure;
use crate::commands::fleet::{DemoNode, Fleet};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The answer of `demo`. Its JSON form is a contract.
#[derive(Serialize)]
pub(super) struct Report {
    nodes: Vec<NodeReport>,
    accounts: Vec<Account>,
    api_token: String,
    /// The realm authority's certificate, for clients that check the nodes'.
    authority: PathBuf,
}

#[derive(Serialize)]
struct NodeReport {
    id: u64,
    pid: u32,
    self_service: String,
    admin: String,
    helpdesk: String,
    health: String,
    api: String,
    restart: Vec<String>,
}

impl Report {
    pub(super) fn new(fleet: &Fleet, api_token: String) -> Result<Self, Failure> {
        let node = |node: DemoNode| {
            let url = node.config.site_url.as_str();
            Ok(NodeReport {
                id: node.id,
                pid: node.pid().ok_or_else(|| Failure::not_now(format!("node {} has ended", node.id)))?,
                self_service: format!("{url}/self-service/"),
                admin: format!("{url}/admin/"),
                helpdesk: format!("{url}/helpdesk/"),
                health: url.to_owned(),
                api: format!("{url}/api/v1"),
                restart: node.restart()?,
            })
        };
        let nodes = fleet.nodes().into_iter().map(node).collect::<Result<Vec<_>, Failure>>()?;
        let authority = fleet.first().config.data.keys().join("authority.crt");
        Ok(Self { nodes, accounts: accounts(), api_token, authority })
    }

    pub(super) fn json(&self) -> String {
        // No map with keys other than strings: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::from("The realm is ready. Any node serves every page.\n\n");
        // Writing to a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        for NodeReport { id, pid, self_service, admin, .. } in &self.nodes {
            line(format!("  node {id}  {self_service}   {admin}   (process {pid})"));
        }
        line("\nPeople (user / password):".to_owned());
        for Account { user, password, display_name, groups, .. } in &self.accounts {
            line(format!("  {user:<6} {password:<24} {display_name:<13} {}", groups.join(", ")));
        }
        for account in &self.accounts {
            for (question, answer) in &account.answers {
                line(format!("  {}: {question} → {answer}", account.user));
            }
        }
        line(format!("\nOperators' API token: {}", self.api_token));
        line(format!("Realm authority: {}", self.authority.display()));
        line("\nTo try:\n  - Forgot My Password as alice, with the answers above.".to_owned());
        line("  - Register as bob, then forget bob's password too.".to_owned());
        if let (Some(first), Some(second)) = (self.nodes.first(), self.nodes.get(1)) {
            line(
                "  - Kill a node between two steps and go on in the same browser at another node:".to_owned(),
            );
            line(format!("      kill -9 {}    then the same path at {}", first.pid, second.health));
            line(format!("    Start it again:  {}", first.restart.join(" ")));
        }
        line("  - The Admin site as ada: the cluster's members, policies, questions, lockout.".to_owned());
        let dir = self.authority.ancestors().nth(3).unwrap_or(&self.authority).display();
        line(format!(
            "\nCtrl-C stops everything. To start it again with its data: passquorum demo --dir {dir}"
        ));
        out.trim_end().to_owned()
    }
}
