//! A person at the logon screen: the small window of a legacy client, in Chromium, from registering at one node to a
//! reset through a node in the perimeter. On no page is there a way out of the window.

use crate::World;
use crate::journey::{FORGOTTEN, choose_password, give_answers, screenshots};
use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};
use passquorum_tests::rig::samba::seeded_password;

/// What is wrong with the page in a small window, as a list. The rules of axe that a page of forms can break, and ours.
const LOOK: &str = r"
    const wrong = [];
    const page = document.documentElement;
    if (page.lang !== 'en') wrong.push('no language');
    if (!document.title) wrong.push('no title');
    if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
    if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
    if (!document.body.classList.contains('small')) wrong.push('not small');
    if (page.scrollWidth > window.innerWidth) wrong.push('wider than the window: ' + page.scrollWidth);
    for (const to of document.querySelectorAll('a[href], form[action]')) {
        const url = new URL(to.href || to.action);
        if (url.origin !== location.origin) wrong.push('leads away: ' + url);
        if (!/^\/logon(-old)?\//.test(url.pathname)) wrong.push('leads out: ' + url);
        if (to.target || to.hasAttribute('download')) wrong.push('opens something: ' + url);
        if (!(to.textContent || '').trim()) wrong.push('has no text: ' + url);
    }
    for (const input of document.querySelectorAll('input:not([type=hidden]), select')) {
        if (!input.labels.length || !input.labels[0].textContent.trim()) wrong.push('no label: ' + input.name);
    }
    const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
    if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
    for (const node of document.querySelectorAll('[aria-describedby]')) {
        for (const id of node.getAttribute('aria-describedby').split(/\s+/)) {
            if (id && !document.getElementById(id)) wrong.push('described by nothing: ' + id);
        }
    }
    return wrong;
";

async fn look(browser: &Browser, name: &str) {
    let wrong = browser.execute(LOOK).await.unwrap();
    assert_eq!(wrong, serde_json::json!([]), "{name}: {}", browser.source().await.unwrap());
    browser.screenshot(&format!("logon-{name}")).await.unwrap();
}

/// Whether the button that goes on is in the window without scrolling.
async fn shows_its_button(browser: &Browser) -> bool {
    let bottom = "return document.querySelector('main button').getBoundingClientRect().bottom <= innerHeight";
    browser.execute(bottom).await.unwrap() == true
}

#[tokio::test]
async fn a_person_at_the_logon_screen_registers_and_resets_without_a_way_out_of_the_window() {
    let mut world = World::start().await;
    world.leader(1).await;
    let perimeter = world.realm.join_perimeter().await.unwrap();
    let browser = Browser::start(&screenshots(), Viewport::LogonScreen, Scripts::Allowed).await.unwrap();

    browser.open(&format!("{}/logon/", world.base(1))).await.unwrap();
    look(&browser, "1-home").await;
    browser.click("a[href='/logon/start/register']").await.unwrap();
    browser.wait_for_text("Your user name").await.unwrap();
    browser.fill("Your user name", "alice").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Enter your password").await.unwrap();
    look(&browser, "2-password").await;
    assert!(shows_its_button(&browser).await);
    browser.fill("Password", &seeded_password("alice")).await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("Choose your security questions").await.unwrap();
    look(&browser, "3-register").await;
    give_answers(&browser).await;
    browser.wait_for_text("Your security questions are saved").await.unwrap();
    look(&browser, "4-registered").await;

    // An old client, which opens what its service connection point says.
    browser.open(&format!("{}/PMUser/", world.base(perimeter))).await.unwrap();
    assert!(browser.url().await.unwrap().ends_with("/logon-old/"));
    assert_eq!(browser.texts("a.task strong").await.unwrap(), ["Forgot My Password"]);
    look(&browser, "5-old-home").await;
    browser.click("a.task").await.unwrap();
    browser.wait_for_text("Your user name").await.unwrap();
    look(&browser, "6-old-name").await;
    assert!(shows_its_button(&browser).await);
    browser.fill("Your user name", "alice").await.unwrap();
    browser.submit().await.unwrap();
    give_answers(&browser).await;
    browser.wait_for_text("Choose a new password").await.unwrap();
    look(&browser, "7-old-new-password").await;
    choose_password(&browser, FORGOTTEN).await;
    browser.submit().await.unwrap();
    browser.wait_for_text("Your password is changed").await.unwrap();
    look(&browser, "8-old-done").await;
    browser.open(&format!("{}/logon-old/nothing", world.base(perimeter))).await.unwrap();
    look(&browser, "9-old-failure").await;
    assert!(world.domain.bind_works("alice", FORGOTTEN).await.unwrap());
    browser.stop().await.unwrap();
    world.stop().await;
}
