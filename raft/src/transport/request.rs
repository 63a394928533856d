//! Every kind of request, who may send it, and how large it may be: the one table of the peer protocol.

use passquorum_domain::instance::Role;

/// What is asked of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Request {
    /// Raft: entries, or a sign of life.
    Append,
    /// Raft: a vote.
    Vote,
    /// Raft: begins or resumes a snapshot.
    SnapshotBegin,
    /// Raft: a piece of a snapshot.
    SnapshotChunk,
    /// Raft: installs the snapshot that was sent.
    SnapshotInstall,
    /// Asks a voter to stand for election now.
    Elect,
    /// Asks the leader to change the membership.
    Membership,
    /// Hands a command to the leader.
    Propose,
    /// Asks the leader up to where a linearizable read must have applied.
    ReadIndex,
    /// Asks for the leader's view of the cluster.
    Report,
    /// Asks whether the stream still works.
    Ping,
    /// Asks for the digests of the state, and the time.
    Digests,
    /// Tells who the sender is and how far its disk is, before it takes part.
    Introduce,
    /// Tells the receiver that its disk is an old copy.
    Expel,
    /// Asks a voter whether it misses the leader too.
    Canvass,
    /// Tells a voter where the sender is to be reached from now on.
    Announce,
    /// Asks the leader for a new certificate for the sender.
    Renew,
}

/// The stream that a request travels on, so that a large one does not hold up an urgent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Raft's own small requests.
    Raft,
    /// Snapshots.
    Snapshot,
    /// Everything that nodes ask the leader for.
    Forward,
}

/// Who may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Senders {
    Voters,
    /// Not those in the perimeter.
    KeyHolders,
    Everyone,
}

const KIB: usize = 1024;

/// The most bytes that a proposed command may have when encoded.
pub(crate) const MAX_COMMAND: usize = 1024 * KIB;
/// Bytes of a snapshot in one request.
pub(crate) const SNAPSHOT_CHUNK: usize = 256 * KIB;
/// The most bytes that an answer may have.
pub(crate) const MAX_ANSWER: usize = 1024 * KIB;

impl Request {
    /// (request, number on the wire, class, senders, most bytes of the payload)
    const TABLE: [(Self, u8, Class, Senders, usize); 17] = [
        (Self::Append, 1, Class::Raft, Senders::Voters, 8 * 1024 * KIB),
        (Self::Vote, 2, Class::Raft, Senders::Voters, 4 * KIB),
        (Self::SnapshotBegin, 3, Class::Snapshot, Senders::Voters, 1024 * KIB),
        (Self::SnapshotChunk, 4, Class::Snapshot, Senders::Voters, SNAPSHOT_CHUNK + KIB),
        (Self::SnapshotInstall, 5, Class::Snapshot, Senders::Voters, 4 * KIB),
        (Self::Elect, 6, Class::Forward, Senders::Voters, KIB),
        (Self::Membership, 7, Class::Forward, Senders::Voters, 16 * KIB),
        (Self::Propose, 8, Class::Forward, Senders::Everyone, MAX_COMMAND),
        (Self::ReadIndex, 9, Class::Forward, Senders::Everyone, KIB),
        (Self::Report, 10, Class::Forward, Senders::Everyone, KIB),
        (Self::Ping, 11, Class::Forward, Senders::Everyone, 0),
        (Self::Digests, 12, Class::Forward, Senders::Everyone, KIB),
        (Self::Introduce, 13, Class::Forward, Senders::Everyone, 16 * KIB),
        (Self::Expel, 14, Class::Forward, Senders::Voters, KIB),
        (Self::Canvass, 15, Class::Raft, Senders::Voters, KIB),
        (Self::Announce, 16, Class::Forward, Senders::KeyHolders, KIB),
        (Self::Renew, 17, Class::Forward, Senders::Everyone, 16 * KIB),
    ];

    #[expect(clippy::expect_used, reason = "a test goes through every variant and finds it in the table")]
    fn row(self) -> &'static (Self, u8, Class, Senders, usize) {
        Self::TABLE.iter().find(|row| row.0 == self).expect("every request has a row")
    }

    /// Its number on the wire.
    pub(crate) fn number(self) -> u8 {
        self.row().1
    }

    /// The request of a number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// The stream that it travels on. A [`Request::Ping`] is about the stream it is on.
    pub(crate) fn class(self) -> Class {
        self.row().2
    }

    /// Whether a node of this role may send it.
    pub(crate) fn may_be_sent_by(self, role: Role) -> bool {
        match self.row().3 {
            Senders::Everyone => true,
            Senders::KeyHolders => role.holds_keys(),
            Senders::Voters => role == Role::Voter,
        }
    }

    /// The most bytes that its payload may have.
    pub(crate) fn limit(self) -> usize {
        self.row().4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_one_row_and_one_number() {
        let variants = [
            Request::Append,
            Request::Vote,
            Request::SnapshotBegin,
            Request::SnapshotChunk,
            Request::SnapshotInstall,
            Request::Elect,
            Request::Membership,
            Request::Propose,
            Request::ReadIndex,
            Request::Report,
            Request::Ping,
            Request::Digests,
            Request::Introduce,
            Request::Expel,
            Request::Canvass,
            Request::Announce,
            Request::Renew,
        ];
        assert_eq!(variants.len(), Request::TABLE.len());
        for request in variants {
            assert_eq!(Request::of(request.number()), Some(request));
        }
        assert_eq!(Request::of(0), None);
    }

    #[test]
    fn a_learner_may_neither_lead_nor_change_the_membership() {
        for role in [Role::SiteLearner, Role::DmzLearner] {
            for (request, ..) in Request::TABLE {
                let allowed = matches!(
                    request,
                    Request::Propose
                        | Request::ReadIndex
                        | Request::Report
                        | Request::Ping
                        | Request::Digests
                        | Request::Introduce
                        | Request::Renew
                ) || request == Request::Announce && role == Role::SiteLearner;
                assert_eq!(request.may_be_sent_by(role), allowed, "{request:?} by {role}");
            }
        }
        assert!(Request::TABLE.iter().all(|row| row.0.may_be_sent_by(Role::Voter)));
    }
}
