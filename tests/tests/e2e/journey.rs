//! A person's way through the sites, in Chromium, through HAProxy, to a real domain; the leader dies on the way.

use crate::World;
use passquorum_tests::ports;
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::rig::realm::QUESTIONS;
use passquorum_tests::rig::samba::{Bind, seeded_password};
use std::path::{Path, PathBuf};

pub(crate) const ANSWERS: [&str; 2] = ["Planted-Sycamore-Street", "Planted-Bartholomew"];
pub(crate) const FORGOTTEN: &str = "Planted-New-Passw0rd-1";
const CHANGED: &str = "Planted-Changed-Passw0rd-2";

pub(crate) fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots")
}

pub(crate) async fn balance(world: &World) -> HaProxy {
    let port = ports::block(2).unwrap();
    let nodes = [1, 2, 3].map(|id| (id, world.base(id).trim_start_matches("https://").to_owned()));
    let dir = world.dir.path().join("haproxy");
    HaProxy::start(&dir, port, &nodes, &world.realm.authority()).await.unwrap()
}

pub(crate) async fn start_task(browser: &Browser, site: &str, task: &str, name: &str) {
    browser.open(&format!("{site}/self-service/")).await.unwrap();
    browser.click(&format!("a[href='/self-service/start/{task}']")).await.unwrap();
    browser.wait_for_text("Your user name").await.unwrap();
    browser.fill("Your user name", name).await.unwrap();
    browser.submit().await.unwrap();
}

pub(crate) async fn give_answers(browser: &Browser) {
    browser.wait_for_text(QUESTIONS[0]).await.unwrap();
    for (question, answer) in QUESTIONS.iter().zip(ANSWERS) {
        browser.fill(question, answer).await.unwrap();
    }
    browser.submit().await.unwrap();
}

pub(crate) async fn choose_password(browser: &Browser, new: &str) {
    browser.wait_for_text("Choose a new password").await.unwrap();
    browser.fill("New password", new).await.unwrap();
    browser.fill("New password again", new).await.unwrap();
}

pub(crate) async fn picture(browser: &Browser, name: &str) {
    browser.screenshot(&format!("{name}-desktop")).await.unwrap();
    browser.resize(Viewport::Phone).await.unwrap();
    browser.screenshot(&format!("{name}-phone")).await.unwrap();
    browser.resize(Viewport::Desktop).await.unwrap();
}

#[tokio::test]
async fn a_person_registers_forgets_resets_changes_and_unlocks_while_the_leader_dies() {
    let mut world = World::start().await;
    let balancer = balance(&world).await;
    let site = balancer.url();
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();
    let old = seeded_password("alice");

    browser.open(&format!("{site}/self-service/")).await.unwrap();
    picture(&browser, "1-home").await;
    start_task(&browser, &site, "register", "alice").await;
    browser.wait_for_text("Enter your password").await.unwrap();
    picture(&browser, "2-password").await;
    browser.fill("Password", &old).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Choose your security questions").await.unwrap();
    picture(&browser, "3-register").await;
    give_answers(&browser).await;
    browser.wait_for_text("Your security questions are saved").await.unwrap();
    picture(&browser, "4-registered").await;

    start_task(&browser, &site, "forgot-password", "alice@corp.example.test").await;
    browser.wait_for_text(QUESTIONS[0]).await.unwrap();
    picture(&browser, "5-questions").await;
    give_answers(&browser).await;
    browser.wait_for_text("Choose a new password").await.unwrap();
    let leader = world.leader(1).await;
    world.realm.cluster.kill9(leader).await.unwrap();
    choose_password(&browser, FORGOTTEN).await;
    picture(&browser, "6-new-password").await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    picture(&browser, "7-changed").await;
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap(), "the new password binds");
    assert!(!world.domain.bind_works("alice", &old).await.unwrap(), "the old one does not");
    world.realm.cluster.restart(leader).await.unwrap();

    start_task(&browser, &site, "change-password", "CORP\\alice").await;
    browser.wait_for_text("Choose a new password").await.unwrap();
    browser.fill("Current password", FORGOTTEN).await.unwrap();
    choose_password(&browser, CHANGED).await;
    picture(&browser, "13-change").await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("alice", CHANGED).await.unwrap());

    for _ in 0..5 {
        world.domain.bind("alice", "not-the-password-1").await.unwrap();
    }
    assert_eq!(world.domain.bind("alice", CHANGED).await.unwrap(), Bind::Refused("775".to_owned()));
    start_task(&browser, &site, "unlock-account", "alice").await;
    give_answers(&browser).await;
    browser.wait_for_text("Unlock your account").await.unwrap();
    picture(&browser, "14-unlock").await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your account is unlocked").await.unwrap();
    assert!(world.domain.bind_works("alice", CHANGED).await.unwrap());

    browser.stop().await.unwrap();
    balancer.stop().await.unwrap();
    nothing_planted_is_on_disk(&world);
    world.stop().await;
}

#[tokio::test]
async fn the_core_tasks_work_without_scripts() {
    let world = World::start().await;
    let browser = Browser::start(&screenshots(), Viewport::Phone, Scripts::Blocked).await.unwrap();
    let base = world.base(2);
    start_task(&browser, &base, "register", "bob").await;
    browser.wait_for_text("Enter your password").await.unwrap();
    browser.fill("Password", &seeded_password("bob")).await.unwrap();
    browser.submit().await.unwrap();
    give_answers(&browser).await;
    browser.wait_for_text("Your security questions are saved").await.unwrap();
    start_task(&browser, &base, "forgot-password", "bob").await;
    give_answers(&browser).await;
    choose_password(&browser, FORGOTTEN).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    assert!(world.domain.bind_works("bob", FORGOTTEN).await.unwrap());
    browser.stop().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn an_administrator_signs_in_sees_the_cluster_and_changes_the_policy() {
    let world = World::start().await;
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();
    let base = world.base(3);
    browser.open(&format!("{base}/admin/")).await.unwrap();
    picture(&browser, "8-admin-sign-in").await;
    browser.fill("User name", "ada").await.unwrap();
    browser.fill("Password", &seeded_password("ada")).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("node-1").await.unwrap();
    for words in ["node-2", "node-3", "Leader"] {
        browser.wait_for_text(words).await.unwrap();
    }
    picture(&browser, "9-admin-cluster").await;
    let picture_of_the_cluster = "return document.querySelector('svg.picture').getAttribute('aria-label')";
    let told = browser.execute(picture_of_the_cluster).await.unwrap();
    assert!(told.as_str().is_some_and(|told| told.contains("node-3")), "{told}");
    browser.open(&format!("{base}/admin/instances")).await.unwrap();
    browser.wait_for_text("Primary").await.unwrap();
    picture(&browser, "15-admin-instances").await;
    browser.fill("Self-Service URL of node-1", "https://pw.corp.example.test").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("From now on").await.unwrap();
    picture(&browser, "16-admin-instance-confirm").await;
    browser.submit().await.unwrap();
    browser.wait_for_text("The Self-Service URL of node 1 was changed.").await.unwrap();
    for (number, part) in [(10, "policies"), (11, "connections"), (12, "audit")] {
        browser.open(&format!("{base}/admin/{part}")).await.unwrap();
        picture(&browser, &format!("{number}-admin-{part}")).await;
    }
    browser.stop().await.unwrap();

    let mut outsider = crate::visitor::Visitor::new();
    outsider.open(&base, "/admin/sign-in").await;
    let fields = [("name", "alice"), ("password", &*seeded_password("alice"))];
    let status = outsider.send(&base, "/admin/sign-in", &fields).await;
    assert!(!outsider.page().contains("node-1"), "{status}: alice is no administrator");
    world.stop().await;
}

/// Looks through every file of the nodes, logs and stores included, for what was typed, and for the nodes' own keys
/// outside the files that hold them.
pub(crate) fn nothing_planted_is_on_disk(world: &World) {
    let token = world.realm.api_token.rsplit('.').next().unwrap().to_owned();
    let service = passquorum_tests::rig::samba::SERVICE_PASSWORD.to_owned();
    let mut planted: Vec<String> = [ANSWERS[0], ANSWERS[1], FORGOTTEN, CHANGED].map(str::to_owned).into();
    planted.extend(planted.clone().iter().map(|text| text.to_lowercase()));
    planted.extend([token, service, seeded_password("alice")]);
    let mut planted: Vec<Vec<u8>> = planted.into_iter().map(String::into_bytes).collect();
    for place in 1..=3 {
        let keys = world.realm.keys(place);
        planted.push(std::fs::read(keys.join("wrap.key")).unwrap());
        let pem = std::fs::read_to_string(keys.join("node.key")).unwrap();
        planted.push(pem.lines().nth(1).unwrap().as_bytes().to_vec());
    }
    let mut files = 0;
    let mut pending = vec![world.dir.path().join("realm")];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && path.extension().is_none_or(|extension| extension != "key") {
            let bytes = std::fs::read(&path).unwrap();
            files += 1;
            for text in &planted {
                let found = bytes.windows(text.len()).any(|window| window == text.as_slice());
                assert!(!found, "{} holds a planted secret", path.display());
            }
        }
    }
    assert!(files > 20, "only {files} files were looked through");
}
