//! The entry of a member that starts: before it votes, confirms or leads, those who know it must find nothing wrong.
//!
//! It introduces itself to the voters of its own membership, and takes part once a majority of them, itself counted, has
//! welcomed it. To a voter that has not answered it is deaf and mute even then, because a leader must never meet a follower
//! that lost what it had confirmed to it. Voters answer before they take part themselves, so that a whole realm can start at
//! once; a voter that is alone has nobody to ask, and a new member is known to nobody.

use crate::integrity::books::Standing;
use crate::integrity::witness::{Introduction, Recognition};
use crate::member::Member;
use crate::transport::request::{Class, Request};
use futures::future::join_all;
use passquorum_domain::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// A voter that does not answer within this is asked again.
const ANSWER: Duration = Duration::from_secs(2);

/// With whom this member speaks.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Doors>);

#[derive(Debug, Default)]
struct Doors {
    open: bool,
    /// Those that have yet to welcome it.
    waiting: BTreeSet<NodeId>,
}

impl Gate {
    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Raft may exchange this request with a peer.
    pub(crate) fn lets(&self, peer: NodeId, request: Request) -> bool {
        let of_raft = matches!(request.class(), Class::Raft | Class::Snapshot) || request == Request::Elect;
        let doors = self.doors();
        !of_raft || doors.open && !doors.waiting.contains(&peer)
    }
}

/// Introduces this member until every voter has answered, as long as it lives.
pub(crate) async fn run(member: Weak<Member>, introduction: Introduction) {
    let mut members = BTreeMap::new();
    let mut voters = BTreeSet::new();
    let mut own = None;
    if let Some(member) = member.upgrade() {
        let known = member.raft.with_raft_state(|state| {
            let membership = state.membership_state.effective();
            let nodes = membership.nodes().map(|(id, info)| (NodeId(*id), info.cluster_address.clone()));
            (nodes.collect::<BTreeMap<_, _>>(), membership.voter_ids().map(NodeId).collect::<BTreeSet<_>>())
        });
        let Ok(known) = known.await else { return };
        (members, voters) = known;
        own = Some(member.node);
        let others = voters.iter().copied().filter(|voter| *voter != member.node);
        member.integrity.gate().doors().waiting = others.collect();
    }
    loop {
        let Some(member) = member.upgrade() else { return };
        let waiting = member.integrity.gate().doors().waiting.clone();
        let welcomed = voters.iter().filter(|voter| Some(**voter) == own || !waiting.contains(voter)).count();
        if welcomed * 2 > voters.len() || voters.is_empty() {
            let alone = waiting.is_empty() && voters.len() == 1;
            member.open(alone).await;
        }
        if waiting.is_empty() {
            return;
        }
        let ask = |voter: NodeId| {
            let (member, introduction) = (&member, &introduction);
            let address = members.get(&voter).cloned().unwrap_or_default();
            async move {
                let peer = member.peer(voter, address);
                let answer = peer.ask::<_, Recognition>(Request::Introduce, introduction, ANSWER).await;
                (voter, answer)
            }
        };
        for (voter, answer) in join_all(waiting.into_iter().map(ask)).await {
            match answer {
                Ok(Recognition::Welcome) => drop(member.integrity.gate().doors().waiting.remove(&voter)),
                Ok(refused) => {
                    tracing::error!(%voter, ?refused, "a voter remembers more of this node than its disk holds");
                    member.condemn(Standing::Outdated).await;
                    return;
                }
                Err(error) => {
                    tracing::debug!(%voter, %error, "a voter has not answered the introduction yet")
                }
            }
        }
        let pause = member.tuning.heartbeat;
        drop(member);
        sleep(pause).await;
    }
}

impl Member {
    /// Lets this member stand for election by itself, or not, as everything that is known of it allows.
    pub(crate) fn allow_elections(&self) {
        let open = self.integrity.gate().doors().open;
        self.raft.runtime_config().elect(self.elections && open && self.integrity.clock_is_fit());
    }

    /// From now on this member takes part; the only voter need not wait for somebody else to lead.
    async fn open(&self, alone: bool) {
        let was_open = std::mem::replace(&mut self.integrity.gate().doors().open, true);
        if was_open {
            return;
        }
        self.allow_elections();
        if alone && self.elections && self.raft.trigger().elect().await.is_err() {
            tracing::debug!("Raft has stopped");
        }
        tracing::info!("this node takes part");
    }
}
