//! Members whose state is not what their log says.

use crate::rig::{Disk, Node, Rig, commit, eventually, label, put, record, tuning};
use openraft::{Entry, EntryPayload};
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::Action;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency, Membership, Removal};
use passquorum_raft::types::{Batch, TypeConfig};
use passquorum_raft::{Phase, StartError, Tuning};
use passquorum_storage::codec::{self, Kind};
use passquorum_storage::engine::{self, Durability, Engine};
use std::collections::BTreeSet;

/// The envelope of a log entry.
const ENTRY: Kind = Kind::new(1, 1);

/// Gives a label another value in a stopped member's log, behind the back of everything that guards it.
fn forge_label(node: &Node, name: &str) {
    let Disk::Memory(disk) = &node.disk else { panic!("not in memory") };
    let holds = |key: &Vec<u8>| {
        let bytes = disk.raft.get(key).unwrap().unwrap();
        bytes.windows(name.len()).any(|part| part == name.as_bytes())
    };
    let key = disk.raft.keys().into_iter().find(|key| key.starts_with(b"L") && holds(key)).unwrap();
    let bytes = disk.raft.get(&key).unwrap().unwrap();
    let mut entry: Entry<TypeConfig> = codec::decode(ENTRY, &bytes).unwrap();
    let EntryPayload::Normal(Batch(commands)) = &mut entry.payload else { panic!("no commands") };
    for command in commands {
        if let Action::PutLabel { value, .. } = &mut command.action {
            *value = Blob::from(b"forged".as_slice());
        }
    }
    let mut batch = engine::Batch::default();
    batch.put(key, codec::encode(ENTRY, &entry).unwrap());
    disk.raft.write(batch, Durability::Synced).unwrap();
}

async fn write_everywhere(rig: &Rig, name: &str) {
    assert!(matches!(commit(&rig.any(), put(name, "1")).await, Ok(Effect::Label(_))));
    eventually("every member has applied it", || {
        rig.nodes.values().all(|node| label(&node.cluster.local(), name).is_some()).then_some(())
    })
    .await;
}

fn phase(rig: &Rig, id: NodeId) -> Phase {
    *rig.nodes[&id].cluster.phase().borrow()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_state_was_damaged_leaves_for_good_and_keeps_the_evidence() {
    let mut rig = Rig::three().await;
    write_everywhere(&rig, "victim").await;
    let damaged = rig.follower().await;
    let node = rig.crash(damaged).await;
    forge_label(&node, "victim");
    rig.restart(node).await;

    eventually("it notices", || (phase(&rig, damaged) == Phase::Diverged).then_some(())).await;
    let cluster = rig.node(damaged.0);
    assert!(cluster.read(Consistency::Linearizable).await.is_err());
    assert!(cluster.propose(put("late", "x")).await.is_err());
    assert!(!cluster.status().quorum);
    let evidence = cluster.evidence().unwrap();
    assert_ne!(evidence.report.ours, evidence.report.theirs);
    assert_eq!(evidence.report.digests.len(), 3);
    assert!(!evidence.log.is_empty());
    assert!(evidence.cells().count() > 3);

    let node = rig.crash(damaged).await;
    drop(cluster);
    let refused = rig.try_restart(node).await.unwrap_err();
    assert!(matches!(refused, StartError::Diverged { .. }), "{refused}");
    assert!(refused.to_string().contains("PQ-DIVERGED"), "{refused}");
    assert!(rig.nodes.keys().all(|id| phase(&rig, *id) == Phase::Running));
    rig.node(rig.leader().await.0).remove(damaged, Removal::Careful, Actor::Realm).await.unwrap();
    let id = rig.join(Role::Voter, Disk::memory()).await;
    rig.wait_for_voter(id).await;
    let state = rig.node(id.0).read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "victim").as_deref(), Some("1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_differs_hands_over_and_leaves() {
    let mut rig = Rig::three().await;
    write_everywhere(&rig, "victim").await;
    let damaged = rig.follower().await;
    let third = *rig.nodes.keys().find(|id| **id != damaged).unwrap();
    let node = rig.crash(damaged).await;
    let away = rig.crash(third).await;
    forge_label(&node, "victim");
    rig.restart(node).await;
    // Of two voters that answer, of three, nobody is the majority yet.
    rig.leader().await;
    rig.any().transfer_leader(Some(damaged), Actor::Realm).await.unwrap();
    assert_eq!(rig.leader().await, damaged);
    rig.restart(away).await;

    eventually("the leader leaves", || (phase(&rig, damaged) == Phase::Diverged).then_some(())).await;
    drop(rig.crash(damaged).await);
    assert!(matches!(commit(&rig.any(), put("after", "2")).await, Ok(Effect::Label(_))));
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "victim").as_deref(), Some("1"));
    assert!(rig.nodes.keys().all(|id| phase(&rig, *id) == Phase::Running));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_snapshots_and_membership_changes_are_no_divergence() {
    let tuning = Tuning { snapshot_every: 40, keep_entries: 10, ..tuning() };
    let mut rig = Rig::first(tuning, Disk::memory()).await;
    for _ in 0..2 {
        let id = rig.join(Role::Voter, Disk::memory()).await;
        rig.wait_for_voter(id).await;
    }
    for round in 0..8 {
        for n in 0..45 {
            let written =
                commit(&rig.any(), put(&format!("label-{}", n % 13), &format!("{round}-{n}"))).await;
            assert!(matches!(written, Ok(Effect::Label(_))));
            assert!(commit(&rig.any(), record()).await.is_ok());
        }
        let leader = rig.leader().await;
        let id = if round % 2 == 0 { leader } else { rig.follower().await };
        let node = rig.crash(id).await;
        assert!(commit(&rig.any(), record()).await.is_ok());
        rig.restart(node).await;
        if round == 3 {
            rig.join(Role::SiteLearner, Disk::memory()).await;
            let id = rig.join(Role::Voter, Disk::memory()).await;
            rig.wait_for_voter(id).await;
            let leader = rig.leader().await;
            let leaving = *rig.nodes.keys().find(|id| **id != leader).unwrap();
            rig.node(leader.0).remove(leaving, Removal::Careful, Actor::Realm).await.unwrap();
            rig.nodes.remove(&leaving).unwrap().cluster.halt().await;
        }
    }
    let last = rig.any().status().members.iter().filter_map(|member| member.applied).max();
    assert!(last > Some(700), "{last:?}");
    let all: BTreeSet<NodeId> = rig.nodes.keys().copied().collect();
    eventually("every member has compared all of its state", || {
        let checked = |id: &NodeId| rig.nodes[id].cluster.status().checked;
        all.iter().all(|id| checked(id) >= last).then_some(())
    })
    .await;
    assert!(all.iter().all(|id| phase(&rig, *id) == Phase::Running));
    rig.stop().await;
}
