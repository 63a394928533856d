//! When a living realm may be rehearsed on, and when a rehearsal on it has to end.

use super::load::Load;
use super::rotation::Keys;
use crate::client::Client;
use crate::commands::Failure;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::findings::{BEHIND, Severity, findings};
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{ClusterStatus, MemberRole, MemberStatus};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{interval, timeout};

/// Fewer voters have none to spare.
const FEWEST: usize = 3;
const LOOK: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) id: NodeId,
    leaving_since: Option<u64>,
}

/// A living realm, as a voter of it sees it.
pub(super) struct Realm {
    pub(super) name: String,
    pub(super) status: ClusterStatus,
    pub(super) nodes: Vec<Listed>,
    keys: Keys,
}

impl Realm {
    pub(super) async fn look(client: &Client) -> Result<Self, Failure> {
        let config: RealmConfig = client.get("/api/v1/config").await?;
        Ok(Self {
            name: config.general.organisation,
            status: client.get("/api/v1/status").await?,
            nodes: client.get("/api/v1/nodes").await?,
            keys: client.get("/api/v1/keys").await?,
        })
    }

    /// How many vote.
    pub(super) fn voters(&self) -> u64 {
        voters(&self.status).count() as u64
    }

    /// Everything that speaks against a rehearsal now.
    pub(super) fn objections(&self) -> Vec<String> {
        let mut found = of_status(&self.status);
        for leaving in self.nodes.iter().filter(|node| node.leaving_since.is_some()) {
            found.push(format!("node {} is being removed", leaving.id));
        }
        if !self.keys.at_rest() {
            found.push("the realm's data key is being replaced".to_owned());
        }
        found
    }
}

fn voters(status: &ClusterStatus) -> impl Iterator<Item = &MemberStatus> {
    status.members.iter().filter(|member| member.role == MemberRole::Voter)
}

fn of_status(status: &ClusterStatus) -> Vec<String> {
    let worse = findings(status).into_iter().filter(|finding| finding.severity < Severity::Note);
    let mut found: Vec<String> = worse.map(|finding| finding.what).collect();
    let count = voters(status).count();
    if count < FEWEST {
        found.push(format!("there are {count} voters, and one of them could not be spared"));
    }
    for voter in voters(status) {
        if voter.answers.is_none() {
            found.push(format!(
                "node {} was not asked yet whether it is there; try again in a moment",
                voter.id
            ));
        }
        if voter.lag.is_none_or(|lag| lag >= BEHIND) {
            found.push(format!("node {} has not caught up, as far as is known here", voter.id));
        }
    }
    if !voters(status).any(|voter| voter.id == status.node) {
        found.push("this host's node does not vote; rehearse on one that does".to_owned());
    }
    found
}

/// A voter that was there and is not any more.
fn gone(status: &ClusterStatus) -> Option<NodeId> {
    voters(status).find(|voter| voter.answers == Some(false)).map(|voter| voter.id)
}

/// Ends when a rehearsal must: no write was acknowledged for too long, or a voter has stopped to answer.
pub(super) async fn broken(load: &Load, client: &Client, patience: Duration) -> Failure {
    let mut ticks = interval(LOOK);
    loop {
        ticks.tick().await;
        let silent = load.silent_for();
        if silent > patience {
            let seconds = silent.as_secs_f64();
            return Failure::not_now(format!("given up: no write was acknowledged for {seconds:.1} s"));
        }
        // A node that does not answer must not keep this from looking at the load.
        let status = timeout(patience, client.get::<ClusterStatus>("/api/v1/status")).await;
        if let Some(voter) = status.ok().and_then(Result::ok).as_ref().and_then(gone) {
            return Failure::not_now(format!("given up: node {voter} does not answer any more"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ports::LogPositions;

    fn sound(voters: u64) -> ClusterStatus {
        let member = |id: u64| MemberStatus {
            id: NodeId(id),
            name: format!("n{id}"),
            role: MemberRole::Voter,
            leader: id == 1,
            site_url: String::new(),
            applied: Some(9),
            lag: Some(0),
            answers: Some(true),
        };
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 1,
            revision: 0,
            quorum: true,
            level: FeatureLevel::FIRST,
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            takes_part: true,
            log: LogPositions::default(),
            members: (1..=voters).map(member).collect(),
        }
    }

    /// What is objected to a sound realm of three after a change.
    fn after(change: impl FnOnce(&mut ClusterStatus)) -> String {
        let mut status = sound(3);
        change(&mut status);
        of_status(&status).join("\n")
    }

    #[test]
    fn a_sound_realm_that_can_spare_a_voter_may_be_rehearsed_on() {
        assert_eq!(of_status(&sound(3)), Vec::<String>::new());
        assert_eq!(of_status(&sound(5)), Vec::<String>::new());
        assert!(of_status(&sound(1)).join("").contains("could not be spared"));
    }

    #[test]
    fn a_voter_that_stops_to_answer_ends_a_rehearsal() {
        let mut status = sound(3);
        assert_eq!(gone(&status), None);
        status.members[1].answers = Some(false);
        assert_eq!(gone(&status), Some(NodeId(2)));
        status.members[1].role = MemberRole::Learner;
        assert_eq!(gone(&status), None, "it does not vote");
    }

    #[test]
    fn one_in_which_something_is_wrong_may_not() {
        assert!(after(|status| status.members[2].answers = Some(false)).contains("does not answer"));
        assert!(after(|status| status.members[2].answers = None).contains("node 3 was not asked yet"));
        assert!(after(|status| status.members[1].lag = None).contains("node 2 has not caught up"));
        assert!(after(|status| status.members[1].lag = Some(BEHIND)).contains("node 2 has not caught up"));
        assert!(after(|status| status.quorum = false).contains("No majority"));
        assert!(after(|status| status.clock_fit = false).contains("clock"));
        assert!(after(|status| status.node = NodeId(9)).contains("does not vote"));
    }
}
