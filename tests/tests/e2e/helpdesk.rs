//! The helpdesk, in Chromium, through HAProxy, on a real domain: a caller is verified and helped, and a node dies between any
//! two steps.

use crate::World;
use crate::journey::{
    ANSWERS, FORGOTTEN, balance, choose_password, give_answers, nothing_planted_is_on_disk, picture,
    screenshots, start_task,
};
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::realm::QUESTIONS;
use passquorum_tests::rig::samba::seeded_password;
use serde_json::{Value, json};

/// Everything may be done, for verified callers, by the members of a group of the policy's own.
async fn configure(world: &World) {
    world
        .reconfigure(1, |config| {
            let group = config["helpdesk"][0].clone();
            config["helpdesk"] = json!([]);
            config["policies"][0]["qa"]["keep_mandatory_answers"] = json!(true);
            config["policies"][0]["helpdesk"] = json!({
                "groups": [group],
                "tasks": ["unlock-profile", "enforce-update", "reset-password", "force-change", "unlock-account"],
                "must_change": "operator-chooses",
                "verification": { "questions": 1, "valid_for": 600_000 },
            });
        })
        .await;
}

/// Lets another node than the last one die, the leader first; the one before comes back.
pub(crate) async fn next_death(world: &mut World, dead: &mut Option<u64>) {
    if let Some(id) = dead.take() {
        world.realm.cluster.restart(id).await.unwrap();
    }
    let ask = world.other_than(&[]);
    let leader = world.leader(ask).await;
    world.realm.cluster.kill9(leader).await.unwrap();
    *dead = Some(leader);
}

/// Callers are compared in another way from now on. Nobody is dead while that is configured.
async fn verify_by(world: &mut World, dead: &mut Option<u64>, how: Value) {
    if let Some(id) = dead.take() {
        world.realm.cluster.restart(id).await.unwrap();
    }
    world
        .reconfigure(1, |config| config["policies"][0]["helpdesk"]["verification"]["how"] = how.clone())
        .await;
}

async fn find_alice(browser: &Browser, site: &str) {
    browser.open(&format!("{site}/helpdesk/")).await.unwrap();
    browser.fill("User name", "alice").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Verify the caller").await.unwrap();
}

#[tokio::test]
async fn an_operator_verifies_a_caller_and_helps_while_a_node_dies_between_the_steps() {
    let mut world = World::start().await;
    configure(&world).await;
    let balancer = balance(&world).await;
    let site = balancer.url();
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();

    start_task(&browser, &site, "register", "alice").await;
    browser.wait_for_text("Enter your password").await.unwrap();
    browser.fill("Password", &seeded_password("alice")).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Choose your security questions").await.unwrap();
    give_answers(&browser).await;
    browser.wait_for_text("Your security questions are saved").await.unwrap();
    for _ in 0..5 {
        world.domain.bind("alice", "not-the-password-1").await.unwrap();
    }

    browser.open(&format!("{site}/helpdesk/")).await.unwrap();
    browser.fill("User name", "hugo").await.unwrap();
    browser.fill("Password", &seeded_password("hugo")).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Find a user").await.unwrap();
    let mut dead = None;
    next_death(&mut world, &mut dead).await;
    browser.fill("User name", "alice").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Verify the caller").await.unwrap();
    assert!(!browser.text().await.unwrap().contains("Unlock the account"));
    picture(&browser, "20-helpdesk-verify").await;
    next_death(&mut world, &mut dead).await;
    let text = browser.text().await.unwrap();
    let asked = QUESTIONS.iter().position(|question| text.contains(question)).unwrap();
    browser.fill(QUESTIONS[asked], ANSWERS[asked]).await.unwrap();
    browser.press("Verify").await.unwrap();
    browser.wait_for_text("The caller is verified").await.unwrap();
    picture(&browser, "21-helpdesk-verified").await;

    next_death(&mut world, &mut dead).await;
    browser.press("Unlock the account").await.unwrap();
    browser.wait_for_text("The account is unlocked").await.unwrap();
    next_death(&mut world, &mut dead).await;
    browser.press("Enforce an update of the questions").await.unwrap();
    browser.wait_for_text("to be updated when a password is reset").await.unwrap();
    next_death(&mut world, &mut dead).await;
    browser.click("#must-change").await.unwrap();
    browser.press("Set the new password").await.unwrap();
    browser.wait_for_text("The new password is set.").await.unwrap();
    let shown = browser.texts("code.passcode").await.unwrap();
    assert!(world.domain.bind_works("alice", &shown[0]).await.unwrap(), "what was shown binds");
    picture(&browser, "22-helpdesk-reset").await;

    next_death(&mut world, &mut dead).await;
    start_task(&browser, &site, "forgot-password", "alice").await;
    give_answers(&browser).await;
    browser.wait_for_text("Choose your security questions").await.unwrap();
    give_answers(&browser).await;
    choose_password(&browser, FORGOTTEN).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap());

    verify_by(&mut world, &mut dead, json!({ "characters": 2 })).await;
    find_alice(&browser, &site).await;
    let text = browser.text().await.unwrap();
    let (_, asked) = text.split_once("Characters ").unwrap();
    let (places, rest) = asked.split_once(" of the answer to: ").unwrap();
    let (question, answer) =
        QUESTIONS.iter().zip(ANSWERS).find(|(text, _)| rest.starts_with(**text)).unwrap();
    let numbers = places.split(" and ").map(|place| place.parse::<usize>().unwrap());
    let typed: String = numbers.map(|place| answer.chars().nth(place - 1).unwrap()).collect();
    picture(&browser, "23-helpdesk-characters").await;
    let label = format!("Characters {places} of the answer to: {question}");
    browser.fill(&label, &typed).await.unwrap();
    next_death(&mut world, &mut dead).await;
    browser.press("Verify").await.unwrap();
    browser.wait_for_text("The caller is verified").await.unwrap();

    verify_by(&mut world, &mut dead, json!("operator-sees")).await;
    find_alice(&browser, &site).await;
    browser.press("Show the answers").await.unwrap();
    browser.wait_for_text("The caller knows the answers").await.unwrap();
    let shown = browser.text().await.unwrap();
    assert!(ANSWERS.iter().any(|answer| shown.contains(answer)), "{shown}");
    picture(&browser, "24-helpdesk-answers").await;
    next_death(&mut world, &mut dead).await;
    browser.press("The caller knows the answers").await.unwrap();
    browser.wait_for_text("The caller is verified").await.unwrap();

    browser.stop().await.unwrap();
    balancer.stop().await.unwrap();
    nothing_planted_is_on_disk(&world);
    world.stop().await;
}
