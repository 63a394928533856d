//! The entry of a member that starts: before it votes, confirms or leads, those who know it must find nothing wrong.
//!
//! It introduces itself to the voters that it knows, and takes part once a majority of them, itself counted, has welcomed it.
//! Who welcomes it says who belongs to the realm by now: it does not wait for those that were removed while it was away, and
//! until it takes part it also waits for those that came. To a voter that has not answered it is deaf and mute even then, because a leader must never meet a follower
//! that lost what it had confirmed to it. Voters answer before they take part themselves, so that a whole realm can start at
//! once; a voter that is alone has nobody to ask, and a new member is known to nobody.

use crate::integrity::books::Standing;
use crate::integrity::roster::Roster;
use crate::integrity::witness::{Introduction, Recognition};
use crate::member::Member;
use crate::transport::request::{Class, Request};
use futures::future::join_all;
use passquorum_domain::ids::NodeId;
use std::collections::BTreeSet;
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

    /// Whether this member takes part.
    pub(crate) fn is_open(&self) -> bool {
        self.doors().open
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
    let (mut roster, mut welcomed) = match member.upgrade() {
        Some(member) => {
            match member.raft.with_raft_state(|state| Roster::of(state.membership_state.effective())).await {
                Ok(roster) => (roster, BTreeSet::from([member.node])),
                Err(_) => return,
            }
        }
        None => return,
    };
    let mut waiting = roster.voters_without(&welcomed);
    loop {
        let Some(member) = member.upgrade() else { return };
        member.integrity.gate().doors().waiting.clone_from(&waiting);
        if roster.is_majority(&welcomed) {
            member.open();
        }
        if waiting.is_empty() {
            return;
        }
        let ask = |voter: NodeId| {
            let (peer, introduction) = (member.peer(voter, roster.address(voter)), &introduction);
            async move { (voter, peer.ask::<_, Recognition>(Request::Introduce, introduction, ANSWER).await) }
        };
        let answers = join_all(waiting.iter().copied().map(ask)).await;
        for (voter, answer) in answers {
            match answer {
                Ok(Ok(told)) => {
                    welcomed.insert(voter);
                    roster.learn(told);
                }
                Ok(Err(objection)) => {
                    tracing::error!(%voter, ?objection, "a voter remembers more of this node than its disk holds");
                    member.condemn(Standing::Outdated).await;
                    return;
                }
                Err(error) => {
                    tracing::debug!(%voter, %error, "a voter has not answered the introduction yet")
                }
            }
        }
        let missing = roster.voters_without(&welcomed);
        if member.integrity.gate().is_open() {
            // What it confirmed since it takes part is more than it introduced itself with, so nobody new is asked.
            waiting.retain(|voter| missing.contains(voter));
        } else {
            waiting = missing;
        }
        let pause = member.tuning.heartbeat;
        drop(member);
        sleep(pause).await;
    }
}

impl Member {
    /// Who belongs to the realm, as far as this member knows for sure; `None` when it has stopped.
    pub(crate) async fn roster(&self) -> Option<Roster> {
        self.raft.with_raft_state(|state| Roster::of(state.membership_state.committed())).await.ok()
    }

    /// From now on this member takes part.
    fn open(&self) {
        if !std::mem::replace(&mut self.integrity.gate().doors().open, true) {
            tracing::info!("this node takes part");
        }
    }
}
