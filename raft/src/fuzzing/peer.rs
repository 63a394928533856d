//! What a peer sends: frames, messages, and its certificate.

use super::enveloped;
use crate::gateway::Answered;
use crate::integrity::rounds::Told;
use crate::integrity::witness::{Introduction, Recognition};
use crate::transport::frame::{self, Refusal, Tag};
use crate::transport::identity::PeerIdentity;
use crate::transport::request::{MAX_ANSWER, Request};
use crate::types::{NodeInfo, TypeConfig};
use crate::wire::{
    Announcement, Canvass, Canvassed, Change, Changed, Done, Message, Proposed, ReadPoint, Renew, Renewed,
    Report, SnapshotBegin, SnapshotChunk, SnapshotInstall, SnapshotLength, Supported,
};
use futures::FutureExt;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{Entry, LogId, SnapshotMeta, StoredMembership, Vote};
use passquorum_domain::command::Command;
use passquorum_domain::state::{Cell, CellKey};
use passquorum_storage::codec::{self, Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A stream of frames. What was read and is written again is the same stream.
pub fn peer_frames(data: &[u8]) {
    let mut stream = data;
    let mut written = Vec::new();
    while let Some(Ok(head)) = frame::read_head(&mut stream).now_or_never() {
        let limit = match head.tag {
            Tag::Request(request) => request.limit(),
            Tag::Answer | Tag::Refused | Tag::Welcome => MAX_ANSWER,
        };
        let Some(Ok(payload)) = frame::read_payload(&mut stream, head, limit).now_or_never() else { return };
        assert!(payload.len() <= limit);
        frame::put(&mut written, head.id, head.tag, &payload);
        assert!(data.starts_with(&written));
        match head.tag {
            Tag::Request(request) => request_of(request, &payload),
            Tag::Refused => assert!(Refusal::of(&payload).payload().len() == 1),
            Tag::Answer | Tag::Welcome => {}
        }
    }
}

/// Decodes a request as the service does.
fn request_of(request: Request, payload: &[u8]) {
    match request {
        Request::Append => drop(AppendEntriesRequest::<TypeConfig>::from_peer(payload)),
        Request::Vote => drop(VoteRequest::<u64>::from_peer(payload)),
        Request::SnapshotBegin => drop(SnapshotBegin::from_peer(payload)),
        Request::SnapshotChunk => drop(SnapshotChunk::from_peer(payload)),
        Request::SnapshotInstall => drop(SnapshotInstall::from_peer(payload)),
        Request::Membership => drop(Change::from_peer(payload)),
        Request::Propose => drop(Command::from_peer(payload)),
        Request::Canvass => drop(Canvass::from_peer(payload)),
        Request::Introduce => drop(Introduction::from_peer(payload)),
        Request::Announce => drop(Announcement::from_peer(payload)),
        Request::Renew => drop(Renew::from_peer(payload)),
        Request::Elect
        | Request::ReadIndex
        | Request::Report
        | Request::Digests
        | Request::Expel
        | Request::Ping
        | Request::Lend
        | Request::Gateway
        | Request::Level => {}
    }
}

/// Every kind of value that is sent or stored: the first byte picks it, the rest is its payload.
pub fn peer_messages(data: &[u8]) {
    let Some((kind, payload)) = data.split_first() else { return };
    match kind {
        1 => stored::<Entry<TypeConfig>>(1, payload),
        2 => stored::<Vote<u64>>(2, payload),
        3 => stored::<LogId<u64>>(3, payload),
        4 => stored::<Option<LogId<u64>>>(4, payload),
        6 => stored::<SnapshotMeta<u64, NodeInfo>>(6, payload),
        7 => stored::<StoredMembership<u64, NodeInfo>>(7, payload),
        100 => stored::<CellKey>(100, payload),
        101 => stored::<Cell>(101, payload),
        110 => message::<AppendEntriesRequest<TypeConfig>>(payload),
        111 => message::<AppendEntriesResponse<u64>>(payload),
        112 => message::<VoteRequest<u64>>(payload),
        113 => message::<VoteResponse<u64>>(payload),
        114 => message::<SnapshotBegin>(payload),
        115 => message::<SnapshotLength>(payload),
        116 => message::<SnapshotChunk>(payload),
        117 => message::<SnapshotInstall>(payload),
        118 => message::<SnapshotResponse<u64>>(payload),
        119 => message::<Done>(payload),
        120 => message::<Command>(payload),
        121 => message::<Proposed>(payload),
        122 => message::<ReadPoint>(payload),
        123 => message::<Option<Report>>(payload),
        124 => message::<Change>(payload),
        125 => message::<Changed>(payload),
        126 => message::<Told>(payload),
        128 => message::<Introduction>(payload),
        129 => message::<Recognition>(payload),
        130 => message::<Canvass>(payload),
        131 => message::<Canvassed>(payload),
        132 => message::<Announcement>(payload),
        133 => message::<Renew>(payload),
        134 => message::<Renewed>(payload),
        135 => message::<Answered>(payload),
        136 => message::<Supported>(payload),
        _ => {}
    }
}

fn message<T: Message>(payload: &[u8]) {
    value::<T>(T::KIND, payload);
}

fn stored<T: Serialize + DeserializeOwned>(id: u16, payload: &[u8]) {
    value::<T>(Kind::new(id, 1), payload);
}

/// What can be decoded can be encoded, and then has one form.
fn value<T: Serialize + DeserializeOwned>(kind: Kind, payload: &[u8]) {
    let Ok(first) = codec::decode::<T>(kind, &enveloped(kind, payload)) else { return };
    let once = codec::encode(kind, &first).expect("what was decoded can be encoded");
    let second: T = codec::decode(kind, &once).expect("what was encoded can be decoded");
    let twice = codec::encode(kind, &second).expect("what was decoded can be encoded");
    assert_eq!(once, twice);
}

/// A certificate, and the name in one.
pub fn identities(data: &[u8]) {
    let from_certificate = PeerIdentity::of_certificate(data);
    let text = String::from_utf8_lossy(data);
    for identity in [from_certificate, PeerIdentity::parse(&text)].into_iter().flatten() {
        assert_eq!(PeerIdentity::parse(&identity.uri()), Ok(identity));
    }
}
