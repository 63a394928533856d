//! A forgotten password, in Chromium, through HAProxy, on a real domain: a check, a choice of ways, a code that comes by real
//! mail, and a node that dies between any two steps.

use crate::World;
use crate::helpdesk::next_death;
use crate::journey::{
    FORGOTTEN, balance, choose_password, give_answers, nothing_planted_is_on_disk, picture, screenshots,
    start_task,
};
use passquorum_tests::rig::axe;
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::mail::{MailServer, header};
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::{ports, wait};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const CHOICE: &str = "How do you want to prove who you are?";

/// *Forgot My Password* with a check, and a choice between questions and a code by mail.
async fn configure(world: &World, server: &MailServer) {
    let authorities = std::fs::read_to_string(server.authority()).unwrap();
    let port: u16 = server.address().rsplit(':').next().unwrap().parse().unwrap();
    world
        .reconfigure(1, |config| {
            config["general"]["mail"] = json!({
                "servers": [{ "host": "127.0.0.1", "port": port, "authorities": authorities }],
                "sender": "realm@corp.example.test",
                "sender_name": "Realm",
            });
            let policy = &mut config["policies"][0];
            policy["notices"] = json!({ "user": false, "administrators": false });
            let workflows = policy["workflows"].as_array_mut().unwrap();
            let forgot = workflows.iter_mut().find(|workflow| workflow["kind"] == "forgot-password").unwrap();
            let questions = json!({ "Questions": { "ask": "All" } });
            let code = json!({ "MailCode": { "digits": 8, "life": 600_000 } });
            forgot["activities"] = json!([
                { "Captcha": { "difficulty": 16, "pause": 0 } },
                { "AuthenticationMethods": { "offered": [questions, code] } },
                { "ResetPassword": { "unlock": true, "must_change": false } },
            ]);
        })
        .await;
}

/// Looks at the page as axe-core does, and keeps a picture.
async fn look(browser: &Browser, name: &str) {
    let wrong = axe::violations(browser).await.unwrap();
    assert!(wrong.is_empty(), "{name}: {wrong:?}");
    picture(browser, name).await;
}

/// The code of the mail that came after so many others.
async fn code(server: &MailServer, before: usize) -> String {
    let came = || async { server.mails().unwrap().into_iter().nth(before) };
    let mail = wait::until("the mail came", SOON, came).await.unwrap();
    assert!(header(&mail, "X-Rig-To").unwrap().starts_with("alice"), "{mail}");
    let after = mail.split_once("your code is ").unwrap().1;
    after.split('.').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_passes_a_check_chooses_a_code_by_mail_and_resets_while_a_node_dies_between_the_steps() {
    let mut world = World::start().await;
    let own = tempfile::Builder::new().prefix("passquorum-sink-").tempdir().unwrap();
    let server = MailServer::start(own.path(), ports::block(1).unwrap()).await.unwrap();
    configure(&world, &server).await;
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

    start_task(&browser, &site, "forgot-password", "alice").await;
    browser.wait_for_text("A short check").await.unwrap();
    browser.wait_for_text("Your browser has done its part").await.unwrap();
    assert!(!browser.text().await.unwrap().contains("plus"), "the question is for who wants it");
    look(&browser, "30-check").await;
    let mut dead = None;
    next_death(&mut world, &mut dead).await;
    browser.submit().await.unwrap();
    browser.wait_for_text(CHOICE).await.unwrap();
    look(&browser, "31-methods").await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Answer your security questions").await.unwrap();
    next_death(&mut world, &mut dead).await;
    browser.press("Choose another way").await.unwrap();
    browser.wait_for_text(CHOICE).await.unwrap();
    browser.click("#method-1").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Get a code by mail").await.unwrap();
    assert!(browser.text().await.unwrap().contains("a***@c***.test"));
    look(&browser, "32-mail-code").await;
    next_death(&mut world, &mut dead).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Enter the code from your mail").await.unwrap();
    look(&browser, "33-code").await;
    let code = code(&server, 0).await;
    next_death(&mut world, &mut dead).await;
    let wrong = if code == "00000000" { "11111111" } else { "00000000" };
    browser.fill("Code", wrong).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("You have 4 attempts left.").await.unwrap();
    next_death(&mut world, &mut dead).await;
    browser.fill("Code", &code).await.unwrap();
    browser.submit().await.unwrap();
    choose_password(&browser, FORGOTTEN).await;
    next_death(&mut world, &mut dead).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap());
    browser.stop().await.unwrap();

    // Without scripts the question is there at once, and its answer leads on.
    let browser = Browser::start(&screenshots(), Viewport::Phone, Scripts::Blocked).await.unwrap();
    start_task(&browser, &site, "forgot-password", "nobody-of-this-name").await;
    browser.wait_for_text("A short check").await.unwrap();
    let text = browser.text().await.unwrap();
    let asked = text.split_once("What is ").unwrap().1.split_once('?').unwrap().0;
    let sum: u32 = asked.split(" plus ").map(|term| term.parse::<u32>().unwrap()).sum();
    browser.screenshot("34-check-without-scripts").await.unwrap();
    browser.fill("sum", &sum.to_string()).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text(CHOICE).await.unwrap();

    browser.stop().await.unwrap();
    balancer.stop().await.unwrap();
    nothing_planted_is_on_disk(&world);
    world.stop().await;
    server.stop().await.unwrap();
}
