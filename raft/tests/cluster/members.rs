//! Nodes that come, go, and take over.

use crate::rig::{Disk, LIMIT, Rig, commit, eventually, label, put, record, tuning};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{
    Consensus, Consistency, MemberRole, Membership, MembershipError, ProposeError, Removal,
};
use passquorum_raft::{Phase, Tuning};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn leadership_moves_to_the_node_that_is_asked_for() {
    // So patient that nobody stands for election by itself, however slow the machine is.
    let (election_min, election_max) = (Duration::from_secs(10), Duration::from_secs(20));
    let rig = Rig::voters(Tuning { election_min, election_max, patience: LIMIT, ..tuning() }).await;
    let leader = rig.leader().await;
    let target = rig.follower().await;
    // Asked on a node that does not lead.
    let moved = rig.node(target.0).transfer_leader(Some(target), Actor::Realm).await;
    assert_eq!(moved, Ok(target));
    assert_eq!(rig.leader().await, target);
    assert_ne!(leader, target);
    assert!(matches!(commit(&rig.node(leader.0), put("after", "1")).await, Ok(Effect::Label(_))));
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert!(state.audit().any(|record| record.event == AuditEvent::LeadershipTransferred(target)));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_in_good_order_hands_over_first() {
    let mut rig = Rig::three().await;
    let leader = rig.leader().await;
    let leaving = rig.nodes.remove(&leader).unwrap();
    leaving.cluster.stop().await;
    eventually("the others have another leader", || {
        let mut others = rig.nodes.values().map(|node| node.cluster.leadership().borrow().leader);
        others.all(|seen| seen.is_some_and(|seen| seen != leader)).then_some(())
    })
    .await;
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    assert_eq!(*leaving.cluster.phase().borrow(), Phase::Stopped);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_reads_and_writes_through_the_leader_but_never_votes() {
    let mut rig = Rig::three().await;
    let id = rig.join(Role::SiteLearner, Disk::memory()).await;
    let learner = rig.node(id.0);
    assert!(matches!(commit(&learner, put("from-site", "1")).await, Ok(Effect::Label(_))));
    let state = learner.read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "from-site").as_deref(), Some("1"));

    let leader = rig.node(rig.leader().await.0);
    assert_eq!(
        leader.promote(id, Actor::Realm).await,
        Err(MembershipError::RoleForbids(id, Role::SiteLearner))
    );
    assert_eq!(
        learner.remove(NodeId(1), Removal::Careful, Actor::Realm).await,
        Err(MembershipError::Propose(ProposeError::Forbidden {
            voters: vec!["https://localhost".into(); 3]
        }))
    );
    let status = leader.status();
    let member = status.members.iter().find(|member| member.id == id).unwrap();
    assert_eq!(member.role, MemberRole::Learner);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_node_stops_and_the_realm_goes_on_without_it() {
    let mut rig = Rig::three().await;
    let leaving = rig.follower().await;
    let leader = rig.leader().await;
    rig.node(leader.0).remove(leaving, Removal::Careful, Actor::Realm).await.unwrap();
    let gone = rig.nodes.remove(&leaving).unwrap();
    let mut phase = gone.cluster.phase();
    let removed = phase.wait_for(|phase| *phase == Phase::Removed);
    tokio::time::timeout(LIMIT, removed).await.unwrap().unwrap();
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    let status = rig.node(leader.0).status();
    assert!(status.members.iter().all(|member| member.id != leaving));
    assert_eq!(
        rig.node(leader.0).remove(leaving, Removal::Careful, Actor::Realm).await,
        Err(MembershipError::NoSuchNode(leaving))
    );
    gone.cluster.halt().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_can_be_removed_and_another_takes_over() {
    let mut rig = Rig::three().await;
    let leader = rig.leader().await;
    let follower = rig.follower().await;
    rig.node(follower.0).remove(leader, Removal::Careful, Actor::Realm).await.unwrap();
    let gone = rig.nodes.remove(&leader).unwrap();
    let mut phase = gone.cluster.phase();
    let removed = phase.wait_for(|phase| *phase == Phase::Removed);
    tokio::time::timeout(LIMIT, removed).await.unwrap().unwrap();
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    gone.cluster.halt().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_would_leave_no_majority_is_refused() {
    let mut rig = Rig::three().await;
    let down = rig.follower().await;
    let crashed = rig.crash(down).await;
    let leader = rig.leader().await;
    let other = *rig.nodes.keys().find(|id| **id != leader).unwrap();
    let refused = rig.node(leader.0).remove(other, Removal::Careful, Actor::Realm).await;
    assert!(matches!(refused, Err(MembershipError::QuorumAtRisk(_))), "{refused:?}");
    rig.node(leader.0).remove(down, Removal::Careful, Actor::Realm).await.unwrap();
    drop(crashed);

    let alone = Rig::first(tuning(), Disk::memory()).await;
    let refused = alone.node(1).remove(NodeId(1), Removal::Careful, Actor::Realm).await;
    assert!(matches!(refused, Err(MembershipError::QuorumAtRisk(_))), "{refused:?}");
    alone.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_node_comes_back_under_a_new_id_by_snapshot() {
    let tuning = Tuning { snapshot_every: 30, keep_entries: 5, ..tuning() };
    let mut rig = Rig::first(tuning, Disk::memory()).await;
    for _ in 0..2 {
        let id = rig.join(Role::Voter, Disk::memory()).await;
        rig.wait_for_voter(id).await;
    }
    let wiped = rig.follower().await;
    drop(rig.crash(wiped).await);
    let leader = rig.leader().await;
    rig.node(leader.0).remove(wiped, Removal::Careful, Actor::Realm).await.unwrap();
    let large = "x".repeat(60_000);
    for n in 0..100 {
        assert!(commit(&rig.any(), put(&format!("large-{}", n % 10), &large)).await.is_ok());
        assert!(commit(&rig.any(), record()).await.is_ok());
    }
    let id = rig.join(Role::Voter, Disk::memory()).await;
    assert!(id > wiped, "the old id is never used again");
    rig.wait_for_voter(id).await;
    let newcomer = rig.node(id.0);
    let state = newcomer.read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "large-3").map(|value| value.len()), Some(large.len()));
    let leader_state = rig.node(rig.leader().await.0).read(Consistency::Linearizable).await.unwrap();
    eventually("both have the same state", || (newcomer.local() == rig.any().local()).then_some(())).await;
    assert!(leader_state.totals().audit_seq > 200);
    rig.stop().await;
}

/// Waits until a member's registry has a node at an address.
async fn wait_for_move(rig: &Rig, node: NodeId, address: &str) {
    eventually("every member knows where the node is", || {
        let knows = |state: &passquorum_domain::state::State| {
            state.instance(node).is_some_and(|instance| instance.cluster_address == address)
        };
        rig.nodes.values().all(|member| knows(&member.cluster.local())).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_at_another_address_tells_the_others() {
    let mut rig = Rig::three().await;
    let moved = rig.follower().await;
    let node = rig.crash(moved).await;
    assert!(matches!(commit(&rig.any(), put("meanwhile", "1")).await, Ok(Effect::Label(_))));
    let address = rig.restart_elsewhere(node).await;
    wait_for_move(&rig, moved, &address).await;
    // It can be reached there: with another voter down, nothing is committed without it.
    let leader = rig.leader().await;
    let other = *rig.nodes.keys().find(|node| ![leader, moved].contains(node)).unwrap();
    drop(rig.crash(other).await);
    assert!(matches!(commit(&rig.node(leader.0), put("after", "1")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_says_where_a_node_of_the_perimeter_is() {
    let mut rig = Rig::three().await;
    let moved = rig.join(Role::DmzLearner, Disk::memory()).await;
    let node = rig.crash(moved).await;
    let address = rig.restart_elsewhere(node).await;
    let voter = rig.node(rig.follower().await.0);
    voter.move_node(moved, address.parse().unwrap(), Actor::Realm).await.unwrap();
    wait_for_move(&rig, moved, &address).await;
    assert!(voter.local().audit().any(|record| record.event == AuditEvent::NodeMoved(moved)));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_that_nobody_asks_is_not_called_silent() {
    let mut rig = Rig::three().await;
    let dmz = rig.join(Role::DmzLearner, Disk::memory()).await;
    let gone = rig.follower().await;
    let leader = rig.node(rig.leader().await.0);
    let answers = |node: NodeId| {
        let status = leader.status();
        status.members.iter().find(|member| member.id == node).map(|member| member.answers)
    };
    eventually("the leader has heard the voter", || (answers(gone) == Some(Some(true))).then_some(())).await;
    drop(rig.crash(gone).await);
    // The round that says so began after the learner came.
    eventually("the leader knows that the voter is silent", || {
        (answers(gone) == Some(Some(false))).then_some(())
    })
    .await;
    assert_eq!(answers(dmz), Some(None));
    drop(leader);
    rig.stop().await;
}
