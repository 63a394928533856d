//! The site in the small window of a logon screen: nothing leads out of it, on any page, and an old client is offered
//! one task.

use crate::browser::*;
use crate::fakes::*;
use crate::perimeter::Wire;
use axum::Router;
use axum::body::Body;
use http::StatusCode;

const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

/// Every address in the page, of links, forms and what is loaded.
fn addresses(html: &str) -> Vec<&str> {
    let of = |attribute: &'static str| {
        html.split(attribute).skip(1).filter_map(|rest| rest.split_once('"').map(|(address, _)| address))
    };
    ["href=\"", "action=\"", "src=\""].into_iter().flat_map(of).collect()
}

fn stays_inside(page: &Page, door: &str) {
    assert!(page.html.contains("<body class=\"small\">"), "{}", page.html);
    let stays =
        |address: &str| [door, "/static/", "#", "?lang="].iter().any(|start| address.starts_with(start));
    let leads_out: Vec<_> = addresses(&page.html).into_iter().filter(|address| !stays(address)).collect();
    assert!(leads_out.is_empty() && !addresses(&page.html).is_empty(), "{leads_out:?}");
    for word in ["target=", "download", "window.open", "mailto:", "http://", "https://"] {
        assert!(!page.html.contains(word), "{word}: {}", page.html);
    }
}

async fn reset_from_the_logon_screen(router: Router, entrance: &str, door: &str) {
    let mut browser = Browser::new(router);
    let page = browser.get(entrance).await;
    assert_eq!(page.status, StatusCode::OK);
    stays_inside(&page, door);
    let (start, step) = (format!("{door}start/forgot-password"), format!("{door}step"));
    assert!(page.html.contains(&format!("href=\"{start}\"")), "{}", page.html);
    stays_inside(&browser.get(&start).await, door);
    let page = browser.post(&start, &[("name", "not a name!\"\"")]).await;
    stays_inside(&page, door);
    let page = browser.post(&start, &[("name", "alice")]).await;
    stays_inside(&page, door);
    let page = browser.post(&step, &[("answer-0", "wrong"), ("answer-1", "wrong")]).await;
    stays_inside(&page, door);
    let page = browser.post(&step, &ANSWERS).await;
    assert_eq!(page.heading(), "Choose a new password");
    stays_inside(&page, door);
    let page = browser.post(&step, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed");
    stays_inside(&page, door);
    // A failure, too.
    let page = browser.get(&format!("{door}nothing")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    stays_inside(&page, door);
}

#[tokio::test]
async fn a_reset_from_the_logon_screen_never_leads_out_of_its_window() {
    for (entrance, door) in [("/PMUser/Login.aspx", "/logon-old/"), ("/logon", "/logon/")] {
        let world = World::new();
        let node = world.node("n1");
        register(&node, "alice", "Alice-0ld-Secret").await;
        reset_from_the_logon_screen(node, entrance, door).await;
        assert_eq!(world.directory.user("alice").password, "Correct-Horse-7");
    }
}

#[tokio::test]
async fn the_same_holds_on_a_node_in_the_perimeter() {
    let world = World::new();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let perimeter = world.perimeter(Wire::to(&world));
    reset_from_the_logon_screen(perimeter, "/PMUSER/", "/logon-old/").await;
    assert_eq!(world.directory.user("alice").password, "Correct-Horse-7");
}

/// From the first address to the lookup, page by page, as a browser walks; on the node itself and through the perimeter.
#[tokio::test]
async fn the_controller_of_the_visitors_computer_is_handed_on_to_the_lookup() {
    let world = World::new();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert_eq!(*world.directory.near.lock().unwrap(), Vec::<String>::new());
    for router in [world.node("n1"), world.perimeter(Wire::to(&world))] {
        let mut browser = Browser::new(router);
        let page = browser.get("/PMUser/?dc=DC7.corp.example").await;
        let start = "/logon-old/start/forgot-password?dc=dc7.corp.example";
        assert!(page.html.contains(&format!("href=\"{start}\"")), "{}", page.html);
        let page = browser.get(start).await;
        assert!(page.html.contains("name=\"dc\" value=\"dc7.corp.example\""), "{}", page.html);
        // What was mistyped does not lose it.
        let start = "/logon-old/start/forgot-password";
        let page = browser.post(start, &[("name", "\\alice"), ("dc", "dc7.corp.example")]).await;
        assert!(page.html.contains("name=\"dc\" value=\"dc7.corp.example\""), "{}", page.html);
        browser.post(start, &[("name", "alice"), ("dc", "dc7.corp.example")]).await;
    }
    let hostile = [("name", "alice"), ("dc", "ldaps://127.0.0.1:636/")];
    let mut browser = Browser::new(world.node("n1"));
    browser.get("/logon/start/forgot-password").await;
    browser.post("/logon/start/forgot-password", &hostile).await;
    assert_eq!(*world.directory.near.lock().unwrap(), ["dc7.corp.example"; 2]);
}

#[tokio::test]
async fn an_old_client_is_offered_forgot_my_password_and_nothing_else() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let offers = |html: &str| html.matches("class=\"task\"").count();
    assert_eq!(offers(&browser.get("/logon-old/").await.html), 1);
    assert!(offers(&browser.get("/logon/").await.html) > 1);
    assert_eq!(browser.get("/logon-old/start/register").await.status, StatusCode::NOT_FOUND);
    browser.get("/logon-old/start/forgot-password").await;
    let posted = browser.post("/logon-old/start/register", &[("name", "alice")]).await;
    assert_eq!(posted.status, StatusCode::NOT_FOUND);
    // A task that was begun through another door of the same browser goes on there, and only there.
    browser.get("/logon/start/register").await;
    let page = browser.post("/logon/start/register", &[("name", "alice")]).await;
    assert_eq!(page.status, StatusCode::OK);
    let page = browser.get("/logon-old/step").await;
    assert!(page.html.contains("PQ-SESSION-EXPIRED"), "{}", page.html);
    assert_eq!(browser.get("/logon/step").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_step_of_another_task_is_refused_at_the_old_door_before_it_is_taken() {
    for in_the_perimeter in [false, true] {
        let world = World::raised();
        let node = if in_the_perimeter { world.perimeter(Wire::to(&world)) } else { world.node("n1") };
        let mut browser = Browser::new(node);
        start(&mut browser, "change-password", "alice").await;
        let fields =
            [("current", "Alice-0ld-Secret"), ("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];
        let page = browser.submit("/logon-old/step", &fields).await;
        assert!(page.html.contains("PQ-SESSION-EXPIRED"), "{}", page.html);
        assert_eq!(world.directory.user("alice").password, "Alice-0ld-Secret");
        assert_eq!(world.consensus.state().tickets().count(), 0);
        browser.get("/self-service/step").await;
        let page = browser.post("/self-service/step", &fields).await;
        assert_eq!(page.heading(), "Your password is changed", "its own door: {}", page.html);
    }
}

#[tokio::test]
async fn an_old_client_is_led_on_in_a_way_that_it_knows() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let page = browser.send(browser.request("GET", "/PMUser/").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::FOUND);
    let page = browser.send(browser.request("POST", "/PMUser/").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
