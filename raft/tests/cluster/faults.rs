//! Crashes, lost quorums, clocks, disks.

use crate::rig::{Disk, LIMIT, Rig, commit, eventually, label, put, tuning};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::ports::{Consensus, Consistency, LeaderReads, ProposeError, ReadError};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_raft::{Phase, Tuning};
use passquorum_storage::engine::Refusal;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_leader_is_replaced_and_takes_part_again_when_it_is_back() {
    let mut rig = Rig::three().await;
    assert!(matches!(commit(&rig.any(), put("before", "1")).await, Ok(Effect::Label(_))));
    let leader = rig.leader().await;
    let crashed = rig.crash(leader).await;
    assert!(matches!(commit(&rig.any(), put("meanwhile", "2")).await, Ok(Effect::Label(_))));
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "before").as_deref(), Some("1"));

    rig.restart(crashed).await;
    let back = rig.node(leader.0);
    let state = eventually("the node that was away has the write", || {
        let state = back.local();
        label(&state, "meanwhile").is_some().then_some(state)
    })
    .await;
    assert_eq!(label(&state, "before").as_deref(), Some("1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_nothing_is_changed_and_it_is_said_and_it_heals() {
    let mut rig = Rig::three().await;
    assert!(matches!(commit(&rig.any(), put("before", "1")).await, Ok(Effect::Label(_))));
    let mut crashed = Vec::new();
    let leader = rig.leader().await;
    let others: Vec<NodeId> = rig.nodes.keys().copied().filter(|id| *id != leader).collect();
    for id in others {
        crashed.push(rig.crash(id).await);
    }
    let alone = rig.node(leader.0);
    eventually("the leader knows that its quorum is gone", || (!alone.status().quorum).then_some(())).await;

    let refused = put("refused", "x");
    assert_eq!(alone.propose(refused.clone()).await, Err(ProposeError::NoQuorum));
    assert!(alone.read(Consistency::Linearizable).await.is_err());
    assert!(alone.read_as_leader().await.is_err());
    let local = alone.read(Consistency::Local).await.unwrap();
    assert_eq!(label(&local, "before").as_deref(), Some("1"));

    for node in crashed {
        rig.restart(node).await;
    }
    assert!(matches!(commit(&alone, put("after", "2")).await, Ok(Effect::Label(_))));
    let state = alone.read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "refused"), None, "what was said not to be done is not done");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_disk_is_full_leaves_service() {
    let mut rig = Rig::three().await;
    let full = rig.leader().await;
    let Disk::Memory(disk) = rig.nodes[&full].disk.clone() else { panic!("not in memory") };
    disk.raft.refuse_writes(Some(Refusal::DiskFull));
    // Whether this one is committed is not known.
    drop(rig.node(full.0).propose(put("full", "1")).await);
    eventually("it leaves", || (*rig.node(full.0).phase().borrow() == Phase::Failed).then_some(())).await;
    drop(rig.crash(full).await);
    assert!(matches!(commit(&rig.any(), put("after", "2")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_disk_is_full_lets_its_callers_go_however_patient_they_are() {
    let rig = Rig::first(Tuning { patience: LIMIT * 60, ..tuning() }, Disk::memory()).await;
    let Disk::Memory(disk) = rig.nodes[&NodeId(1)].disk.clone() else { panic!("not in memory") };
    let cluster = rig.any();
    disk.raft.refuse_writes(Some(Refusal::DiskFull));
    drop(timeout(LIMIT, cluster.propose(put("full", "1"))).await.unwrap());
    eventually("it leaves", || (*cluster.phase().borrow() == Phase::Failed).then_some(())).await;
    let written = timeout(LIMIT, cluster.propose(put("late", "2"))).await.unwrap();
    assert_eq!(written, Err(ProposeError::NoQuorum));
    let read = timeout(LIMIT, cluster.read(Consistency::Linearizable)).await.unwrap();
    assert_eq!(read.err(), Some(ReadError::NoQuorum));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_from_a_wrong_clock_is_refused_wherever_it_comes_in() {
    let rig = Rig::three().await;
    for node in rig.nodes.values() {
        let mut early = put("early", "x");
        early.at = early.at.minus(Span::seconds(90));
        assert_eq!(node.cluster.propose(early).await, Err(ProposeError::ClockSkew));
        let mut late = put("late", "x");
        late.at = Timestamp(u64::MAX);
        assert_eq!(node.cluster.propose(late).await, Err(ProposeError::ClockSkew));
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_too_large_is_refused_before_the_log() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let answer = rig.any().propose(put("large", &"x".repeat(2 << 20))).await;
    assert_eq!(answer, Ok(Err(Rejection::TooLarge)));
    assert!(matches!(commit(&rig.any(), put("small", "x")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_are_on_disk_after_every_member_went_down() {
    let directory = tempfile::tempdir().unwrap();
    let disk = |n: u32| Disk::Directory(directory.path().join(format!("node-{n}")));
    let mut rig = Rig::first(tuning(), disk(1)).await;
    for n in 2..=3 {
        let id = rig.join(Role::Voter, disk(n)).await;
        rig.wait_for_voter(id).await;
    }
    for n in 0..20 {
        let answer = commit(&rig.any(), put(&format!("label-{n}"), "value")).await;
        assert!(matches!(answer, Ok(Effect::Label(_))));
    }
    let ids: Vec<NodeId> = rig.nodes.keys().copied().collect();
    let mut down = Vec::new();
    for id in ids {
        down.push(rig.crash(id).await);
    }
    for node in down {
        rig.restart(node).await;
    }
    let state = eventually_read(&rig).await;
    for n in 0..20 {
        assert_eq!(label(&state, &format!("label-{n}")).as_deref(), Some("value"));
    }
    rig.stop().await;
}

async fn eventually_read(rig: &Rig) -> std::sync::Arc<passquorum_domain::state::State> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(state) = rig.any().read(Consistency::Linearizable).await {
            return state;
        }
        assert!(tokio::time::Instant::now() < deadline, "no quorum came back");
    }
}
