//! `status`: the realm as the node of this host sees it, once or as a view that stays.

mod watch;

use super::{Failure, answer, data_dir, day};
use crate::cli::StatusArgs;
use crate::client::Client;
use crate::health::NodeStatus;
use passquorum_domain::findings::{MemberStanding, Severity, findings};
use passquorum_domain::ports::MemberRole;
use std::fmt::Write as _;

pub(super) async fn run(args: &StatusArgs) -> Result<(), Failure> {
    let client = Client::of(data_dir(&args.output.local.dir)?);
    if args.watch {
        return watch::run(&client, args.output.json).await;
    }
    let status: NodeStatus = client.get("/status").await?;
    if args.output.json {
        return answer(&serde_json::to_string(&status)?);
    }
    answer(&render(&status))
}

/// What each severity's line begins with.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Bad => "WRONG",
        Severity::Warning => "WARNING",
        Severity::Note => "NOTE",
    }
}

fn render(told: &NodeStatus) -> String {
    let NodeStatus { cluster: status, mirror, points, certificates, site_certificate, lenders } = told;
    let leader = status.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let quorum = if status.quorum { "yes" } else { "NO" };
    let (term, revision, level) = (status.term, status.revision, status.level);
    let checked = status.checked.map_or_else(|| "nowhere".to_owned(), |index| index.to_string());
    let mut out = format!(
        "leader {leader}   term {term}   quorum {quorum}   configuration revision {revision}   feature level {level}\n\
         state checked to {checked}   mirror {mirror}   certificate for browsers ends {}\n\
         service connection points {points}\n\
         {:>4}  {:<20} {:<8} {:<15} {:>10} {:>8}  {:<11}  {}",
        site_certificate.map_or_else(|| "?".to_owned(), day),
        "node",
        "name",
        "role",
        "standing",
        "applied",
        "lag",
        "certificate",
        "site"
    );
    for member in &status.members {
        let role = match member.role {
            MemberRole::Voter if member.leader => "leader",
            MemberRole::Voter => "voter",
            MemberRole::Learner => "learner",
        };
        let number = |value: Option<u64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
        let (applied, lag) = (number(member.applied), number(member.lag));
        let standing = MemberStanding::of(member, status).as_str();
        let (id, name, site) = (member.id.0, &member.name, &member.site_url);
        let ends = certificates.get(&member.id).map_or_else(|| "?".to_owned(), |end| day(*end));
        // Writing to a text cannot fail.
        let _ = write!(
            out,
            "\n{id:>4}  {name:<20} {role:<8} {standing:<15} {applied:>10} {lag:>8}  {ends:<11}  {site}"
        );
    }
    if let Some(lenders) = lenders {
        let lenders: Vec<String> = lenders.iter().map(ToString::to_string).collect();
        let lenders = if lenders.is_empty() { "NONE".to_owned() } else { lenders.join(", ") };
        let _ = write!(out, "\nvoters that can be asked: {lenders}");
    }
    for finding in findings(status) {
        let _ = write!(out, "\n{}: {}\n    {}", word(finding.severity), finding.what, finding.remedy);
    }
    out
}
