//! Makes the seeds of this crate's targets, and replays what is committed.

use super::replay::replay;
use super::*;
use crate::state_machine::Replica;
use crate::transport::frame::{self, Refusal, Tag};
use crate::transport::identity::PeerIdentity;
use crate::transport::request::Request;
use crate::types::{Batch, NodeInfo, TypeConfig};
use crate::wire::{Change, Message, Proposed, SnapshotChunk};
use openraft::raft::{AppendEntriesRequest, VoteRequest};
use openraft::{
    CommittedLeaderId, Entry, EntryPayload, LogId, Membership, SnapshotMeta, StoredMembership, Vote,
};
use passquorum_domain::audit::{Actor, AuditEvent, ProfileTask, Site};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode};
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::drill::DrillName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{
    AttemptId, JoinTokenId, KeyedHash, MailId, NodeId, RealmId, RequestId, Revision, TicketId,
};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::{MailClaim, MailResult};
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::JoinToken;
use passquorum_storage::machine::Machine;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

const START: u64 = 1_800_000_000_000;

fn node() -> NewNode {
    NewNode {
        name: "node".into(),
        cluster_address: "host:1".into(),
        site_url: "https://host".into(),
        wrap_key: [1; 32],
    }
}

fn drill() -> DrillName {
    DrillName::try_from("kill-leader".to_owned()).unwrap()
}

fn wrap() -> KeyWrap {
    KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) }
}

/// One command of each kind that meets another one.
fn actions() -> Vec<Action> {
    let token = JoinTokenId(Uuid::from_u128(1));
    let secret = KeyedHash([9; 32]);
    let attempt = AttemptId(Uuid::from_u128(2));
    let target = AttemptTarget::Source(KeyedHash([3; 32]));
    let ticket = TicketId(Uuid::from_u128(4));
    let mail = MailId(Uuid::from_u128(5));
    let key = LabelKey::parse("label").unwrap();
    let join = |id| JoinToken {
        id,
        secret,
        role: Role::Voter,
        expires_at: Timestamp(START + 100_000),
        used_by: None,
    };
    vec![
        Action::CreateRealm(Box::new(CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: "PEM".into(),
            authority_key: Sealed(Blob::from(&b"sealed"[..])),
            first: node(),
            wrap: wrap(),
            config: RealmConfig::empty(),
        })),
        Action::CreateJoinToken(join(token)),
        Action::AdmitNode(Box::new(AdmitNode { token, secret, node: node(), wrap: Some(wrap()) })),
        Action::SetNodeRole(NodeId(2), Role::SiteLearner),
        Action::CreateReplacement { token: join(JoinTokenId(Uuid::from_u128(8))), replaces: NodeId(2) },
        Action::MoveNode(NodeId(2), "host:7400".parse().unwrap()),
        Action::BeginRemoval(NodeId(2)),
        Action::RemoveNode(NodeId(2)),
        Action::ChangeConfig {
            base: Revision(0),
            change: ConfigChange::SetGeneral(RealmConfig::empty().general),
        },
        Action::CountAttempt { attempt, target, policy: None },
        Action::DecideAttempt { attempt, target, right: true },
        Action::LiftLock(KeyedHash([3; 32])),
        Action::OpenTicket {
            ticket,
            subject: KeyedHash([3; 32]),
            kind: TicketKind::Reset,
            node: NodeId(1),
            life: Span::minutes(1),
        },
        Action::CloseTicket { ticket, result: TicketResult::Failed { code: "PQ-INTERNAL".into() } },
        Action::PutLabel {
            key: key.clone(),
            value: Blob::from(&b"v"[..]),
            condition: LabelCondition::Absent,
        },
        Action::RemoveLabel { key, condition: LabelCondition::Revision(1) },
        Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None },
        Action::Sweep,
        Action::RaiseLevel {
            from: FeatureLevel::FIRST,
            to: FeatureLevel::FIRST.next(),
            asked: vec![NodeId(1), NodeId(2)],
        },
        Action::Record { event: AuditEvent::DrillEnded { drill: drill(), ok: true }, subject: None },
        Action::Record { event: AuditEvent::PointRemoved, subject: None },
        Action::Record { event: AuditEvent::MirrorRebuilt, subject: None },
        Action::Record { event: AuditEvent::ProfileRewritten, subject: None },
        Action::Record { event: AuditEvent::ProfilesBegun(ProfileTask::AcceptRewritten), subject: None },
        Action::QueueMail {
            id: mail,
            subject: Some(KeyedHash([3; 32])),
            content: Sealed(Blob::from(&b"sealed"[..])),
            not_after: Timestamp(START + 60_000),
        },
        Action::ClaimMail { id: mail, claim: MailClaim { term: 1, until: Timestamp(START + 20_000) } },
        Action::CloseMail { id: mail, result: MailResult::Refused { code: 550 } },
    ]
}

fn some_commands() -> Vec<Command> {
    let command = |(number, action): (u64, Action)| Command {
        request: RequestId::Internal(Uuid::from_u128(number.into())),
        at: Timestamp(START + number),
        actor: Actor::Realm,
        detail: None,
        action,
    };
    (0..).zip(actions()).map(command).collect()
}

/// What stands in the envelope of a value.
fn payload(value: &impl Serialize) -> Vec<u8> {
    let envelope = codec::encode(Kind::new(900, 1), value).unwrap();
    codec::open(&envelope).unwrap().1.to_vec()
}

fn part(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag], bytes].concat()
}

fn id(index: u64) -> LogId<u64> {
    LogId::new(CommittedLeaderId::new(1, 7), index)
}

fn entries() -> Vec<Entry<TypeConfig>> {
    let member = (7, NodeInfo { cluster_address: "host:1".into() });
    let membership = Membership::new(vec![[7].into()], BTreeMap::from([member]));
    let commands = Batch(some_commands().into_iter().take(2).collect());
    vec![
        Entry { log_id: id(1), payload: EntryPayload::Membership(membership) },
        Entry { log_id: id(2), payload: EntryPayload::Blank },
        Entry { log_id: id(3), payload: EntryPayload::Normal(commands) },
    ]
}

fn meta() -> SnapshotMeta<u64, NodeInfo> {
    let member = (7, NodeInfo { cluster_address: "host:1".into() });
    let membership = Membership::new(vec![[7].into()], BTreeMap::from([member]));
    SnapshotMeta {
        last_log_id: Some(id(3)),
        last_membership: StoredMembership::new(Some(id(1)), membership),
        snapshot_id: "1-7-3".into(),
    }
}

/// The payloads of the cells of a small state, each pair with the length of its key in front.
fn cells() -> Vec<Vec<u8>> {
    let mut replica = Replica::empty();
    replica.apply(passquorum_storage::Position { term: 1, index: 1 }, Batch(some_commands()));
    let inner = |envelope: &[u8]| codec::open(envelope).unwrap().1.to_vec();
    let pair = |(key, cell): (Vec<u8>, Vec<u8>)| {
        let key = inner(&key);
        [&[u8::try_from(key.len()).unwrap()], key.as_slice(), &inner(&cell)].concat()
    };
    replica.cells().map(pair).collect()
}

#[test]
fn every_input_of_peer_frames_passes() {
    let mut requests = Vec::new();
    let vote = VoteRequest::<u64>::new(Vote::new(1, 7), Some(id(3)));
    frame::put(&mut requests, 1, Tag::Request(Request::Vote), &vote.encode().unwrap());
    frame::put(&mut requests, 2, Tag::Request(Request::Ping), &[]);
    let command = some_commands().remove(6).encode().unwrap();
    frame::put(&mut requests, 3, Tag::Request(Request::Propose), &command);
    let mut answers = Vec::new();
    frame::put(&mut answers, 0, Tag::Welcome, &[]);
    frame::put(&mut answers, 1, Tag::Refused, &Refusal::Malformed.payload());
    frame::put(&mut answers, 3, Tag::Answer, &Proposed::NotLeader.encode().unwrap());
    replay("peer_frames", peer_frames, vec![("requests", requests), ("answers", answers)]);
}

#[test]
fn every_input_of_peer_messages_passes() {
    let append = AppendEntriesRequest::<TypeConfig> {
        vote: Vote::new_committed(1, 7),
        prev_log_id: Some(id(0)),
        entries: entries(),
        leader_commit: Some(id(2)),
    };
    let raise = Change::RaiseLevel { to: FeatureLevel::FIRST.next(), actor: Actor::Realm };
    let chunk = SnapshotChunk { offset: 3, bytes: vec![1, 2, 3] };
    let seeds = vec![
        ("append", tagged(110, &payload(&append))),
        ("vote", tagged(112, &payload(&VoteRequest::<u64>::new(Vote::new(1, 7), Some(id(3)))))),
        ("chunk", tagged(116, &payload(&chunk))),
        ("command", tagged(120, &payload(&some_commands()[0]))),
        ("proposed", tagged(121, &payload(&Proposed::Unknown))),
        ("change", tagged(124, &payload(&raise))),
        ("supported", tagged(136, &payload(&crate::upgrade::supported()))),
        ("entry", tagged(1, &payload(&entries()[0]))),
        ("meta", tagged(6, &payload(&meta()))),
    ];
    replay("peer_messages", peer_messages, seeds);
}

#[test]
fn every_input_of_commands_passes() {
    let each: Vec<u8> = some_commands().iter().flat_map(|command| part(&payload(command))).collect();
    replay("commands", commands, vec![("each", each)]);
}

#[test]
fn every_input_of_stored_state_passes() {
    let mut disk = vec![tagged(1, &payload(&Vote::new_committed(1_u64, 7_u64)))];
    let entry = |entry: &Entry<TypeConfig>| {
        let index = u8::try_from(entry.log_id.index).unwrap();
        tagged(0, &tagged(index, &payload(entry)))
    };
    let first = Entry { log_id: id(0), payload: EntryPayload::Blank };
    disk.extend([first].iter().chain(&entries()).map(entry));
    disk.push(tagged(3, &payload(&Some(id(2)))));
    let whole: Vec<u8> = disk.iter().flat_map(|one| part(one)).collect();
    disk.push(tagged(2, &payload(&id(0))));
    let purged: Vec<u8> = disk.iter().flat_map(|one| part(one)).collect();
    let vote = part(&disk[0]);
    replay("stored_state", stored_state, vec![("whole", whole), ("vote", vote), ("purged", purged)]);
}

#[test]
fn every_input_of_snapshots_passes() {
    let header = part(&payload(&meta()));
    let cells: Vec<u8> = cells().iter().flat_map(|pair| part(pair)).collect();
    let seeds = vec![
        ("whole", [&[1], header.as_slice(), &cells].concat()),
        ("empty", [&[1], header.as_slice()].concat()),
        ("raw", vec![0, 0, 0, 0, 4, 1, 2, 3, 4]),
    ];
    replay("snapshots", snapshots, seeds);
}

#[test]
fn every_input_of_identities_passes() {
    let identity = PeerIdentity {
        realm: RealmId(Uuid::from_u128(1)),
        epoch: 2,
        node: NodeId(7),
        role: Role::DmzLearner,
    };
    replay("identities", identities, vec![("uri", identity.uri().into_bytes())]);
}
