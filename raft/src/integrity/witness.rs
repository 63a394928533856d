//! What a member remembers about the others: their lives, and the most that each has confirmed to it.
//!
//! Kept in memory as it is heard, before Raft acts on it, and on disk with the next durable write of the log.

use crate::integrity::lives::{Life, Lives};
use crate::integrity::roster::Roster;
use crate::types::TypeConfig;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use openraft::{LeaderId, LogId, Vote};
use passquorum_domain::ids::NodeId;
use passquorum_storage::codec::Kind;
use passquorum_storage::{Durability, Records, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const PEERS: Kind = Kind::new(142, 1);
const PEERS_NAME: &str = "peers";

/// How far a member's disk is: whom it gave its vote or followed last, then the end of its log.
///
/// On a disk that works this only grows. What was confirmed to one leader stays in the log as long as that one is
/// followed; entries that a later leader cuts off were cut after the vote had grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Reach {
    pub(crate) leader: LeaderId<u64>,
    pub(crate) log: Option<LogId<u64>>,
}

impl Reach {
    /// What a disk has. A snapshot is durable before the log that it replaces is given up, so that after a power cut the
    /// log may end before it: what the snapshot holds is there all the same.
    pub(crate) fn of_disk(
        vote: Option<Vote<u64>>,
        log: Option<LogId<u64>>,
        snapshot: Option<LogId<u64>>,
    ) -> Self {
        let leader = vote.map_or_else(LeaderId::default, |vote| *vote.leader_id());
        Self { leader, log: log.max(snapshot) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Memory {
    life: Option<Life>,
    reach: Reach,
}

/// What a member tells of itself before it takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Introduction {
    pub(crate) lives: Lives,
    pub(crate) reach: Reach,
}

/// What it is answered: who belongs to the realm, or what speaks against it.
pub(crate) type Recognition = Result<Roster, Objection>;

/// What speaks against a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Objection {
    /// The peer remembers a later life, or another one.
    OtherLife,
    /// The peer remembers more than the member has.
    Behind,
}

/// Everything remembered.
#[derive(Debug, Default)]
pub(crate) struct Witnesses(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    peers: BTreeMap<NodeId, Memory>,
    unsaved: bool,
}

impl Witnesses {
    /// What was on disk when this member started.
    pub(crate) fn load(records: &Records) -> Result<Self, StoreError> {
        let peers = records.read(PEERS, PEERS_NAME)?.unwrap_or_default();
        Ok(Self(Mutex::new(Book { peers, unsaved: false })))
    }

    /// Writes what is new, to ride along with the next durable write.
    pub(crate) fn save(&self, records: &Records) -> Result<(), StoreError> {
        let peers = {
            let mut book = self.book();
            if !std::mem::take(&mut book.unsaved) {
                return Ok(());
            }
            book.peers.clone()
        };
        records.write(PEERS, PEERS_NAME, &peers, Durability::Buffered)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a member that introduces itself, and remembers its life when nothing speaks against it.
    pub(crate) fn recognise(&self, node: NodeId, introduction: &Introduction) -> Result<(), Objection> {
        let mut book = self.book();
        let memory = book.peers.entry(node).or_default();
        if memory.life.is_some_and(|life| !introduction.lives.follow(life)) {
            return Err(Objection::OtherLife);
        }
        if introduction.reach < memory.reach {
            return Err(Objection::Behind);
        }
        memory.life = introduction.lives.last();
        book.unsaved = true;
        Ok(())
    }

    /// A peer gave its vote.
    pub(crate) fn voted(&self, node: NodeId, vote: &Vote<u64>) {
        self.reached(node, Reach { leader: *vote.leader_id(), log: None });
    }

    /// A peer leads, and says how far its log is committed; it says so only of what is durable on its own disk.
    pub(crate) fn led(&self, node: NodeId, vote: Vote<u64>, commit: Option<LogId<u64>>) {
        self.reached(node, Reach { leader: *vote.leader_id(), log: commit });
    }

    /// A peer answered an append. False when it lacks what it had confirmed to this very leader: Raft must not see such an
    /// answer, since to openraft it cannot happen.
    pub(crate) fn appended(
        &self,
        node: NodeId,
        request: &AppendEntriesRequest<TypeConfig>,
        answer: &AppendEntriesResponse<u64>,
    ) -> bool {
        let leader = *request.vote.leader_id();
        let log = match answer {
            AppendEntriesResponse::Success => {
                request.entries.last().map_or(request.prev_log_id, |entry| Some(entry.log_id))
            }
            AppendEntriesResponse::PartialSuccess(log) => *log,
            AppendEntriesResponse::Conflict => {
                let known = self.book().peers.get(&node).map(|memory| memory.reach);
                return !known
                    .is_some_and(|known| known.leader == leader && known.log >= request.prev_log_id);
            }
            AppendEntriesResponse::HigherVote(_) => return true,
        };
        self.reached(node, Reach { leader, log });
        true
    }

    fn reached(&self, node: NodeId, reach: Reach) {
        let mut book = self.book();
        let memory = book.peers.entry(node).or_default();
        if reach > memory.reach {
            memory.reach = reach;
            book.unsaved = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openraft::CommittedLeaderId;

    fn log(term: u64, index: u64) -> Option<LogId<u64>> {
        Some(LogId::new(CommittedLeaderId::new(term, 1), index))
    }

    fn introduce(witnesses: &Witnesses, term: u64, log: Option<LogId<u64>>) -> Result<(), Objection> {
        let reach = Reach::of_disk(Some(Vote::new(term, 1)), log, None);
        witnesses.recognise(NodeId(2), &Introduction { lives: Lives::default(), reach })
    }

    fn append(prev: Option<LogId<u64>>) -> AppendEntriesRequest<TypeConfig> {
        AppendEntriesRequest {
            vote: Vote::new_committed(3, 1),
            prev_log_id: prev,
            entries: Vec::new(),
            leader_commit: None,
        }
    }

    #[test]
    fn a_member_that_lacks_what_it_confirmed_is_recognised() {
        let all = Witnesses::default();
        assert!(all.appended(NodeId(2), &append(log(3, 10)), &AppendEntriesResponse::Success));
        assert_eq!(introduce(&all, 3, log(3, 9)), Err(Objection::Behind), "its log is shorter");
        assert_eq!(introduce(&all, 2, log(3, 10)), Err(Objection::Behind), "its vote is older");
        assert_eq!(introduce(&all, 3, log(3, 10)), Ok(()));
        assert_eq!(introduce(&all, 3, log(3, 11)), Ok(()));
        assert_eq!(introduce(&all, 4, log(2, 5)), Ok(()), "a later leader may have cut its log");
        all.voted(NodeId(2), &Vote::new(5, 1));
        assert_eq!(introduce(&all, 4, log(3, 11)), Err(Objection::Behind), "it forgot a vote");
    }

    #[test]
    fn what_a_snapshot_holds_is_not_missing_from_a_log_that_ends_before_it() {
        let vote = Some(Vote::new(3, 1));
        let confirmed = Reach { leader: *Vote::new(3, 1).leader_id(), log: log(3, 10) };
        assert!(Reach::of_disk(vote, log(3, 7), log(3, 10)) >= confirmed);
        assert!(Reach::of_disk(vote, log(3, 10), log(3, 7)) >= confirmed);
        assert!(Reach::of_disk(vote, log(3, 7), log(3, 9)) < confirmed);
    }

    #[test]
    fn a_conflict_is_possible_only_where_nothing_was_confirmed_to_the_same_leader() {
        let all = Witnesses::default();
        let conflict = AppendEntriesResponse::Conflict;
        assert!(all.appended(NodeId(2), &append(log(3, 10)), &conflict));
        assert!(all.appended(NodeId(2), &append(log(2, 7)), &AppendEntriesResponse::Success));
        assert!(all.appended(NodeId(2), &append(log(3, 10)), &conflict), "it is looked for between 7 and 10");
        assert!(!all.appended(NodeId(2), &append(log(2, 7)), &conflict));
    }
}
