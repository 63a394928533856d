//! A leader replicates what its own disk does not have yet: nothing may build on it.

use crate::rig::{Disk, Rig, commit, eventually, label, put};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency};
use passquorum_storage::MemoryDisk;
use passquorum_storage::engine::Crash;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any test.
const STUCK: Duration = Duration::from_secs(3600);

fn memory(disk: &Disk) -> MemoryDisk {
    match disk {
        Disk::Memory(disk) => disk.clone(),
        Disk::Directory(_) => panic!("these tests run on memory"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_leaders_disk_does_not_have_is_neither_answered_nor_seen_nor_led_on_from() {
    let mut rig = Rig::three().await;
    assert!(matches!(commit(&rig.any(), put("before", "1")).await, Ok(Effect::Label(_))));
    let leader = rig.leader().await;
    let disk = memory(&rig.nodes[&leader].disk);
    let term = rig.node(leader.0).leadership().borrow().term;
    let last = |rig: &Rig| rig.node(leader.0).status().members.iter().filter_map(|m| m.applied).min();
    let before = last(&rig);

    disk.raft.set_latency(STUCK);
    let proposer = rig.node(leader.0);
    let proposed = tokio::spawn(async move { proposer.propose(put("unsynced", "2")).await });
    eventually("both followers have the entry", || {
        let status = rig.node(leader.0).status();
        let followers = status.members.iter().filter(|member| member.id != leader);
        followers.map(|member| member.applied).all(|matched| matched > before).then_some(())
    })
    .await;
    // Each heartbeat from here on could tell of the commit; a read makes sure that some did pass.
    drop(rig.node(leader.0).read(Consistency::Linearizable).await);
    for node in rig.nodes.values() {
        assert_eq!(label(&node.cluster.local(), "unsynced"), None, "at {}", node.id);
    }
    assert!(proposed.await.unwrap().is_err(), "no answer without the disk");

    let crashed = rig.crash(leader).await;
    disk.crash(Crash::LoseUnsynced);
    disk.raft.set_latency(Duration::ZERO);
    rig.restart(crashed).await;
    assert!(matches!(commit(&rig.any(), put("after", "3")).await, Ok(Effect::Label(_))));
    let now = *rig.any().leadership().borrow();
    assert!(now.term > term, "nobody leads on in the term of the lost entries");
    let states = eventually("all have the same state", || {
        let states: Vec<_> = rig.nodes.values().map(|node| node.cluster.local()).collect();
        let same = states.windows(2).all(|pair| pair[0] == pair[1]);
        (same && label(&states[0], "after").is_some()).then_some(states)
    })
    .await;
    assert_eq!(label(&states[0], "before").as_deref(), Some("1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_learn_of_a_commit_as_soon_as_the_leaders_disk_has_it() {
    let rig = Rig::three().await;
    let leader = rig.leader().await;
    memory(&rig.nodes[&leader].disk).raft.set_latency(Duration::from_millis(20));
    for n in 0..20 {
        let name = format!("label-{n}");
        assert!(matches!(commit(&rig.node(leader.0), put(&name, "x")).await, Ok(Effect::Label(_))));
        for node in rig.nodes.values() {
            let state = node.cluster.read(Consistency::Linearizable).await.unwrap();
            assert!(label(&state, &name).is_some());
        }
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_alone_elects_itself_again_after_it_lost_its_tail() {
    let mut rig = Rig::first(crate::rig::tuning(), Disk::memory()).await;
    assert!(matches!(commit(&rig.any(), put("before", "1")).await, Ok(Effect::Label(_))));
    let alone = rig.leader().await;
    let disk = memory(&rig.nodes[&alone].disk);
    disk.raft.set_latency(STUCK);
    let proposer = Arc::clone(&rig.nodes[&alone].cluster);
    assert!(proposer.propose(put("lost", "2")).await.is_err());
    drop(proposer);
    let crashed = rig.crash(alone).await;
    disk.crash(Crash::LoseUnsynced);
    disk.raft.set_latency(Duration::ZERO);
    rig.restart(crashed).await;
    assert!(matches!(commit(&rig.any(), put("after", "3")).await, Ok(Effect::Label(_))));
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(label(&state, "before").as_deref(), Some("1"));
    assert_eq!(label(&state, "lost"), None);
    rig.stop().await;
}
