//! The check that keeps programs out: work for the browser, or a question and a pause, of use in one run only.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::{Browser, Page, STEP, start};
use crate::fakes::World;
use http::StatusCode;
use passquorum_domain::time::Span;
use passquorum_domain::workflow::*;

const CHECK: Captcha = Captcha { difficulty: 8, pause: Span(5_000) };
const NEXT: &str = "Enter your password";

fn world() -> World {
    let password = Activity::AuthenticateWithPassword(PasswordAuthentication {});
    World::with_steps(vec![Activity::Captcha(CHECK), password, Activity::UnlockAccount(UnlockAccount {})])
}

async fn begin(world: &World, name: &str) -> (Browser, Page) {
    let mut browser = Browser::new(world.node("n1"));
    let page = start(&mut browser, "forgot-password", name).await;
    (browser, page)
}

fn solved(challenge: &str) -> String {
    (0..).find(|number| CHECK.is_solved(challenge, *number)).unwrap().to_string()
}

fn sum(page: &Page) -> String {
    let asked = page.html.split_once("What is ").unwrap().1.split_once('?').unwrap().0;
    asked.split(" plus ").map(|term| term.parse::<u32>().unwrap()).sum::<u32>().to_string()
}

fn wrong(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.html);
    let after = page.html.split_once("id=\"sum-wrong\">").unwrap().1;
    after.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn work_passes_at_any_node_and_in_its_own_run_only() {
    let world = world();
    let (mut browser, page) = begin(&world, "alice").await;
    assert_eq!(page.heading(), "A short check");
    assert!(page.html.contains("src=\"/static/captcha.js\"") && page.html.contains("data-bits=\"8\""));
    let challenge = page.hidden("challenge").unwrap();
    let work = solved(&challenge);
    let fields = [("challenge", challenge.as_str()), ("work", work.as_str())];

    let (mut other, _) = begin(&world, "bob").await;
    let page = other.post(STEP, &fields).await;
    assert!(page.html.contains("This check is out of date."), "{}", page.html);

    let page = browser.post(STEP, &[fields[0], ("work", "1 ")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "no work, no way on");
    let mut replay = browser.clone();
    browser.node = world.node("n2");
    assert_eq!(browser.post(STEP, &fields).await.heading(), NEXT);
    // Whoever passes again is where they were, with the same person before them.
    assert_eq!(replay.post(STEP, &fields).await.heading(), NEXT);
    assert!(!replay.get(STEP).await.html.contains("captcha.js"));
}

#[tokio::test]
async fn a_question_is_answered_without_scripts_but_not_at_once() {
    let world = world();
    let (mut browser, page) = begin(&world, "zelda").await;
    let challenge = page.hidden("challenge").unwrap();
    let answer = sum(&page);
    let fields = [("challenge", challenge.as_str()), ("work", ""), ("sum", answer.as_str())];
    world.clock.forward(Span(4_000));
    let page = browser.post(STEP, &fields).await;
    assert_eq!(wrong(&page), "That was quicker than a person types. Send it again in 1 second.");
    assert_eq!(page.hidden("challenge").unwrap(), challenge, "the pause does not begin again");
    world.clock.forward(Span(1_000));
    let page = browser.post(STEP, &[fields[0], ("sum", "7000")]).await;
    assert!(wrong(&page).starts_with("This is not right."));
    assert_ne!(page.hidden("challenge").unwrap(), challenge, "another question after a wrong answer");
    assert!(wrong(&browser.post(STEP, &[fields[0]]).await).starts_with("Your browser has not"));
    assert_eq!(browser.post(STEP, &fields).await.heading(), NEXT);
}

#[tokio::test]
async fn what_others_make_up_is_no_challenge_and_wrong_answers_count_for_the_source() {
    let world = world();
    let (mut browser, page) = begin(&world, "alice").await;
    let challenge = page.hidden("challenge").unwrap();
    let (_, proof) = challenge.split_once('.').unwrap();
    for forged in ["", "x", "0.", &format!("0.{proof}"), &format!("99999999999999.{proof}")] {
        let page = browser.post(STEP, &[("challenge", forged), ("work", &solved(forged))]).await;
        assert!(page.html.contains("This check is out of date."), "{forged}");
    }
    world.clock.forward(CHECK.pause);
    let mut last = None;
    for _ in 0..1_000 {
        let page = browser.post(STEP, &[("challenge", &challenge), ("sum", "0")]).await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            last = Some(page);
            break;
        }
    }
    assert!(last.is_some(), "answers cannot be tried without end");
}
