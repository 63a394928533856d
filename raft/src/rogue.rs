//! What a member that somebody took over can ask of its peers. It has the member's certificate, address book and streams,
//! and makes none of the checks that the member would make first.
//!
//! Only the simulation has it: it is the attacker that the table of [requests](crate::transport::request) is there for.

use crate::cluster::Cluster;
use crate::member::Member;
use crate::raft_network::{Peer, PeerError};
use crate::transport::client::CallError;
use crate::transport::frame::Refusal;
use crate::transport::request::Request;
use crate::wire::{
    Canvass, Canvassed, Change, Changed, Done, Message, Proposed, SnapshotBegin, SnapshotLength,
};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest, VoteResponse};
use openraft::{SnapshotMeta, Vote};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Command;
use passquorum_domain::ids::NodeId;
use std::fmt::Debug;
use std::time::Duration;

/// An answer is waited for this long.
const ANSWER: Duration = Duration::from_secs(2);

/// What it asks for.
#[derive(Debug, Clone)]
pub enum Demand {
    /// A vote, in a term above the one that it knows.
    Vote,
    /// That the receiver take it for the leader of such a term.
    Follow,
    /// That the receiver take a snapshot from it.
    Snapshot,
    /// Whether the receiver would vote for it.
    Canvass,
    /// That the receiver stand for election now.
    Elect,
    /// That the receiver leave, as one whose disk is an old copy.
    Leave,
    /// That a node become a member, at an address.
    Join(NodeId, String),
    /// That a member get a vote.
    Promote(NodeId),
    /// That a member be removed.
    Remove(NodeId),
    /// That leadership move to a member.
    Lead(NodeId),
    /// A command of any kind.
    Propose(Box<Command>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Its role was held against it.
    Refused,
    /// It got past that: this is the answer.
    Served(String),
    /// There was no answer.
    Silence,
}

impl Cluster {
    /// Asks a peer for something in this member's name.
    pub async fn demand(&self, of: NodeId, demand: Demand) -> Reply {
        let member = &self.member;
        let Some(address) = member.address_of(of) else { return Reply::Silence };
        let peer = member.peer(of, address);
        let term = member.metrics.borrow().current_term + 1;
        let (candidate, leader) = (Vote::new(term, member.node.0), Vote::new_committed(term, member.node.0));
        match demand {
            Demand::Vote => {
                let rpc = VoteRequest::new(candidate, member.durable.appended());
                ask::<_, VoteResponse<u64>>(&peer, Request::Vote, &rpc).await
            }
            Demand::Follow => {
                let rpc = AppendEntriesRequest {
                    vote: leader,
                    prev_log_id: None,
                    entries: Vec::new(),
                    leader_commit: None,
                };
                ask::<_, AppendEntriesResponse<u64>>(&peer, Request::Append, &rpc).await
            }
            Demand::Snapshot => {
                let begin = SnapshotBegin { vote: leader, meta: SnapshotMeta::default(), length: 1 };
                ask::<_, SnapshotLength>(&peer, Request::SnapshotBegin, &begin).await
            }
            Demand::Canvass => {
                let canvass = Canvass { last: member.durable.appended() };
                ask::<_, Canvassed>(&peer, Request::Canvass, &canvass).await
            }
            Demand::Elect => ask::<_, Done>(&peer, Request::Elect, &Done).await,
            Demand::Leave => ask::<_, Done>(&peer, Request::Expel, &Done).await,
            Demand::Join(node, cluster_address) => {
                change(&peer, Change::AddLearner { node, cluster_address }).await
            }
            Demand::Promote(node) => change(&peer, Change::Promote { node, actor: member.actor() }).await,
            Demand::Remove(node) => change(&peer, Change::Remove { node, actor: member.actor() }).await,
            Demand::Lead(node) => {
                change(&peer, Change::Transfer { to: Some(node), actor: member.actor() }).await
            }
            Demand::Propose(command) => match peer.ask(Request::Propose, &*command, ANSWER).await {
                Ok(Proposed::Forbidden) => Reply::Refused,
                answer => reply(answer),
            },
        }
    }
}

impl Member {
    fn actor(&self) -> Actor {
        Actor::LocalOperator(self.node)
    }
}

async fn change(peer: &Peer, change: Change) -> Reply {
    ask::<_, Changed>(peer, Request::Membership, &change).await
}

async fn ask<Q: Message, A: Message + Debug>(peer: &Peer, request: Request, message: &Q) -> Reply {
    reply(peer.ask::<Q, A>(request, message, ANSWER).await)
}

fn reply<A: Debug>(answer: Result<A, PeerError>) -> Reply {
    match answer {
        Ok(answer) => Reply::Served(format!("{answer:?}")),
        Err(PeerError::Call(CallError::Refused(
            Refusal::Forbidden | Refusal::Removed | Refusal::Stranger,
        ))) => Reply::Refused,
        // It was read before it was refused.
        Err(PeerError::Call(CallError::Refused(refusal))) => Reply::Served(refusal.to_string()),
        Err(
            PeerError::Call(CallError::NotSent(_) | CallError::Busy | CallError::Lost) | PeerError::Codec(_),
        ) => Reply::Silence,
    }
}
