//! What a fault may do: a realm under load, who leads it, for how long to do harm, and a place for notes.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::time::{Duration, Instant};

use serde_json::Value;

use super::api::Api;
use super::nodes::{self, Nodes};
use crate::rig::RigError;
use crate::wait;

const LONG: Duration = Duration::from_secs(60);

/// A realm under load.
#[derive(Debug)]
pub struct World {
    /// Its nodes and their network.
    pub nodes: Nodes,
    /// A client of its API.
    pub api: Api,
    /// How long to do harm, all in all.
    pub length: Duration,
    /// What is worth telling.
    pub notes: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

impl World {
    /// Adds a note for the report.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds a finding for the report, which fails the trial.
    pub fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    /// The place of the node that leads with a quorum behind it; waits until there is one.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when there is none within a minute.
    pub async fn leader(&self) -> Result<u64, RigError> {
        Ok(wait::until("a leader has a quorum", LONG, || async { self.leader_now().await }).await?)
    }

    /// Waits until another node leads than the one at this place, and gives its place.
    ///
    /// # Errors
    /// As [`World::leader`].
    pub async fn next_leader(&self, than: u64) -> Result<u64, RigError> {
        let next = || async { self.leader_now().await.filter(|leader| *leader != than) };
        Ok(wait::until("another node leads with a quorum", LONG, next).await?)
    }

    async fn leader_now(&self) -> Option<u64> {
        let mut best: Option<(u64, u64)> = None;
        for place in self.nodes.places() {
            let Some(status) = self.api.status(place).await else { continue };
            let term = status["term"].as_u64().unwrap_or(0);
            let leader = leader_place(&status);
            if let Some(leader) =
                leader.filter(|_| status["quorum"] == true && best.is_none_or(|(known, _)| term > known))
            {
                best = Some((term, leader));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Every other place.
    pub fn others(&self, place: u64) -> Vec<u64> {
        self.nodes.places().into_iter().filter(|other| *other != place).collect()
    }

    /// A place that does not lead.
    ///
    /// # Errors
    /// As [`World::leader`].
    pub async fn follower(&self) -> Result<u64, RigError> {
        let leader = self.leader().await?;
        let first = self.others(leader).first().copied();
        first.ok_or_else(|| RigError::Contract { who: "the realm", answer: "it has one node".to_owned() })
    }

    /// As many places as can be lost, the leader not among them.
    ///
    /// # Errors
    /// As [`World::leader`].
    pub async fn minority(&self) -> Result<Vec<u64>, RigError> {
        let leader = self.leader().await?;
        let most = (self.nodes.places().len() - 1) / 2;
        Ok(self.others(leader).into_iter().take(most).collect())
    }

    /// Lets the harm last.
    pub async fn last(&self) {
        wait::last(self.length).await;
    }

    /// Waits until a node that was started is ready or has ended. Says whether it is ready.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when it is neither within a minute.
    pub async fn serves_or_ended(&mut self, place: u64) -> Result<bool, RigError> {
        let (cluster, api) = (&mut self.nodes.cluster, &self.api);
        let serves = wait::until("the node is ready or ends", LONG, || {
            let running = cluster.is_running(place);
            async move { if running { api.is_ready(place).await.then_some(true) } else { Some(false) } }
        })
        .await?;
        if !serves {
            cluster.ended(place).await?;
        }
        Ok(serves)
    }

    /// Waits until the process of a node has ended by itself.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when it has not within this time.
    pub async fn ends(&mut self, place: u64, within: Duration) -> Result<(), RigError> {
        let cluster = &mut self.nodes.cluster;
        wait::until(&format!("the node at place {place} ends"), within, || {
            let ended = !cluster.is_running(place);
            async move { ended.then_some(()) }
        })
        .await?;
        cluster.ended(place).await
    }

    /// Waits until every node is ready. A node whose process has ended never will be.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when they are not within a minute, [`RigError::Contract`] when a process has ended.
    pub async fn all_ready(&mut self) -> Result<(), RigError> {
        let deadline = Instant::now() + LONG;
        for place in self.nodes.places() {
            let (cluster, api) = (&mut self.nodes.cluster, &self.api);
            let what = format!("the node at place {place} is ready, and those before it");
            let left = deadline.saturating_duration_since(Instant::now());
            let serves = wait::until(&what, left, || {
                let running = cluster.is_running(place);
                async move { if running { api.is_ready(place).await.then_some(true) } else { Some(false) } }
            })
            .await?;
            if !serves {
                let answer = format!("the node at place {place} has ended: see node-{place}.log");
                return Err(RigError::Contract { who: "passquorum", answer });
            }
        }
        Ok(())
    }

    /// The highest term that a node knows.
    pub async fn term(&self) -> u64 {
        let mut term = 0;
        for place in self.nodes.places() {
            let status = self.api.status(place).await.unwrap_or_default();
            term = term.max(status["term"].as_u64().unwrap_or(0));
        }
        term
    }

    /// Waits until every node votes, knows the same leader and has applied the same.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when they do not within a minute.
    pub async fn all_equal(&self) -> Result<(), RigError> {
        let equal = || async {
            let mut views = Vec::new();
            for place in self.nodes.places() {
                views.push(view(&self.api.status(place).await?)?);
            }
            (views.iter().all(|view| Some(view) == views.first())).then_some(())
        };
        Ok(wait::until("all nodes vote and have applied the same", LONG, equal).await?)
    }

    /// Waits until every node has compared all that it has applied with the majority, by digest, and found it equal.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when they have not within a minute.
    pub async fn all_compared(&self) -> Result<(), RigError> {
        let deadline = Instant::now() + LONG;
        for place in self.nodes.places() {
            let what = format!(
                "the node at place {place} has compared its state with the others', as those before it"
            );
            let left = deadline.saturating_duration_since(Instant::now());
            wait::until(&what, left, || async {
                let status = self.api.status(place).await?;
                let (_, _, applied) = view(&status)?;
                (status["checked"].as_u64()? >= applied).then_some(())
            })
            .await?;
        }
        Ok(())
    }
}

/// The place of the leader in a status.
fn leader_place(status: &Value) -> Option<u64> {
    let leader = status["leader"].as_u64()?;
    let members = status["members"].as_array()?;
    let name = members.iter().find(|member| member["id"] == leader)?["name"].as_str()?;
    (1..=9).find(|place| nodes::name(*place) == name)
}

/// What all nodes must agree on: leader, voters, and the last entry applied by the node that answers.
fn view(status: &Value) -> Option<(u64, Vec<u64>, u64)> {
    let members = status["members"].as_array()?;
    let own = members.iter().find(|member| member["id"] == status["node"])?;
    let mut voters = Vec::new();
    for member in members {
        (member["role"] == "voter").then_some(())?;
        voters.push(member["id"].as_u64()?);
    }
    Some((status["leader"].as_u64()?, voters, own["applied"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status() -> Value {
        json!({ "node": 2, "leader": 4, "members": [
            { "id": 2, "name": "node-2", "role": "voter", "applied": 7 },
            { "id": 4, "name": "node-1", "role": "voter", "applied": 9 },
        ]})
    }

    #[test]
    fn the_leaders_place_is_told_by_its_name_and_not_by_its_id() {
        assert_eq!(leader_place(&status()), Some(1));
    }

    #[test]
    fn a_view_counts_what_the_answering_node_has_applied_and_needs_all_to_vote() {
        assert_eq!(view(&status()), Some((4, vec![2, 4], 7)));
        let mut learner = status();
        learner["members"][1]["role"] = json!("learner");
        assert_eq!(view(&learner), None);
    }
}
