//! Peers that should not be served: the node refuses them and goes on.

use crate::rig::{Authority, Disk, EPOCH, Rig, commit, eventually, identity, put, realm, tuning};
use crate::stranger::{FORBIDDEN, REFUSED, REMOVED, STRANGER, Stranger, WELCOME};
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::Role;
use passquorum_domain::limit::Limit;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Membership, Removal};
use passquorum_raft::PeerIdentity;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use uuid::Uuid;

/// Handshakes that one address may have under way.
const SHARE: usize = 32;
const VOTE: u8 = 2;
const PING: u8 = 11;

async fn goes_on(rig: &Rig) {
    assert!(matches!(commit(&rig.any(), put("still", "here")).await, Ok(Effect::Label(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_certificate_of_this_realm() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let address = rig.nodes[&NodeId(1)].address.clone();
    let server = NodeId(1);

    let mut without = Stranger::connect(&address, server, &rig.authority, None).await;
    assert_eq!(without.receive().await, None, "no certificate");

    let other = Authority::new();
    let foreign = other.issue(&identity(NodeId(1), Role::Voter));
    let mut foreign = Stranger::connect(&address, server, &rig.authority, Some(foreign)).await;
    assert_eq!(foreign.receive().await, None, "another authority's certificate");

    for strange in [
        PeerIdentity { realm: RealmId(Uuid::from_u128(1)), ..identity(NodeId(9), Role::Voter) },
        PeerIdentity { epoch: EPOCH + 1, ..identity(NodeId(9), Role::Voter) },
    ] {
        let certificate = rig.authority.issue(&strange);
        let mut peer = Stranger::connect(&address, server, &rig.authority, Some(certificate)).await;
        assert_eq!(peer.receive().await, Some((REFUSED, vec![STRANGER])), "{strange}");
        assert_eq!(peer.receive().await, None);
    }
    assert_eq!(realm(), identity(server, Role::Voter).realm);
    goes_on(&rig).await;
    rig.stop().await;
}

/// A silent stream from another address of this host than the members'.
async fn silent(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(address.parse().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_streams_of_one_address_leave_room_for_the_others() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let address = rig.nodes[&NodeId(1)].address.clone();
    let refusals = rig.any().refusals();
    let mut held = Vec::new();
    for _ in 0..=SHARE {
        held.push(silent(&address).await);
    }
    eventually("one of them has no place", || (refusals.count(Limit::PeerHandshakes) > 0).then_some(()))
        .await;
    let last = held.last_mut().unwrap().read(&mut [0; 1]).await;
    assert_eq!(last.unwrap_or(0), 0, "it is turned away");
    let certificate = rig.authority.issue(&identity(NodeId(9), Role::Voter));
    let mut peer = Stranger::connect(&address, NodeId(1), &rig.authority, Some(certificate)).await;
    assert_eq!(peer.receive().await, Some((WELCOME, vec![])));
    goes_on(&rig).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_node_is_refused_at_once_on_open_and_on_new_streams() {
    let mut rig = Rig::three().await;
    let leader = rig.leader().await;
    let leaving = rig.follower().await;
    let address = rig.nodes[&leader].address.clone();
    let certificate = rig.authority.issue(&identity(leaving, Role::Voter));
    let mut open = Stranger::connect(&address, leader, &rig.authority, Some(certificate.clone())).await;
    assert_eq!(open.receive().await, Some((WELCOME, vec![])));
    open.send(0, PING, &[]).await;
    assert!(open.receive().await.is_some());

    rig.node(leader.0).remove(leaving, Removal::Careful, Actor::Realm).await.unwrap();
    open.send(0, PING, &[]).await;
    assert_eq!(open.receive().await, Some((REFUSED, vec![REMOVED])));
    assert_eq!(open.receive().await, None);
    let mut new = Stranger::connect(&address, leader, &rig.authority, Some(certificate)).await;
    assert_eq!(new.receive().await, Some((REFUSED, vec![REMOVED])));
    let gone = rig.nodes.remove(&leaving).unwrap();
    gone.cluster.halt().await;
    goes_on(&rig).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_length_and_an_unknown_tag_end_the_stream_and_nothing_else() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let address = rig.nodes[&NodeId(1)].address.clone();
    for (length, tag) in [(u32::MAX, VOTE), (u32::MAX, 1), (0, 77), (1, PING), (0, WELCOME)] {
        let certificate = rig.authority.issue(&identity(NodeId(9), Role::Voter));
        let mut peer = Stranger::connect(&address, NodeId(1), &rig.authority, Some(certificate)).await;
        assert_eq!(peer.receive().await, Some((WELCOME, vec![])));
        peer.send(length, tag, &[]).await;
        assert_eq!(peer.receive().await, None, "length {length}, tag {tag}");
    }
    goes_on(&rig).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_that_asks_for_a_vote_is_refused_before_its_payload_is_read() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let address = rig.nodes[&NodeId(1)].address.clone();
    let before = rig.any().leadership().borrow().term;
    let id = rig.admit(Role::SiteLearner, "127.0.0.1:1").await;
    // The registry's word counts, whatever role the certificate names.
    for certified in [Role::SiteLearner, Role::Voter] {
        let certificate = rig.authority.issue(&identity(id, certified));
        let mut peer = Stranger::connect(&address, NodeId(1), &rig.authority, Some(certificate)).await;
        assert_eq!(peer.receive().await, Some((WELCOME, vec![])));
        peer.send(100, VOTE, &[]).await;
        assert_eq!(peer.receive().await, Some((REFUSED, vec![FORBIDDEN])), "{certified}");
        assert_eq!(peer.receive().await, None);
    }
    assert_eq!(rig.any().leadership().borrow().term, before);
    goes_on(&rig).await;
    rig.stop().await;
}
