//! Who stands for election, and when.

use crate::rig::{Disk, Node, Rig, commit, eventually, put, tuning};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Effect;
use passquorum_raft::{Cluster, Tuning};
use std::time::Duration;
use tokio::time::timeout;

/// Crashes all nodes but one.
async fn isolate(rig: &mut Rig, alone: NodeId) -> Vec<Node> {
    let others: Vec<NodeId> = rig.nodes.keys().copied().filter(|id| *id != alone).collect();
    let mut crashed = Vec::new();
    for id in others {
        crashed.push(rig.crash(id).await);
    }
    crashed
}

/// Whether a node opens a new term within several of its election times.
async fn opens_a_term(cluster: &Cluster) -> bool {
    let mut leadership = cluster.leadership();
    let term = leadership.borrow().term;
    timeout(tuning().election_max * 4, leadership.wait_for(|now| now.term > term)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_reaches_no_majority_opens_no_term_and_takes_part_again() {
    let mut rig = Rig::three().await;
    let alone = rig.follower().await;
    let crashed = isolate(&mut rig, alone).await;
    assert!(!opens_a_term(&rig.node(alone.0)).await);
    for node in crashed {
        rig.restart(node).await;
    }
    assert!(matches!(commit(&rig.node(alone.0), put("after", "1")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_never_opens_a_term() {
    let mut rig = Rig::three().await;
    let learner = rig.join(Role::SiteLearner, Disk::memory()).await;
    let cluster = rig.node(learner.0);
    assert!(matches!(commit(&cluster, put("before", "1")).await, Ok(Effect::Label(_))));
    isolate(&mut rig, learner).await;
    assert!(!opens_a_term(&cluster).await);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_leader_is_replaced_long_before_a_silent_one_would_be() {
    let election_max = Duration::from_secs(3000);
    let tuning = Tuning { election_max, patience: election_max * 3, ..tuning() };
    let mut rig = Rig::voters(tuning).await;
    let dead = rig.leader().await;
    let crashed = rig.crash(dead).await;
    eventually("the others have another leader", || {
        let mut leaders = rig.nodes.values().map(|node| node.cluster.leadership().borrow().leader);
        leaders.all(|leader| leader.is_some_and(|leader| leader != dead)).then_some(())
    })
    .await;
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    drop(crashed);
    rig.stop().await;
}
