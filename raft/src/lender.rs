//! The streams that a voter opens into the perimeter and lends to the nodes there, so that they can ask it something
//! though they open no stream themselves, and a firewall lets nothing through that comes from them.
//!
//! Each voter keeps one such stream to each of these nodes that belongs to the realm.

use crate::member::Member;
use crate::transport::server::{self, Service};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often it looks which nodes have no stream.
const ROUND: Duration = Duration::from_millis(500);

/// Lends as long as the member lives.
pub(crate) async fn run(member: Weak<Member>) {
    let mut streams = JoinSet::new();
    let mut lent_to = BTreeSet::new();
    loop {
        {
            let Some(member) = member.upgrade() else { return };
            while let Some(ended) = streams.try_join_next() {
                match ended {
                    Ok(node) => drop(lent_to.remove(&node)),
                    Err(error) => tracing::error!(%error, "a stream into the perimeter failed"),
                }
            }
            for (node, address) in member.perimeter() {
                if lent_to.insert(node) {
                    streams.spawn(lend(Arc::clone(&member), node, address));
                }
            }
        }
        sleep(ROUND).await;
    }
}

/// Opens a stream, lends it, and answers what is asked over it, until it ends. Answers to whom.
async fn lend(member: Arc<Member>, node: NodeId, address: String) -> NodeId {
    match member.peers.open(node, &address).await {
        Ok(stream) => {
            tracing::info!(%node, address, "a stream is lent to a node in the perimeter");
            let ended = server::lend(stream, Arc::clone(&member) as Arc<dyn Service>).await;
            tracing::info!(%node, ?ended, "the stream that was lent to a node in the perimeter has ended");
        }
        Err(error) => tracing::debug!(%node, address, %error, "a node in the perimeter is not reached"),
    }
    node
}

impl Member {
    /// The nodes that this voter lends streams to, and where they are.
    fn perimeter(&self) -> Vec<(NodeId, String)> {
        if self.certified_role != Role::Voter || !self.integrity.serves() {
            return Vec::new();
        }
        let state = self.state();
        let perimeter = state
            .instances()
            .filter(|instance| instance.role == Role::DmzLearner && !instance.is_removed())
            .map(|instance| (instance.id, instance.cluster_address.clone()));
        perimeter.collect()
    }
}
