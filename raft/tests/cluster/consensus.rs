//! Writes, reads, leader changes.

use crate::rig::{Disk, Rig, commit, eventually, label, put, record, tuning};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::instance::Role;
use passquorum_domain::limit::Limit;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency, LeaderReads, ProposeError};

#[tokio::test(flavor = "multi_thread")]
async fn what_any_node_wrote_every_node_reads() {
    let rig = Rig::three().await;
    for node in rig.nodes.values() {
        let name = format!("from-{}", node.id);
        assert!(matches!(node.cluster.propose(put(&name, "value")).await, Ok(Ok(Effect::Label(_)))));
        for reader in rig.nodes.values() {
            let state = reader.cluster.read(Consistency::Linearizable).await.unwrap();
            assert_eq!(label(&state, &name).as_deref(), Some("value"), "{} at {}", name, reader.id);
        }
    }
    let leader = rig.leader().await;
    let statuses = eventually("every node shows every member's place in the log", || {
        let all: Vec<_> = rig.nodes.values().map(|node| node.cluster.status()).collect();
        let complete = all.iter().all(|status| {
            status.quorum
                && status.members.iter().all(|member| member.applied.is_some() && member.lag == Some(0))
        });
        complete.then_some(all)
    })
    .await;
    for status in statuses {
        assert_eq!(status.leader, Some(leader));
        assert_eq!(status.members.iter().filter(|member| member.leader).count(), 1);
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_changes_nothing_and_gets_the_same_answer() {
    let rig = Rig::three().await;
    let command = put("once", "value");
    let mut answers = Vec::new();
    for node in rig.nodes.values() {
        answers.push(node.cluster.propose(command.clone()).await.unwrap());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(state.totals().label_revision, 1);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_on_every_node_lose_nothing() {
    let rig = Rig::three().await;
    let mut writers = tokio::task::JoinSet::new();
    for node in rig.nodes.values() {
        for _ in 0..50 {
            let cluster = std::sync::Arc::clone(&node.cluster);
            writers.spawn(async move { cluster.propose(record()).await.unwrap().unwrap() });
        }
    }
    while let Some(done) = writers.join_next().await {
        assert_eq!(done.unwrap(), Effect::Done);
    }
    for node in rig.nodes.values() {
        let state = node.cluster.read(Consistency::Linearizable).await.unwrap();
        // The leader may record the last node's new role only now.
        let written = state.audit().filter(|record| matches!(record.event, AuditEvent::NotServed(_)));
        assert_eq!(written.count(), 150);
    }
    rig.stop().await;
}

/// On one thread, so that all of them are there before the leader looks at the first.
#[tokio::test]
async fn a_flood_is_told_that_the_leader_is_busy_and_what_was_taken_is_committed() {
    const FLOOD: usize = 6000;
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let cluster = rig.any();
    let proposals = (0..FLOOD).map(|_| cluster.propose(record()));
    let (mut taken, mut busy) = (0, 0);
    for answer in futures::future::join_all(proposals).await {
        match answer {
            Ok(outcome) => {
                assert_eq!(outcome, Ok(Effect::Done));
                taken += 1;
            }
            Err(error) => {
                assert_eq!(error, ProposeError::Busy);
                busy += 1;
            }
        }
    }
    assert!(taken > 0 && busy > 0, "{taken} taken, {busy} refused");
    assert_eq!(cluster.refusals().count(Limit::Proposals), busy);
    let state = cluster.read(Consistency::Linearizable).await.unwrap();
    let written = state.audit().filter(|record| matches!(record.event, AuditEvent::NotServed(_)));
    assert_eq!(written.count(), taken);
    assert!(matches!(commit(&cluster, put("after", "the flood")).await, Ok(Effect::Label(_))));
    rig.stop().await;
}

/// On one thread, so that all of them are there before the first is sent on.
#[tokio::test]
async fn a_flood_on_a_node_that_does_not_lead_is_told_that_it_is_busy() {
    const FLOOD: usize = 3000;
    let mut rig = Rig::first(tuning(), Disk::memory()).await;
    let learner = rig.join(Role::SiteLearner, Disk::memory()).await;
    let cluster = rig.node(learner.0);
    eventually("it knows the leader", || cluster.status().quorum.then_some(())).await;
    let proposals = (0..FLOOD).map(|_| cluster.propose(record()));
    let answers = futures::future::join_all(proposals).await;
    let taken = answers.iter().filter(|answer| **answer == Ok(Ok(Effect::Done))).count();
    let busy = answers.iter().filter(|answer| **answer == Err(ProposeError::Busy)).count();
    assert_eq!(taken + busy, FLOOD);
    assert!(taken > 0 && busy > 0, "{taken} taken, {busy} refused");
    assert!(cluster.refusals().count(Limit::PeerCalls) > 0);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_leader_reads_as_the_leader_and_tells_its_term_and_index() {
    let mut rig = Rig::three().await;
    let mut last = (0, 0);
    for round in ["one", "two"] {
        assert!(matches!(commit(&rig.any(), put(round, "value")).await, Ok(Effect::Label(_))));
        let leader = rig.leader().await;
        for node in rig.nodes.values() {
            let read = node.cluster.read_as_leader().await;
            assert_eq!(read.is_ok(), node.id == leader, "{}", node.id);
        }
        let read = rig.node(leader.0).read_as_leader().await.unwrap();
        assert_eq!(read.term, rig.node(leader.0).status().term);
        assert_eq!(label(&read.state, round).as_deref(), Some("value"));
        assert!((read.term, read.index) > last, "{last:?}");
        last = (read.term, read.index);
        let crashed = rig.crash(leader).await;
        eventually("another node leads", || {
            rig.nodes.values().any(|node| node.cluster.status().leader == Some(node.id)).then_some(())
        })
        .await;
        rig.restart(crashed).await;
    }
    rig.stop().await;
}
