//! `status`: the realm as the node of this host sees it.

use super::{Failure, answer, data_dir};
use crate::cli::Output;
use crate::client::Client;
use crate::health::NodeStatus;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::MemberRole;

pub(super) async fn run(args: &Output) -> Result<(), Failure> {
    let status: NodeStatus = Client::of(data_dir(&args.local.dir)?).get("/status").await?;
    if args.json {
        return answer(&serde_json::to_string(&status)?);
    }
    answer(&render(&status))
}

fn render(NodeStatus { cluster: status, mirror, lenders }: &NodeStatus) -> String {
    let leader = status.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let quorum = if status.quorum { "yes" } else { "NO" };
    let (term, revision) = (status.term, status.revision);
    let checked = status.checked.map_or_else(|| "nowhere".to_owned(), |index| index.to_string());
    let mut out = format!(
        "leader {leader}   term {term}   quorum {quorum}   configuration revision {revision}   state checked to {checked}\n\
         mirror {mirror}\n"
    );
    if let Some(lenders) = lenders {
        let lenders: Vec<String> = lenders.iter().map(ToString::to_string).collect();
        let lenders = if lenders.is_empty() { "NONE".to_owned() } else { lenders.join(", ") };
        out.push_str(&format!("voters that can be asked {lenders}\n"));
    }
    if !status.clock_fit {
        let ahead = status.clock_ahead_ms.unwrap_or(0) / 1000;
        out.push_str(&format!(
            "{}: this node's clock is {ahead} s ahead of the others'\n",
            ErrorCode::ClockSkew
        ));
    }
    out.push_str(&format!(
        "{:>4}  {:<20} {:<8} {:>10} {:>8}  {}",
        "node", "name", "role", "applied", "lag", "site"
    ));
    for member in &status.members {
        let role = match member.role {
            MemberRole::Voter if member.leader => "leader",
            MemberRole::Voter => "voter",
            MemberRole::Learner => "learner",
        };
        let number = |value: Option<u64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
        let (applied, lag) = (number(member.applied), number(member.lag));
        let (id, name, site) = (member.id.0, &member.name, &member.site_url);
        out.push_str(&format!("\n{id:>4}  {name:<20} {role:<8} {applied:>10} {lag:>8}  {site}"));
    }
    out
}
