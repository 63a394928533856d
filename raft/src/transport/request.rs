//! Every kind of request, who may send it to whom, and how large it may be: the one table of the peer protocol.

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
    /// Lends the stream to a node in the perimeter, which opens none itself: from here on it asks, and the voter that
    /// opened the stream answers.
    Lend,
    /// Hands on what a visitor of the Self-Service site asks of a voter.
    Gateway,
    /// Asks which feature level the receiver's program supports. Comes on a stream of its own.
    Level,
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

/// The roles that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Roles {
    Voters,
    /// Voters and site learners.
    KeyHolders,
    Perimeter,
    Everyone,
}

impl Roles {
    fn hold(self, role: Role) -> bool {
        match self {
            Self::Voters => role == Role::Voter,
            Self::KeyHolders => role.holds_keys(),
            Self::Perimeter => role == Role::DmzLearner,
            Self::Everyone => true,
        }
    }
}

/// Whether a node may open a stream to another. None leads out of the perimeter, and only voters open one into it.
pub(crate) fn may_dial(from: Role, to: Role) -> bool {
    match (from, to) {
        (Role::DmzLearner, _) => false,
        (from, Role::DmzLearner) => from == Role::Voter,
        _ => true,
    }
}

const KIB: usize = 1024;

/// The most bytes that a proposed command may have when encoded.
pub(crate) const MAX_COMMAND: usize = 1024 * KIB;
/// Bytes of a snapshot in one request.
pub(crate) const SNAPSHOT_CHUNK: usize = 256 * KIB;
/// The most bytes of what a visitor asks: a form of the Self-Service site, which has its own bound, and the rest of it.
pub const MAX_STEP: usize = 80 * KIB;
/// The most bytes that an answer may have.
pub(crate) const MAX_ANSWER: usize = 1024 * KIB;

impl Request {
    /// (request, number on the wire, class, who may send it, who may be asked, most bytes of the payload)
    const TABLE: [(Self, u8, Class, Roles, Roles, usize); 20] = {
        use Class::{Forward, Raft, Snapshot};
        use Roles::{Everyone, KeyHolders, Perimeter, Voters};
        [
            (Self::Append, 1, Raft, Voters, Everyone, 8 * 1024 * KIB),
            (Self::Vote, 2, Raft, Voters, Voters, 4 * KIB),
            (Self::SnapshotBegin, 3, Snapshot, Voters, Everyone, 1024 * KIB),
            (Self::SnapshotChunk, 4, Snapshot, Voters, Everyone, SNAPSHOT_CHUNK + KIB),
            (Self::SnapshotInstall, 5, Snapshot, Voters, Everyone, 4 * KIB),
            (Self::Elect, 6, Forward, Voters, Voters, KIB),
            (Self::Membership, 7, Forward, Voters, Voters, 16 * KIB),
            (Self::Propose, 8, Forward, KeyHolders, Voters, MAX_COMMAND),
            (Self::ReadIndex, 9, Forward, KeyHolders, Voters, KIB),
            (Self::Report, 10, Forward, Everyone, Voters, KIB),
            (Self::Ping, 11, Forward, Everyone, Everyone, 0),
            (Self::Digests, 12, Forward, Everyone, Voters, KIB),
            (Self::Introduce, 13, Forward, Everyone, Voters, 16 * KIB),
            (Self::Expel, 14, Forward, Voters, Everyone, KIB),
            (Self::Canvass, 15, Raft, Voters, Voters, KIB),
            (Self::Announce, 16, Forward, KeyHolders, Voters, KIB),
            (Self::Renew, 17, Forward, Everyone, Voters, 16 * KIB),
            (Self::Lend, 18, Forward, Voters, Perimeter, 0),
            (Self::Gateway, 19, Forward, Perimeter, Voters, MAX_STEP),
            (Self::Level, 20, Forward, Voters, Everyone, 0),
        ]
    };

    #[expect(clippy::expect_used, reason = "a test goes through every variant and finds it in the table")]
    fn row(self) -> &'static (Self, u8, Class, Roles, Roles, usize) {
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

    /// Whether a node of one role may ask it of a node of another.
    pub(crate) fn may_pass(self, from: Role, to: Role) -> bool {
        let (_, _, _, senders, asked, _) = self.row();
        senders.hold(from) && asked.hold(to)
    }

    /// The most bytes that its payload may have.
    pub(crate) fn limit(self) -> usize {
        self.row().5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ROLES: [Role; 3] = [Role::Voter, Role::SiteLearner, Role::DmzLearner];

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
            Request::Lend,
            Request::Gateway,
            Request::Level,
        ];
        assert_eq!(variants.len(), Request::TABLE.len());
        for request in variants {
            assert_eq!(Request::of(request.number()), Some(request));
        }
        assert_eq!(Request::of(0), None);
    }

    /// What a node of one role may ask of a node of another.
    fn allowed(from: Role, to: Role) -> BTreeSet<Request> {
        Request::TABLE.iter().map(|row| row.0).filter(|request| request.may_pass(from, to)).collect()
    }

    #[test]
    fn a_learner_may_neither_lead_nor_change_the_membership() {
        use Request::*;
        let of_site_learners =
            BTreeSet::from([Propose, ReadIndex, Report, Ping, Digests, Introduce, Announce, Renew]);
        assert_eq!(allowed(Role::SiteLearner, Role::Voter), of_site_learners);
        let of_the_perimeter = BTreeSet::from([Report, Ping, Digests, Introduce, Renew, Gateway]);
        assert_eq!(allowed(Role::DmzLearner, Role::Voter), of_the_perimeter);
        for learner in [Role::SiteLearner, Role::DmzLearner] {
            for other in [Role::SiteLearner, Role::DmzLearner] {
                assert_eq!(allowed(learner, other), BTreeSet::from([Ping]), "{learner} of {other}");
            }
        }
    }

    #[test]
    fn a_voter_asks_learners_only_to_follow_or_leave_and_lends_to_the_perimeter() {
        use Request::*;
        let mut follow =
            BTreeSet::from([Append, SnapshotBegin, SnapshotChunk, SnapshotInstall, Ping, Expel, Level]);
        assert_eq!(allowed(Role::Voter, Role::SiteLearner), follow);
        follow.insert(Lend);
        assert_eq!(allowed(Role::Voter, Role::DmzLearner), follow);
        let of_voters = allowed(Role::Voter, Role::Voter);
        assert!(
            Request::TABLE.iter().all(|row| of_voters.contains(&row.0) != matches!(row.0, Lend | Gateway))
        );
    }

    #[test]
    fn no_stream_leads_out_of_the_perimeter_and_only_voters_open_one_into_it() {
        for to in ROLES {
            assert!(!may_dial(Role::DmzLearner, to));
            assert!(may_dial(Role::Voter, to));
            assert_eq!(may_dial(Role::SiteLearner, to), to != Role::DmzLearner);
        }
    }
}
