//! What is wrong with a cluster as one node sees it, and what to do: the same words on the Admin site and the command line.
//!
//! Everything is told from a [`ClusterStatus`]; nothing is asked for here.

use crate::error_code::ErrorCode;
use crate::ports::{ClusterStatus, MemberRole, MemberStatus};
use serde::{Deserialize, Serialize};

/// Entries behind the leader's log at which a member counts as behind.
pub const BEHIND: u64 = 100;

/// How a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStanding {
    /// It leads, with a majority behind it.
    Leads,
    /// It leads, and no majority is known to stand behind it.
    Forsaken,
    /// It has nearly all of the leader's log.
    KeepsUp,
    /// It lacks so many entries.
    Behind(u64),
    /// It was asked last and did not answer.
    Silent,
    /// Nothing is known of it yet.
    Unknown,
}

impl MemberStanding {
    /// How one of the members does.
    #[must_use]
    pub fn of(member: &MemberStatus, status: &ClusterStatus) -> Self {
        match (member.answers, member.lag) {
            (Some(false), _) => Self::Silent,
            _ if member.leader && status.quorum => Self::Leads,
            _ if member.leader => Self::Forsaken,
            (_, Some(lag)) if lag >= BEHIND => Self::Behind(lag),
            (_, Some(_)) => Self::KeepsUp,
            (_, None) => Self::Unknown,
        }
    }

    /// In a word or two.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Forsaken => "no majority",
            Self::KeepsUp => "keeps up",
            Self::Behind(_) => "behind",
            Self::Silent => "does not answer",
            Self::Unknown => "not known",
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work now.
    Bad,
    /// Something will not work after one more failure, or does not work on one node.
    Warning,
    /// Something could be better.
    Note,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    fn new(severity: Severity, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity, what: what.into(), remedy: remedy.into() }
    }
}

/// Everything that is wrong, the worst first.
#[must_use]
pub fn findings(status: &ClusterStatus) -> Vec<Finding> {
    let mut found = Vec::new();
    if !status.quorum {
        let what = match status.leader {
            None => "No leader is known: nothing can be changed, and nobody can reset a password.",
            Some(_) => {
                "No majority stands behind the leader: nothing can be changed, and nobody can reset a password."
            }
        };
        found.push(Finding::new(Severity::Bad, what, ErrorCode::NoQuorum.remedy()));
    }
    if !status.clock_fit {
        let seconds = status.clock_ahead_ms.unwrap_or(0) / 1000;
        let what = format!(
            "The clock of node {} is {seconds} s ahead of the others' ({}).",
            status.node,
            ErrorCode::ClockSkew
        );
        found.push(Finding::new(Severity::Bad, what, ErrorCode::ClockSkew.remedy()));
    }
    found.extend(status.members.iter().filter_map(|member| of_member(member, status)));
    found.extend(spare_voters(status));
    found.sort_by_key(|finding| finding.severity);
    found
}

fn of_member(member: &MemberStatus, status: &ClusterStatus) -> Option<Finding> {
    let named = format!("{} (node {})", member.name, member.id);
    match MemberStanding::of(member, status) {
        MemberStanding::Silent => Some(Finding::new(
            Severity::Warning,
            format!("{named} does not answer."),
            format!(
                "Start it, or repair the network to it. If its host is lost for good: passquorum replace {}",
                member.id
            ),
        )),
        MemberStanding::Behind(lag) => Some(Finding::new(
            Severity::Warning,
            format!("{named} is {lag} entries behind."),
            "It catches up by itself. If the number grows, look at its disk, its network and its log.",
        )),
        MemberStanding::Leads
        | MemberStanding::Forsaken
        | MemberStanding::KeepsUp
        | MemberStanding::Unknown => None,
    }
}

/// What the realm can lose.
fn spare_voters(status: &ClusterStatus) -> Option<Finding> {
    const JOIN: &str = "Let one more node join: passquorum token create --role voter";
    let voters: Vec<_> = status.members.iter().filter(|member| member.role == MemberRole::Voter).collect();
    let silent = voters.iter().filter(|voter| voter.answers == Some(false)).count();
    let majority = voters.len() / 2 + 1;
    let count = voters.len();
    if !status.quorum || count == 0 {
        return None;
    }
    if silent > 0 && count - silent <= majority {
        let what = "One more voter that fails stops the realm.";
        let remedy = "Bring the voters back that do not answer, before anything else is stopped.";
        return Some(Finding::new(Severity::Warning, what, remedy));
    }
    match count {
        1 => Some(Finding::new(
            Severity::Note,
            "One voter: its failure stops the realm.",
            "Let two more nodes join: passquorum token create --role voter",
        )),
        even if even % 2 == 0 => {
            let what = format!("{even} voters survive no more failures than {} do.", even - 1);
            Some(Finding::new(Severity::Note, what, JOIN))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature_level::FeatureLevel;
    use crate::ids::NodeId;
    use crate::ports::LogPositions;

    fn member(id: u64) -> MemberStatus {
        MemberStatus {
            id: NodeId(id),
            name: format!("n{id}"),
            role: MemberRole::Voter,
            leader: id == 1,
            site_url: String::new(),
            applied: Some(9),
            lag: Some(0),
            answers: Some(true),
        }
    }

    fn status(voters: u64) -> ClusterStatus {
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 1,
            revision: 0,
            quorum: true,
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            takes_part: true,
            level: FeatureLevel::FIRST,
            log: LogPositions::default(),
            members: (1..=voters).map(member).collect(),
        }
    }

    fn found(status: &ClusterStatus) -> Vec<(Severity, String)> {
        findings(status).into_iter().map(|finding| (finding.severity, finding.what)).collect()
    }

    #[test]
    fn a_sound_realm_of_three_has_nothing_to_tell() {
        assert_eq!(found(&status(3)), []);
        assert_eq!(found(&status(2)).len(), 1, "no better than one");
        assert_eq!(
            found(&status(1)),
            [(Severity::Note, "One voter: its failure stops the realm.".to_owned())]
        );
    }

    #[test]
    fn a_voter_that_is_silent_is_named_and_so_is_what_the_realm_cannot_lose_any_more() {
        let mut status = status(3);
        status.members[2].answers = Some(false);
        let found = found(&status);
        assert_eq!(found[0], (Severity::Warning, "n3 (node 3) does not answer.".to_owned()));
        assert_eq!(found[1].1, "One more voter that fails stops the realm.");
        let mut five = self::status(5);
        five.members[4].answers = Some(false);
        assert_eq!(self::found(&five).len(), 1, "five can lose another");
    }

    #[test]
    fn what_stops_the_realm_comes_first() {
        let mut status = status(3);
        (status.quorum, status.clock_fit, status.members[1].lag) = (false, false, Some(BEHIND));
        let found = found(&status);
        let bad: Vec<_> = found.iter().map(|(severity, _)| *severity).collect();
        assert_eq!(bad, [Severity::Bad, Severity::Bad, Severity::Warning]);
        assert!(found[0].1.contains("No majority"), "{found:?}");
        status.leader = None;
        assert!(self::found(&status)[0].1.contains("No leader"));
    }
}
