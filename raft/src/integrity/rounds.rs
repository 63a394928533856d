//! The rounds in which a member asks the voters for their digests and their clocks, and what it does when it is the one
//! that is wrong.

use crate::integrity::books::Standing;
use crate::integrity::checkpoints::Checkpoint;
use crate::integrity::clock::{self, ClockStanding};
use crate::integrity::evidence::Evidence;
use crate::integrity::verdict::{Court, Digests, Finding, Verdict};
use crate::member::{Lead, Member};
use crate::state_machine::SCHEME;
use crate::transport::request::Request;
use crate::wire::Done;
use futures::future::join_all;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::time::Timestamp;
use passquorum_storage::machine::Machine;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Heartbeats between two rounds, once a first one has shown that the clock is right: nobody leads before.
const HEARTBEATS: u32 = 32;
/// A member that does not answer within this is not heard in this round.
const ANSWER: Duration = Duration::from_secs(2);
/// Rounds in which a difference may stay undecided because a voter is not heard.
const PATIENCE: u32 = 12;
/// A leader that differs takes this long at most to hand over.
const HAND_OVER: Duration = Duration::from_secs(5);

/// Between two looks at what is new about the others.
const NOTES: Duration = Duration::from_millis(500);

/// What a member answers in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Its clock.
    at: Timestamp,
    digests: Digests,
}

/// What is known of a member after a round.
struct Heard {
    /// How far this member's clock is ahead of its, in milliseconds.
    ahead: i64,
    digests: Digests,
}

/// Compares now and then, as long as the member lives and is right.
pub(crate) async fn run(member: Weak<Member>) {
    let mut undecided = 0;
    loop {
        let Some(pause) = member.upgrade().map(|member| member.pause_between_rounds()) else { return };
        sleep(pause).await;
        let Some(member) = member.upgrade() else { return };
        let asked = member.ask_all().await;
        let answers = asked.iter().map(|(node, heard)| (*node, heard.is_some()));
        member.integrity.answers.send_replace(answers.collect());
        let heard: BTreeMap<_, _> =
            asked.into_iter().filter_map(|(node, heard)| Some((node, heard?))).collect();
        member.compare_clocks(&heard).await;
        let said = heard.into_iter().map(|(node, told)| (node, told.digests)).collect();
        let verdict = member.judge(&said, undecided >= PATIENCE);
        if verdict.agreed.is_some() {
            let _changed = member.integrity.checked.send_if_modified(|checked| {
                let grown = verdict.agreed > *checked;
                *checked = (*checked).max(verdict.agreed);
                grown
            });
        }
        for node in &verdict.others_wrong {
            tracing::error!(code = %ErrorCode::Diverged, %node, "another node's state differs from the majority's");
        }
        undecided = match verdict.undecided {
            Some(index) => {
                tracing::error!(code = %ErrorCode::Diverged, index, "states differ, and too few nodes answer to decide");
                undecided + 1
            }
            None => 0,
        };
        if let Some(finding) = verdict.wrong {
            member.leave(&finding, verdict.agreed, &said).await;
            return;
        }
    }
}

/// Writes down what is new about the others, as long as the member lives.
pub(crate) async fn take_notes(member: Weak<Member>) {
    loop {
        sleep(NOTES).await;
        let Some(member) = member.upgrade() else { return };
        if let Err(error) = member.integrity.books.note(member.integrity.witnesses()).await {
            tracing::warn!(%error, "what is known about the other nodes cannot be written down");
        }
    }
}

impl Member {
    /// What a peer is told in its round.
    pub(crate) fn tell(&self) -> Told {
        Told { at: self.clock.now(), digests: self.digests() }
    }

    /// What this member says about its state.
    fn digests(&self) -> Digests {
        let published = Arc::clone(&self.published.borrow());
        let index = published.last_applied.map_or(0, |id| id.index);
        Digests {
            scheme: SCHEME,
            tip: Checkpoint { index, digest: published.machine.digest() },
            checkpoints: published.machine.checkpoints().iter().collect(),
        }
    }

    /// What every voter says, and this member; nothing of those that do not answer.
    async fn ask_all(&self) -> BTreeMap<NodeId, Option<Heard>> {
        let members: Vec<(NodeId, String)> = {
            let metrics = self.metrics.borrow();
            let membership = metrics.membership_config.membership();
            let voters: BTreeSet<u64> = membership.voter_ids().collect();
            let asked = membership.nodes().filter(|(id, _)| voters.contains(id) || **id == self.node.0);
            asked.map(|(id, info)| (NodeId(*id), info.cluster_address.clone())).collect()
        };
        let ask = |(node, address): (NodeId, String)| async move {
            if node == self.node {
                return (node, Some(Heard { ahead: 0, digests: self.digests() }));
            }
            let sent = Instant::now();
            let told = self.peer(node, address).ask::<_, Told>(Request::Digests, &Done, ANSWER).await;
            let heard = told.ok().map(|told| {
                let ahead = clock::ahead(self.clock.now(), sent.elapsed(), told.at);
                Heard { ahead, digests: told.digests }
            });
            (node, heard)
        };
        join_all(members.into_iter().map(ask)).await.into_iter().collect()
    }

    fn pause_between_rounds(&self) -> Duration {
        let compared = self.integrity.clock.borrow().compared;
        self.tuning.heartbeat * if compared { HEARTBEATS } else { 1 }
    }

    /// Gives leadership up, and stands for no election, while this member's clock is the one that is wrong.
    async fn compare_clocks(&self, heard: &BTreeMap<NodeId, Heard>) {
        let voters = self.voters();
        let others = heard.iter().filter(|(node, _)| **node != self.node && voters.contains(&node.0));
        let before = *self.integrity.clock.borrow();
        let now = if voters.len() == 1 && voters.contains(&self.node.0) {
            ClockStanding::of_the_only_voter()
        } else {
            before.after(others.map(|(_, heard)| heard.ahead).collect())
        };
        self.integrity.clock.send_replace(now);
        let ahead_ms = now.offset_ms.unwrap_or(0);
        match (before.fit, now.fit) {
            (true, false) => tracing::error!(
                code = %ErrorCode::ClockSkew, ahead_ms,
                "this node's clock is too far from the majority's: it does not lead until the clock is right"
            ),
            (false, true) => tracing::info!(ahead_ms, "this node's clock is right again"),
            _ => {}
        }
        if !now.fit && self.leads() {
            self.give_up_leadership().await;
        }
    }

    fn judge(&self, said: &BTreeMap<NodeId, Digests>, patience_is_over: bool) -> Verdict {
        let Some(digests) = said.get(&self.node) else { return Verdict::default() };
        let voters = self.voters().into_iter().map(NodeId).collect();
        let leader = self.leadership.borrow().leader;
        let court = Court { own: self.node, digests, voters: &voters, leader, heard: said, patience_is_over };
        court.judge()
    }

    /// Leaves for good: serves nothing more, keeps the evidence, notes it durably and hands over.
    async fn leave(&self, finding: &Finding, agreed: Option<u64>, said: &BTreeMap<NodeId, Digests>) {
        let Finding { index, ours, theirs } = finding;
        tracing::error!(
            code = %ErrorCode::Diverged, index, %ours, %theirs,
            "this node's state is not what the majority of nodes has; it leaves for good"
        );
        self.integrity.stop_serving();
        let last = self.metrics.borrow().last_log_index.unwrap_or(0);
        let log = self.integrity.books.tail(agreed.unwrap_or(0), last).await;
        let replica = self.published.borrow().machine.clone();
        self.integrity
            .evidence
            .send_replace(Some(Arc::new(Evidence::new(self.node, finding, agreed, said, log, replica))));
        if matches!(self.lead(), Lead::Here) {
            self.give_up_leadership().await;
        }
        self.condemn(Standing::Diverged(*index)).await;
    }

    async fn give_up_leadership(&self) {
        match timeout(HAND_OVER, self.hand_over(None)).await {
            Ok(Ok(leader)) => tracing::info!(%leader, "leadership was handed over"),
            Ok(Err(error)) => tracing::warn!(%error, "leadership was not handed over"),
            Err(_) => tracing::warn!("leadership was not handed over in time"),
        }
    }

    /// Ends this member's part, durably.
    pub(crate) async fn condemn(&self, standing: Standing) {
        self.integrity.stop_serving();
        if let Err(error) = self.integrity.books.condemn(standing).await {
            tracing::error!(%error, ?standing, "this cannot be noted; do not start this node again on its data");
        }
        self.integrity.condemned.send_replace(Some(standing));
    }
}
