//! Nodes in the perimeter: they open no stream, ask over those that voters lend them, and nothing but what visitors need.

use crate::rig::{Disk, LIMIT, Rig, commit, eventually, identity, label, put, tuning};
use crate::stranger::{ANSWER, FORBIDDEN, REFUSED, Stranger, Taken, WELCOME};
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::limit::Limit;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency, Membership, ProposeError, ReadError, Removal};
use passquorum_raft::{Cluster, Gateway, GatewayError, Phase, Repeat};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

const LEND: u8 = 18;
const GATEWAY: u8 = 19;
const PING: u8 = 11;
/// What a node in the perimeter may ask of a voter: a report, a ping, digests, to be recognised, a certificate, and a
/// visitor's step.
const ALLOWED: [u8; 6] = [10, PING, 12, 13, 17, GATEWAY];
/// Steps of one node that a voter does at a time, and more than three voters do.
const AT_A_TIME: usize = 64;
const FLOOD: usize = 300;
const LEVEL: u8 = 20;
const REQUESTS: std::ops::RangeInclusive<u8> = 1..=LEVEL;

/// Answers with its own number and what it was asked, and remembers for whom.
struct Echo {
    own: NodeId,
    asked_by: Mutex<Vec<NodeId>>,
}

#[async_trait]
impl Gateway for Echo {
    async fn answer(&self, by_way_of: NodeId, ask: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        self.asked_by.lock().unwrap().push(by_way_of);
        Some(format!("{}:{}", self.own, String::from_utf8_lossy(&ask)).into_bytes())
    }
}

fn open_gateways(rig: &Rig) -> Vec<Arc<Echo>> {
    let open = |(id, node): (&NodeId, &crate::rig::Node)| {
        let echo = Arc::new(Echo { own: *id, asked_by: Mutex::default() });
        node.cluster.open_gateway(Arc::clone(&echo) as _);
        echo
    };
    rig.nodes.iter().map(open).collect()
}

async fn ask(node: &Cluster) -> Result<String, GatewayError> {
    let answer = node.ask_a_voter(Zeroizing::new(b"step".to_vec()), Repeat::Harmless).await;
    answer.map(|answer| String::from_utf8(answer).unwrap())
}

async fn until_lent_by(node: &Cluster, voters: &[NodeId]) {
    let voters: BTreeSet<_> = voters.iter().copied().collect();
    eventually("these voters have lent a stream, and no other", || {
        (*node.lenders().borrow() == voters).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_go_to_voters_over_the_streams_that_they_lend_and_to_another_when_one_is_gone() {
    let mut rig = Rig::three().await;
    let voters: Vec<_> = rig.nodes.keys().copied().collect();
    let echoes = open_gateways(&rig);
    // The rig lets no node in the perimeter dial.
    let id = rig.join(Role::DmzLearner, Disk::memory()).await;
    let node = rig.node(id.0);
    until_lent_by(&node, &voters).await;
    let mut answered = BTreeSet::new();
    for _ in 0..3 {
        answered.insert(ask(&node).await.unwrap());
    }
    assert_eq!(answered, BTreeSet::from(["1:step".into(), "2:step".into(), "3:step".into()]), "in turn");
    assert!(echoes.iter().all(|echo| *echo.asked_by.lock().unwrap() == [id]));

    // It follows the log all the same, and knows whether there is a quorum.
    let leader = rig.leader().await;
    assert!(matches!(commit(&rig.node(leader.0), put("a", "1")).await, Ok(Effect::Label(_))));
    eventually("it has what was written", || label(&node.local(), "a")).await;
    eventually("it knows of the quorum", || node.status().quorum.then_some(())).await;
    assert_eq!(node.read(Consistency::Linearizable).await.map(drop), Err(ReadError::NoQuorum));
    assert!(matches!(node.propose(put("b", "1")).await, Err(ProposeError::Forbidden { .. })));

    let gone = rig.crash(leader).await;
    let left: Vec<_> = voters.iter().copied().filter(|voter| *voter != leader).collect();
    until_lent_by(&node, &left).await;
    for _ in 0..4 {
        let answer = ask(&node).await.unwrap();
        assert!(left.iter().any(|voter| answer == format!("{voter}:step")), "{answer}");
    }
    for voter in &left {
        rig.crash(*voter).await;
    }
    until_lent_by(&node, &[]).await;
    assert_eq!(ask(&node).await, Err(GatewayError::NoVoter));

    rig.restart(gone).await;
    until_lent_by(&node, &[leader]).await;
    assert_eq!(ask(&node).await, Err(GatewayError::NoVoter), "it has not opened its gateway");
    open_gateways(&rig);
    assert_eq!(ask(&node).await, Ok(format!("{leader}:step")));
    rig.stop().await;
}

/// Answers once it is let.
struct Slow(Semaphore);

#[async_trait]
impl Gateway for Slow {
    async fn answer(&self, _: NodeId, ask: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        self.0.acquire().await.ok()?.forget();
        Some(ask.to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_the_perimeter_is_refused_and_the_voters_go_on() {
    let mut rig = Rig::three().await;
    let voters: Vec<_> = rig.nodes.keys().copied().collect();
    let slow = Arc::new(Slow(Semaphore::new(0)));
    for node in rig.nodes.values() {
        node.cluster.open_gateway(Arc::clone(&slow) as _);
    }
    let id = rig.join(Role::DmzLearner, Disk::memory()).await;
    let node = rig.node(id.0);
    until_lent_by(&node, &voters).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..FLOOD {
        let node = Arc::clone(&node);
        asked.spawn(async move { ask(&node).await });
    }
    // What has no place is refused while what has one still waits.
    let refused = FLOOD - voters.len() * AT_A_TIME;
    for _ in 0..refused {
        let answer = timeout(LIMIT, asked.join_next()).await.expect("what has no place is refused at once");
        assert_eq!(answer.unwrap().unwrap(), Err(GatewayError::Busy));
    }
    let counted: u64 = voters.iter().map(|voter| rig.node(voter.0).refusals().count(Limit::Gateway)).sum();
    assert!(counted >= refused as u64, "{counted}");
    assert!(matches!(commit(&rig.any(), put("still", "here")).await, Ok(Effect::Label(_))));
    slow.0.add_permits(FLOOD);
    while let Some(answer) = asked.join_next().await {
        assert_eq!(answer.unwrap(), Ok("step".to_owned()));
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_certificate_of_a_perimeter_node_every_request_but_a_visitors_is_refused() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    open_gateways(&rig);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = rig.admit(Role::DmzLearner, &listener.local_addr().unwrap().to_string()).await;
    let taken = Taken::over(listener, &rig.authority, id, Role::DmzLearner);
    for request in REQUESTS {
        let mut stream = taken.stream_that_begins_with(LEND).await;
        stream.send(0, request, &[]).await;
        let answer = stream.receive().await;
        if ALLOWED.contains(&request) {
            let (tag, payload) = answer.unwrap();
            assert!(tag == ANSWER || (tag, payload[0]) != (REFUSED, FORBIDDEN), "request {request}");
        } else {
            assert_eq!(answer, Some((REFUSED, vec![FORBIDDEN])), "request {request}");
            assert_eq!(stream.receive().await, None, "request {request}");
        }
    }
    // No more than it may ask can be put behind a request that is allowed.
    let mut stream = taken.stream_that_begins_with(LEND).await;
    stream.send(80 * 1024 + 1, GATEWAY, &[]).await;
    assert_eq!(stream.receive().await, None);
    assert!(matches!(commit(&rig.any(), put("still", "here")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_is_taken_from_the_perimeter_and_only_a_voters_there() {
    let mut rig = Rig::three().await;
    let id = rig.join(Role::DmzLearner, Disk::memory()).await;
    until_lent_by(&rig.node(id.0), &[NodeId(1), NodeId(2), NodeId(3)]).await;
    let learner = rig.admit(Role::SiteLearner, "127.0.0.1:1").await;
    eventually("the node knows the learner", || rig.node(id.0).local().instance(learner).map(drop)).await;
    let meet = async |from: NodeId, role: Role, to: NodeId| {
        let certificate = rig.authority.issue(&identity(from, role));
        let address = &rig.nodes[&to].address;
        Stranger::connect(address, to, &rig.authority, Some(certificate)).await.receive().await
    };
    let refused = Some((REFUSED, vec![FORBIDDEN]));
    assert_eq!(meet(id, Role::DmzLearner, NodeId(1)).await, refused);
    // The registry's word counts, whatever role the certificate names.
    assert_eq!(meet(id, Role::Voter, NodeId(1)).await, refused);
    assert_eq!(meet(learner, Role::SiteLearner, id).await, refused);
    assert_eq!(meet(learner, Role::Voter, id).await, refused);
    assert_eq!(meet(NodeId(1), Role::Voter, id).await, Some((WELCOME, vec![])));
    assert_eq!(meet(learner, Role::SiteLearner, NodeId(1)).await, Some((WELCOME, vec![])));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_perimeter_node_that_is_removed_loses_its_streams() {
    let mut rig = Rig::three().await;
    open_gateways(&rig);
    let id = rig.join(Role::DmzLearner, Disk::memory()).await;
    let node = rig.node(id.0);
    until_lent_by(&node, &[NodeId(1), NodeId(2), NodeId(3)]).await;
    let leader = rig.leader().await;
    rig.node(leader.0).remove(id, Removal::Careful, Actor::Realm).await.unwrap();
    eventually("it is told that it was removed", || (*node.phase().borrow() == Phase::Removed).then_some(()))
        .await;
    let until_nobody_answers = async { while ask(&node).await != Err(GatewayError::NoVoter) {} };
    timeout(LIMIT, until_nobody_answers).await.expect("nobody does anything for it");
    drop(node);
    rig.stop().await;
}
