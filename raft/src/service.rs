//! What a member does for its peers, request by request.

use crate::integrity::books::Standing;
use crate::integrity::witness::{Introduction, Recognition};
use crate::member::{Member, served_as};
use crate::transport::client::Connected;
use crate::transport::frame::Refusal;
use crate::transport::identity::PeerIdentity;
use crate::transport::request::Request;
use crate::transport::server::Service;
use crate::types::TypeConfig;
use crate::upgrade;
use crate::wire::{
    Announcement, Canvass, Change, Changed, Done, Message, Renew, SnapshotBegin, SnapshotChunk,
    SnapshotInstall,
};
use async_trait::async_trait;
use openraft::Vote;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Command;
use passquorum_domain::instance::Role;
use std::io;
use zeroize::Zeroizing;

/// A peer speaks for itself only: the vote in its message must be its own.
fn own_vote(peer: &PeerIdentity, vote: &Vote<u64>) -> Result<(), Refusal> {
    match vote.leader_id().voted_for() {
        Some(node) if node == peer.node.0 => Ok(()),
        _ => Err(Refusal::Malformed),
    }
}

/// Whether only a leader sends it, as long as it leads.
fn is_leaders(request: Request) -> bool {
    matches!(
        request,
        Request::Append | Request::SnapshotBegin | Request::SnapshotChunk | Request::SnapshotInstall
    )
}

#[async_trait]
impl Service for Member {
    fn admit(&self, peer: &PeerIdentity) -> Result<Role, Refusal> {
        let published = self.published.borrow();
        match published.machine.view().instance(peer.node) {
            Some(instance) if !instance.is_removed() => Ok(served_as(instance.role)),
            Some(_) => Err(Refusal::Removed),
            // This node may be new, or behind: the authority has signed the peer's certificate.
            None => Ok(served_as(peer.role)),
        }
    }

    fn role(&self) -> Role {
        self.role()
    }

    async fn borrow(&self, stream: Connected) -> io::Result<()> {
        tracing::info!(lender = %stream.peer.node, "a voter has lent a stream");
        self.peers.borrow(stream).await
    }

    async fn serve(
        &self,
        peer: &PeerIdentity,
        role: Role,
        request: Request,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal> {
        let may_vote = request != Request::Vote || self.has_been_member();
        if !self.integrity.serves() || !self.integrity.gate().lets(peer.node, request) || !may_vote {
            return Err(Refusal::NotRunning);
        }
        if is_leaders(request) && self.leadership.borrow().leader == Some(peer.node) {
            // Before it is done, which may take this node's disk a while.
            self.pulse.beat();
        }
        match request {
            Request::Append => {
                let rpc = AppendEntriesRequest::<TypeConfig>::from_peer(&payload)?;
                own_vote(peer, &rpc.vote)?;
                let (vote, commit) = (rpc.vote, rpc.leader_commit);
                let answer = self.raft.append_entries(rpc).await.map_err(|_| Refusal::NotRunning)?;
                if !matches!(answer, AppendEntriesResponse::HigherVote(_)) {
                    self.pulse.beat();
                }
                if answer.is_success() {
                    self.integrity.witnesses().led(peer.node, vote, commit);
                }
                answer.into_answer()
            }
            Request::Vote => {
                let rpc = VoteRequest::<u64>::from_peer(&payload)?;
                own_vote(peer, &rpc.vote)?;
                let answer = self.raft.vote(rpc).await.map_err(|_| Refusal::NotRunning)?;
                if answer.vote_granted {
                    self.pulse.beat();
                }
                answer.into_answer()
            }
            Request::Canvass => self.canvassed(&Canvass::from_peer(&payload)?).into_answer(),
            Request::SnapshotBegin => {
                let begin = SnapshotBegin::from_peer(&payload)?;
                own_vote(peer, &begin.vote)?;
                self.arriving.begin(&self.raft, peer.node, begin).await?.into_answer()
            }
            Request::SnapshotChunk => {
                let chunk = SnapshotChunk::from_peer(&payload)?;
                self.arriving.take(peer.node, chunk).await?.into_answer()
            }
            Request::SnapshotInstall => {
                let install = SnapshotInstall::from_peer(&payload)?;
                own_vote(peer, &install.vote)?;
                self.arriving.install(&self.raft, peer.node, install).await?.into_answer()
            }
            Request::Elect => {
                // Only the leader may hand its own place over.
                if !self.elections
                    || !self.integrity.clock_lets_lead()
                    || self.leadership.borrow().leader != Some(peer.node)
                {
                    return Err(Refusal::Malformed);
                }
                self.raft.trigger().elect().await.map_err(|_| Refusal::NotRunning)?;
                Done.into_answer()
            }
            Request::Membership => {
                let change = Change::from_peer(&payload)?;
                self.change_here(change).await.into_answer()
            }
            Request::Propose => {
                let command = Command::from_peer(&payload)?;
                self.propose_for(role, command, payload.len()).await.into_answer()
            }
            Request::ReadIndex => self.read_point_for_peer().await.into_answer(),
            Request::Report => self.report().into_answer(),
            Request::Level => upgrade::supported().into_answer(),
            Request::Renew => {
                let renew = Renew::from_peer(&payload)?;
                self.renew_here(peer.node, &renew).await.into_answer()
            }
            Request::Gateway => self.turnstile.pass(peer.node, Zeroizing::new(payload)).await.into_answer(),
            // The transport's own.
            Request::Ping | Request::Lend => Ok(Vec::new()),
            Request::Digests => self.tell().into_answer(),
            Request::Introduce => {
                let introduction = Introduction::from_peer(&payload)?;
                let recognition: Recognition = match self
                    .integrity
                    .witnesses()
                    .recognise(peer.node, &introduction)
                {
                    Ok(()) => Ok(self.roster().await.ok_or(Refusal::NotRunning)?),
                    Err(objection) => {
                        tracing::error!(
                            %peer, ?objection, "a node came back with an old copy of its disk; it is refused"
                        );
                        Err(objection)
                    }
                };
                recognition.into_answer()
            }
            Request::Announce => {
                let Announcement(to) = Announcement::from_peer(&payload)?;
                // The certificate says who moves: nobody can move another node.
                let change = Change::Move { node: peer.node, to, actor: Actor::Realm };
                match self.change(change).await {
                    Ok(node) => Changed::Done(node),
                    Err(error) => Changed::Failed(error),
                }
                .into_answer()
            }
            Request::Expel => {
                self.condemn(Standing::Outdated).await;
                Done.into_answer()
            }
        }
    }
}
