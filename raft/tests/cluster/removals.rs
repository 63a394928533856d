//! Removals: decided first and then finished by whoever leads, refused when they would stop the realm, and those that the
//! realm makes by itself.

use crate::rig::{Disk, LIMIT, Rig, commit, eventually, label, put, tuning};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Membership, MembershipError, Removal};
use passquorum_raft::Tuning;
use std::time::Duration;

async fn voters(tuning: Tuning, count: usize) -> Rig {
    let mut rig = Rig::voters(tuning).await;
    while rig.nodes.len() < count {
        let id = rig.join(Role::Voter, Disk::memory()).await;
        rig.wait_for_voter(id).await;
    }
    rig
}

/// Waits until every member that runs knows that a node is gone for good.
async fn wait_for_removal(rig: &Rig, node: NodeId) {
    eventually("the node is gone for good", || {
        let gone = |cluster: &passquorum_raft::Cluster| {
            let now = cluster.progress();
            let removed = now.state.instance(node).is_some_and(|instance| instance.is_removed());
            removed && !now.voters.contains(&node) && !now.members.contains(&node)
        };
        rig.nodes.values().all(|member| gone(&member.cluster)).then_some(())
    })
    .await;
}

/// Who was recorded to have decided and done a removal.
fn recorded(rig: &Rig, node: NodeId) -> Vec<(Actor, AuditEvent)> {
    let state = rig.any().local();
    let of_node =
        |event: &AuditEvent| [AuditEvent::NodeLeaving(node), AuditEvent::NodeRemoved(node)].contains(event);
    let records = state.audit().filter(|record| of_node(&record.event));
    records.map(|record| (record.actor.clone(), record.event.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_outlives_the_leader_that_decided_it() {
    let mut rig = voters(tuning(), 5).await;
    let leader = rig.leader().await;
    let mut others = rig.nodes.keys().copied().filter(|node| *node != leader);
    let (leaving, witness) = (others.next().unwrap(), others.next().unwrap());
    let first = rig.node(leader.0);
    let operator = Actor::LocalOperator(leader);
    let asked = tokio::spawn({
        let operator = operator.clone();
        async move { first.remove(leaving, Removal::Careful, operator).await }
    });
    let mut states = rig.node(witness.0).states();
    let decided = states.wait_for(|state| !state.instance(leaving).unwrap().is_active());
    tokio::time::timeout(LIMIT, decided).await.unwrap().unwrap();
    drop(rig.crash(leader).await);
    let gone = rig.nodes.remove(&leaving).unwrap();
    wait_for_removal(&rig, leaving).await;
    let recorded = recorded(&rig, leaving);
    assert_eq!(recorded.len(), 2, "each step once: {recorded:?}");
    assert_eq!(recorded[0], (operator, AuditEvent::NodeLeaving(leaving)));
    assert_eq!(recorded[1].1, AuditEvent::NodeRemoved(leaving));
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    asked.abort();
    gone.cluster.halt().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_does_not_wait_for_a_voter_that_was_removed_meanwhile() {
    let mut rig = Rig::first(tuning(), Disk::memory()).await;
    let second = rig.join(Role::Voter, Disk::memory()).await;
    rig.wait_for_voter(second).await;
    let away = rig.join(Role::SiteLearner, Disk::memory()).await;
    eventually("the learner knows both voters", || {
        (rig.node(away.0).progress().voters.len() == 2).then_some(())
    })
    .await;
    let node = rig.crash(away).await;
    let removed = rig.follower().await;
    rig.node(rig.leader().await.0).remove(removed, Removal::Forced, Actor::Realm).await.unwrap();
    let gone = rig.nodes.remove(&removed).unwrap();
    wait_for_removal(&rig, removed).await;
    gone.cluster.halt().await;
    rig.restart(node).await;
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    eventually("the node follows", || label(&rig.node(away.0).local(), "after").map(drop)).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spare_voter_is_given_up_by_force_only() {
    let mut rig = voters(tuning(), 4).await;
    let leader = rig.leader().await;
    let mut others = rig.nodes.keys().copied().filter(|node| *node != leader);
    let (down, living) = (others.next().unwrap(), others.next().unwrap());
    drop(rig.crash(down).await);
    let cluster = rig.node(rig.leader().await.0);
    match cluster.remove(living, Removal::Careful, Actor::Realm).await {
        Err(MembershipError::NoSpare(text)) => {
            assert!(text.contains(&format!("node {down} does not answer")), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert!(rig.any().local().instance(living).unwrap().is_active(), "a refusal changes nothing");
    cluster.remove(living, Removal::Forced, Actor::Realm).await.unwrap();
    let gone = rig.nodes.remove(&living).unwrap();
    wait_for_removal(&rig, living).await;
    gone.cluster.halt().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_is_silent_for_too_long_is_removed_when_three_are_left() {
    let tuning = Tuning {
        dead_voter_after: Some(Duration::from_secs(1)),
        stabilisation: Duration::from_millis(300),
        ..tuning()
    };
    let mut rig = voters(tuning, 4).await;
    let silent = rig.follower().await;
    drop(rig.crash(silent).await);
    wait_for_removal(&rig, silent).await;
    let recorded = recorded(&rig, silent);
    assert_eq!(
        recorded,
        [(Actor::Realm, AuditEvent::NodeLeaving(silent)), (Actor::Realm, AuditEvent::NodeRemoved(silent))]
    );
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_that_is_silent_for_too_long_is_removed_and_silent_voters_are_not() {
    let tuning = Tuning { dead_learner_after: Some(Duration::from_secs(1)), ..tuning() };
    let mut rig = voters(tuning, 4).await;
    let learner = rig.join(Role::DmzLearner, Disk::memory()).await;
    // Of several that are silent alike the last one is removed first.
    let living = [Role::SiteLearner, Role::DmzLearner];
    let living = [rig.join(living[0], Disk::memory()).await, rig.join(living[1], Disk::memory()).await];
    let voter = rig.follower().await;
    drop(rig.crash(voter).await);
    drop(rig.crash(learner).await);
    wait_for_removal(&rig, learner).await;
    let state = rig.any().local();
    for node in [voter, living[0], living[1]] {
        assert!(state.instance(node).unwrap().is_active(), "node {node}");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_the_place_of_a_dead_voter_and_that_one_goes() {
    let mut rig = Rig::three().await;
    let dead = rig.follower().await;
    drop(rig.crash(dead).await);
    rig.leader().await;
    let newcomer = rig.join_in_place_of(dead).await;
    rig.wait_for_voter(newcomer).await;
    wait_for_removal(&rig, dead).await;
    let state = rig.any().local();
    assert_eq!(state.replacements().count(), 0);
    let events: Vec<_> = state.audit().map(|record| record.event.clone()).collect();
    let place = |event: AuditEvent| events.iter().position(|found| *found == event).unwrap();
    assert!(
        place(AuditEvent::NodeRoleChanged(newcomer, Role::Voter)) < place(AuditEvent::NodeLeaving(dead)),
        "the newcomer votes before the dead one goes"
    );
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}
