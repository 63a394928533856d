//! The demonstration, as a newcomer meets it: one command, then a browser, then a kill.

use crate::TURN;
use crate::journey::{choose_password, screenshots, start_task};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::{ports, wait};
use std::time::Duration;

/// Nobody's names, and within the rules.
const NEW: &str = "Demo-Passphrase-77";
const NEWER: &str = "Demo-Passphrase-78";

pub(crate) async fn leader(cluster: &Cluster, ask: u64) -> Option<u64> {
    let line = cluster.demo_line()?;
    let url = format!("{}/status", cluster.node(ask).ok()?.api);
    let request = https::client(Trust::Anyone).ok()?.get(url).bearer_auth(&line.api_token);
    request.send().await.ok()?.json::<serde_json::Value>().await.ok()?["leader"].as_u64()
}

#[tokio::test]
async fn a_newcomer_resets_a_password_in_the_demo_while_its_leader_is_killed() {
    let _turn = TURN.lock().await;
    let dir = tempfile::Builder::new().prefix("passquorum-demo-").tempdir().unwrap();
    // Sites at the base, peers a hundred higher.
    let mut cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
    let alice =
        cluster.demo_line().unwrap().accounts.iter().find(|account| account.user == "alice").unwrap().clone();
    let answers = alice.answers.as_object().unwrap().clone();
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();

    let first = wait::until("a leader", Duration::from_secs(20), || leader(&cluster, 1)).await.unwrap();
    let served = (1..=3).find(|id| *id != first).unwrap();
    let site = cluster.node(served).unwrap().health.clone();
    start_task(&browser, &site, "forgot-password", "alice").await;
    browser.wait_for_text("Answer your security questions").await.unwrap();
    for (question, answer) in &answers {
        browser.fill(question, answer.as_str().unwrap()).await.unwrap();
    }
    cluster.kill9(first).await.unwrap();
    browser.submit().await.unwrap();
    choose_password(&browser, NEW).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();

    cluster.restart(first).await.unwrap();
    let returned = cluster.node(first).unwrap().health.clone();
    start_task(&browser, &returned, "change-password", "alice").await;
    browser.wait_for_text("Choose a new password").await.unwrap();
    browser.fill("Current password", NEW).await.unwrap();
    choose_password(&browser, NEWER).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();

    browser.stop().await.unwrap();
    cluster.stop().await.unwrap();
}
