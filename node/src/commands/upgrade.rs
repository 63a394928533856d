//! `upgrade`: who runs which program, and the end of a rolling upgrade.

use super::{Failure, answer, data_dir};
use crate::cli::{Output, UpgradeCommand};
use crate::client::Client;
use passquorum_domain::ports::{NodeSupport, Support, UpgradeStatus};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) async fn run(command: UpgradeCommand) -> Result<(), Failure> {
    match command {
        UpgradeCommand::Status(output) => status(&output).await,
        UpgradeCommand::Finalise(output) => finalise(&output).await,
    }
}

fn client(output: &Output) -> Result<Client, Failure> {
    Ok(Client::of(data_dir(&output.local.dir)?))
}

async fn status(output: &Output) -> Result<(), Failure> {
    let status: UpgradeStatus = client(output)?.get("/api/v1/upgrade").await?;
    if output.json {
        let mut told = serde_json::to_value(&status)?;
        if let Some(told) = told.as_object_mut() {
            told.insert("obstacles".to_owned(), json!(status.obstacles()));
        }
        return answer(&told.to_string());
    }
    answer(&render(&status))
}

fn render(status: &UpgradeStatus) -> String {
    let UpgradeStatus { level, supported, nodes } = status;
    let mut out = format!(
        "the realm runs at feature level {level}; this program supports {supported}\n{:>4}  {:<20} {:<13} {:<12} {}",
        "node", "name", "role", "version", "supports"
    );
    for NodeSupport { node, name, role, supports } in nodes {
        let (version, reaches) = match supports {
            Support::Known { level, version } => (super::plain(version), level.to_string()),
            Support::KnowsNoLevels => ("earlier".to_owned(), "1".to_owned()),
            Support::Silent => ("?".to_owned(), "does not answer".to_owned()),
        };
        let (id, role) = (node.0, role.as_str());
        // Writing to a text cannot fail.
        let _ = write!(out, "\n{id:>4}  {name:<20} {role:<13} {version:<12} {reaches}");
    }
    let obstacles = status.obstacles();
    match status.next() {
        None => out.push_str("\nno upgrade is under way that this program could finish"),
        Some(next) if obstacles.is_empty() => {
            let _ = write!(out, "\nready for feature level {next}: passquorum upgrade finalise");
        }
        Some(_) => {}
    }
    for obstacle in obstacles {
        let _ = write!(out, "\n{obstacle}");
    }
    out
}

async fn finalise(output: &Output) -> Result<(), Failure> {
    let raised: Value = client(output)?.post("/api/v1/upgrade/finalise", &json!({})).await?;
    if output.json {
        return answer(&raised.to_string());
    }
    let level = raised.get("level").unwrap_or(&Value::Null);
    answer(&format!("the upgrade is finished: the realm runs at feature level {level}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ids::NodeId;
    use passquorum_domain::instance::Role;

    #[test]
    fn the_table_says_what_each_node_runs_and_what_is_missing() {
        let node = |number, supports| NodeSupport {
            node: NodeId(number),
            name: format!("n{number}"),
            role: Role::Voter,
            supports,
        };
        let known = || Support::Known { level: FeatureLevel::CURRENT, version: "9.9.9".to_owned() };
        let mut status = UpgradeStatus {
            level: FeatureLevel::FIRST,
            supported: FeatureLevel::CURRENT,
            nodes: vec![node(1, known()), node(2, Support::KnowsNoLevels), node(3, Support::Silent)],
        };
        let told = render(&status);
        for wanted in ["9.9.9", "earlier", "does not answer", "\nnode 2 (n2) ", "\nnode 3 (n3) "] {
            assert!(told.contains(wanted), "{wanted}: {told}");
        }
        assert!(!told.contains("ready for"), "{told}");
        status.nodes.truncate(1);
        assert!(render(&status).contains("ready for"));
    }
}
