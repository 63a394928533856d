//! A reset from outside: Chromium, HAProxy, a node in the perimeter, a voter, a real domain. The voter that leads dies on
//! the way, and in the end all of them.

use crate::World;
use crate::journey::{
    FORGOTTEN, choose_password, give_answers, nothing_planted_is_on_disk, screenshots, start_task,
};
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::{ports, wait};
use std::time::Duration;

#[tokio::test]
async fn a_person_resets_a_password_through_the_perimeter_while_the_leader_dies() {
    let mut world = World::start().await;
    let node = world.realm.join_perimeter().await.unwrap();
    let outside = world.base(node);
    // The settings that operators are given name three nodes; here they are one.
    let address = outside.trim_start_matches("https://").to_owned();
    let balancer = HaProxy::start(
        &world.dir.path().join("haproxy"),
        ports::block(2).unwrap(),
        &[address.clone(), address.clone(), address],
        &world.realm.authority(),
    )
    .await
    .unwrap();
    let site = balancer.url();
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();

    start_task(&browser, &site, "register", "alice").await;
    browser.wait_for_text("Enter your password").await.unwrap();
    browser.fill("Password", &seeded_password("alice")).await.unwrap();
    browser.submit().await.unwrap();
    give_answers(&browser).await;
    browser.wait_for_text("Your security questions are saved").await.unwrap();

    start_task(&browser, &site, "forgot-password", "alice").await;
    give_answers(&browser).await;
    choose_password(&browser, FORGOTTEN).await;
    let leader = world.leader(1).await;
    world.realm.cluster.kill9(leader).await.unwrap();
    wait::until("the node knows that the voter is gone", Duration::from_secs(20), || async {
        let status = world.realm.status(node).await.ok()?;
        let lenders = status["lenders"].as_array()?.clone();
        (!lenders.iter().any(|lender| lender == leader)).then_some(())
    })
    .await
    .unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap(), "the new password binds");

    for voter in (1..=3).filter(|voter| *voter != leader) {
        world.realm.cluster.kill9(voter).await.unwrap();
    }
    browser.open(&format!("{outside}/self-service/start/forgot-password")).await.unwrap();
    browser.wait_for_text("PQ-NO-VOTER").await.unwrap();
    browser.wait_for_text("Not available at the moment").await.unwrap();
    browser.screenshot("15-no-voter-desktop").await.unwrap();

    browser.stop().await.unwrap();
    balancer.stop().await.unwrap();
    nothing_planted_is_on_disk(&world);
    world.stop().await;
}
