//! Members that come back with an old copy of their disk.

use crate::rig::{Disk, Node, Rig, commit, eventually, label, put};
use passquorum_domain::ids::NodeId;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency};
use passquorum_raft::{Phase, StartError};
use passquorum_storage::MemoryDisk;

fn image(node: &Node) -> Disk {
    let Disk::Memory(disk) = &node.disk else { panic!("not in memory") };
    Disk::Memory(disk.image())
}

async fn write_everywhere(rig: &Rig, name: &str) {
    assert!(matches!(commit(&rig.any(), put(name, "1")).await, Ok(Effect::Label(_))));
    eventually("every member has applied it", || {
        rig.nodes.values().all(|node| label(&node.cluster.local(), name).is_some()).then_some(())
    })
    .await;
}

/// Starts a member on another disk than its own, which must be refused without harm to anybody.
async fn is_refused(rig: &mut Rig, id: NodeId, disk: Disk) {
    let node = rig.crash(id).await;
    assert!(matches!(commit(&rig.any(), put("meanwhile", "1")).await, Ok(Effect::Label(_))));
    rig.restart(Node { disk, ..node }).await;
    eventually("it is recognised", || {
        let status = rig.nodes[&id].cluster.status();
        assert!(!status.takes_part || status.members.is_empty(), "nobody may be sent to an old copy");
        (*rig.nodes[&id].cluster.phase().borrow() == Phase::Outdated).then_some(())
    })
    .await;
    let node = rig.crash(id).await;
    let refused = rig.try_restart(node).await.unwrap_err();
    assert!(matches!(refused, StartError::Outdated), "{refused}");
    assert!(refused.to_string().contains("PQ-OLD-DISK"), "{refused}");
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    assert!(rig.nodes.values().all(|node| *node.cluster.phase().borrow() == Phase::Running));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_takes_no_part_before_a_majority_has_welcomed_it() {
    let mut rig = Rig::three().await;
    let id = rig.follower().await;
    let others: Vec<NodeId> = rig.nodes.keys().copied().filter(|other| *other != id).collect();
    let node = rig.crash(id).await;
    let mut away = Vec::new();
    for other in others {
        away.push(rig.crash(other).await);
    }
    rig.restart(node).await;
    assert!(!rig.nodes[&id].cluster.status().takes_part);
    rig.restart(away.pop().unwrap()).await;
    eventually("the other has welcomed it", || rig.nodes[&id].cluster.status().takes_part.then_some(()))
        .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_before_the_last_start_is_refused() {
    let mut rig = Rig::three().await;
    write_everywhere(&rig, "before").await;
    let id = rig.follower().await;
    let node = rig.crash(id).await;
    let old = image(&node);
    rig.restart(node).await;
    write_everywhere(&rig, "while-it-ran").await;
    is_refused(&mut rig, id, old).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_running_member_that_confirmed_more_afterwards_is_refused() {
    let mut rig = Rig::three().await;
    let id = rig.follower().await;
    let old = image(&rig.nodes[&id]);
    write_everywhere(&rig, "after-the-copy").await;
    is_refused(&mut rig, id, old).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaders_old_copy_is_refused_even_if_it_comes_back_before_anybody_stands_for_election() {
    let mut rig = Rig::three().await;
    let id = rig.leader().await;
    let old = image(&rig.nodes[&id]);
    write_everywhere(&rig, "after-the-copy").await;
    let node = rig.crash(id).await;
    rig.restart(Node { disk: old, ..node }).await;
    eventually("it is recognised", || {
        (*rig.nodes[&id].cluster.phase().borrow() == Phase::Outdated).then_some(())
    })
    .await;
    drop(rig.crash(id).await);
    assert!(matches!(commit(&rig.any(), put("after", "1")).await, Ok(Effect::Label(_))));
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "after-the-copy").as_deref(), Some("1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_disk_under_the_same_id_is_refused() {
    let mut rig = Rig::three().await;
    write_everywhere(&rig, "before").await;
    let id = rig.follower().await;
    is_refused(&mut rig, id, Disk::Memory(MemoryDisk::default())).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_lacks_nothing_is_as_good_as_the_disk() {
    let mut rig = Rig::three().await;
    write_everywhere(&rig, "before").await;
    let id = rig.follower().await;
    let node = rig.crash(id).await;
    let copy = image(&node);
    rig.restart(Node { disk: copy, ..node }).await;
    write_everywhere(&rig, "after").await;
    rig.stop().await;
}
