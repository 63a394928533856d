//! A reset from outside: Chromium, HAProxy, a node in the perimeter, a voter, a real domain. The voter that leads dies on
//! the way, in the end all of them, and then the node itself.

use crate::World;
use crate::journey::{
    FORGOTTEN, choose_password, give_answers, nothing_planted_is_on_disk, picture, screenshots, start_task,
};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::{ports, wait};
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// How long the realm may take to be itself again. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of operators name three nodes; here all of them are the one in the perimeter.
async fn balance(world: &World, node: u64) -> HaProxy {
    let address = world.base(node).trim_start_matches("https://").to_owned();
    let nodes = [(); 3].map(|()| (node, address.clone()));
    let dir = world.dir.path().join("haproxy");
    HaProxy::start(&dir, ports::block(2).unwrap(), &nodes, &world.realm.authority()).await.unwrap()
}

/// Waits until another voter leads, the node knows it and lends from none that is gone, and what is asked through the
/// balancer is answered by a node that is ready.
async fn led_by_another_than(gone: u64, world: &World, node: u64, client: &Client, balancer: &HaProxy) {
    wait::until("another voter leads, and the node knows it", PATIENCE, || async {
        let status = world.realm.status(node).await.ok()?;
        let is_followed = status["leader"].as_u64().is_some_and(|leader| leader != gone);
        let lends = status["lenders"].as_array()?.iter().any(|lender| lender == gone);
        (is_followed && !lends && status["quorum"] == true).then_some(())
    })
    .await
    .unwrap();
    wait::until("the node is ready behind the balancer", PATIENCE, || async {
        let answer = client.get(format!("{}/ready", balancer.url())).send().await.ok()?;
        (answer.status() == StatusCode::OK && balancer.sees_a_ready_node().await.unwrap()).then_some(())
    })
    .await
    .unwrap();
}

/// What a browser is sent for a page: the status, and when to try again.
async fn told(client: &Client, url: &str) -> (StatusCode, String) {
    let answer = client.get(url).send().await.unwrap();
    let later = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), later.unwrap_or_default())
}

/// Shows that a page which says that nothing can be done now is calm and whole: it fits the width, it says what to do
/// and by what code, and nothing that it loads or runs fails.
async fn says_so(browser: &Browser, url: &str, code: &str, name: &str) {
    browser.console().await.unwrap();
    browser.open(url).await.unwrap();
    for words in ["Not available at the moment", "try again", "helpdesk", code] {
        browser.wait_for_text(words).await.unwrap();
    }
    for viewport in [Viewport::Phone, Viewport::Desktop] {
        browser.resize(viewport).await.unwrap();
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.execute(wider).await.unwrap(), 0, "{name} is wider than {viewport:?}");
    }
    picture(browser, name).await;
    let told = browser.console().await.unwrap();
    assert!(told.len() == 1 && told[0].contains("503"), "the page's own status, and nothing else: {told:?}");
}

#[tokio::test]
async fn a_person_resets_a_password_through_the_perimeter_while_the_leader_dies() {
    let mut world = World::start().await;
    let node = world.realm.join_perimeter().await.unwrap();
    let balancer = balance(&world, node).await;
    let site = balancer.url();
    let client = https::client(Trust::Authority(&balancer.authority().unwrap())).unwrap();
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
    let leader = world.leader(node).await;
    world.realm.cluster.kill9(leader).await.unwrap();
    led_by_another_than(leader, &world, node, &client, &balancer).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap(), "the new password binds");

    // Nobody is left who could do anything: the node says so, through the balancer as well.
    for voter in (1..=3).filter(|voter| *voter != leader) {
        world.realm.cluster.kill9(voter).await.unwrap();
    }
    wait::until("the balancer has taken the node out", PATIENCE, || async {
        (!balancer.sees_a_ready_node().await.unwrap()).then_some(())
    })
    .await
    .unwrap();
    let start = format!("{site}/self-service/start/forgot-password");
    says_so(&browser, &start, "PQ-NO-VOTER", "17-no-voter").await;
    assert_eq!(told(&client, &start).await, (StatusCode::SERVICE_UNAVAILABLE, "5".to_owned()));
    assert_eq!(told(&client, &format!("{site}/self-service/")).await.0, StatusCode::OK, "it needs nobody");

    // Nor is anyone left who could say so: the balancer does.
    world.realm.cluster.kill9(node).await.unwrap();
    says_so(&browser, &start, "PQ-NO-NODE", "18-no-node").await;
    assert_eq!(told(&client, &start).await, (StatusCode::SERVICE_UNAVAILABLE, "5".to_owned()));

    browser.stop().await.unwrap();
    balancer.stop().await.unwrap();
    nothing_planted_is_on_disk(&world);
    world.stop().await;
}
