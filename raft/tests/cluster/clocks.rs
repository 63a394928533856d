//! Members whose clock is wrong.

use crate::rig::{Rig, commit, eventually, put};
use passquorum_domain::audit::Actor;
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Membership, ProposeError};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_clock_goes_wrong_gives_leadership_up_and_writes_go_on() {
    let rig = Rig::three().await;
    let wrong = rig.leader().await;
    let other = rig.nodes.values().find(|node| node.id != wrong).unwrap();
    rig.nodes[&wrong].clock.shift(90_000);
    assert_eq!(other.cluster.propose(put("refused", "x")).await, Err(ProposeError::ClockSkew));

    eventually("another one leads", || {
        let status = other.cluster.status();
        (status.quorum && status.leader.is_some_and(|leader| leader != wrong)).then_some(())
    })
    .await;
    assert!(matches!(commit(&other.cluster, put("taken", "x")).await, Ok(Effect::Label(_))));
    let status = rig.nodes[&wrong].cluster.status();
    assert!(!status.clock_fit && status.clock_ahead_ms > Some(80_000), "{status:?}");
    assert!(other.cluster.status().clock_fit);

    rig.nodes[&wrong].clock.shift(0);
    eventually("its clock is right again", || rig.nodes[&wrong].cluster.status().clock_fit.then_some(()))
        .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_a_wrong_clock_is_not_elected() {
    let mut rig = Rig::three().await;
    let leader = rig.leader().await;
    let wrong = *rig.nodes.keys().find(|id| **id != leader).unwrap();
    rig.nodes[&wrong].clock.shift(-90_000);
    eventually("it knows", || (!rig.nodes[&wrong].cluster.status().clock_fit).then_some(())).await;
    // It does not stand for election even when it is asked to; another one may meanwhile.
    drop(rig.nodes[&leader].cluster.transfer_leader(Some(wrong), Actor::Realm).await);
    let leader = rig.leader().await;
    assert_ne!(leader, wrong);
    // Who lacks what the one with the wrong clock has could not be elected either.
    eventually("both others have the same log", || {
        let ends: BTreeSet<_> = rig.nodes.values().map(|node| node.cluster.status().log.last).collect();
        (ends.len() == 1).then_some(())
    })
    .await;
    drop(rig.crash(leader).await);
    let next = rig.leader().await;
    assert_ne!(next, wrong);
    rig.stop().await;
}
