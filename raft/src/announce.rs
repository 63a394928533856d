//! A node whose address was changed in its settings tells the others, as long as the registry has another one.
//!
//! It cannot be reached at the old address, so it asks voters in turn, whoever leads; a realm with a single voter asks
//! nobody. A node in the perimeter dials nobody: it is moved by an operator.

use crate::member::Member;
use crate::raft_network::PeerError;
use crate::transport::request::Request;
use crate::wire::{Announcement, Change, Changed};
use passquorum_domain::address::HostPort;
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::sleep;

/// How often the registry is held against the settings.
const ROUND: Duration = Duration::from_secs(1);
/// A voter that has not carried it out within this is left for the next.
const ANSWER: Duration = Duration::from_secs(5);

/// Announces `address` whenever the registry has another one for this node, as long as the member lives.
pub(crate) async fn run(member: Weak<Member>, address: HostPort) {
    loop {
        sleep(ROUND).await;
        let Some(member) = member.upgrade() else { return };
        let moved = member.state().instance(member.node).is_some_and(|own| {
            own.is_active() && own.role != Role::DmzLearner && own.cluster_address != address.as_str()
        });
        if moved {
            member.announce(&address).await;
        }
    }
}

impl Member {
    async fn announce(&self, address: &HostPort) {
        let others: Vec<_> = self.voters().into_iter().filter(|voter| *voter != self.node.0).collect();
        if others.is_empty() && self.leads() {
            let node = self.node;
            let change = Change::Move { node, to: address.clone(), actor: Actor::Realm };
            return told(&Ok(self.change_here(change).await));
        }
        for voter in others.into_iter().map(NodeId) {
            let Some(at) = self.address_of(voter) else { continue };
            let announcement = Announcement(address.clone());
            let answer = self.peer(voter, at).ask(Request::Announce, &announcement, ANSWER).await;
            told(&answer);
            if matches!(answer, Ok(Changed::Done(_))) {
                return;
            }
        }
    }
}

fn told(answer: &Result<Changed, PeerError>) {
    match answer {
        Ok(Changed::Done(_)) => tracing::info!("the realm knows this node's new address"),
        answer => tracing::warn!(?answer, "this node's new address is not known to the realm yet"),
    }
}
