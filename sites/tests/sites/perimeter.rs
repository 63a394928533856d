//! The Self-Service site of a node in the perimeter: its pages, and what it hands to a voter.

#![expect(clippy::unwrap_used, reason = "a fake that is wrong must stop the test")]

use crate::browser::*;
use crate::fakes::*;
use async_trait::async_trait;
use http::StatusCode;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{Purpose, Vault};
use passquorum_domain::ticket::TicketState;
use passquorum_sites::Failure;
use passquorum_sites::gateway::{Answer, Ask, SelfService, Visitor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const NODE: NodeId = NodeId(4);
const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

/// A voter behind a stream: everything is written and read again on its way there and back.
pub(crate) struct Wire {
    voter: Arc<dyn SelfService>,
    is_cut: AtomicBool,
}

impl Wire {
    pub(crate) fn to(world: &World) -> Arc<Self> {
        let voter = world.sites("voter", 512).self_service();
        Arc::new(Self { voter, is_cut: AtomicBool::new(false) })
    }
}

#[async_trait]
impl SelfService for Wire {
    async fn ask(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure> {
        if self.is_cut.load(Ordering::Relaxed) {
            return Err(Failure::new(ErrorCode::NoVoter));
        }
        let sent = serde_json::to_vec(&(visitor, &ask)).unwrap();
        let (visitor, ask): (Visitor, Ask) = serde_json::from_slice(&sent).unwrap();
        let answer = self.voter.ask(&visitor.told_by(NODE), ask).await;
        serde_json::from_slice::<Result<Answer, Failure>>(&serde_json::to_vec(&answer).unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_visitor_registers_and_resets_through_a_node_that_holds_no_key() {
    let world = World::new();
    let perimeter = world.perimeter(Wire::to(&world));
    let page = register(&perimeter, "alice", "Alice-0ld-Secret").await;
    assert_eq!(page.heading(), "Your security questions are saved", "{}", page.html);
    let mut browser = Browser::new(perimeter.clone());
    let page = start(&mut browser, "forgot-password", "alice").await;
    assert!(page.html.contains("Which town were you born in?"), "{}", page.html);
    // A run may go on at any node, the other way round as well.
    browser.node = world.node("inside");
    let page = browser.post(STEP, &ANSWERS).await;
    assert_eq!(page.heading(), "Choose a new password", "{}", page.html);
    browser.node = perimeter;
    let page = browser.post(STEP, &[("new", "short"), ("confirm", "short")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("new-wrong"), "{}", page.html);
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed", "{}", page.html);
    assert_eq!(world.directory.user("alice").password, "Correct-Horse-7");
    assert!(world.consensus.state().tickets().all(|ticket| ticket.state != TicketState::Open));
}

#[tokio::test]
async fn the_audit_names_the_node_that_told_where_a_visitor_comes_from() {
    let world = World::new();
    let mut browser = Browser::new(world.perimeter(Wire::to(&world)));
    start(&mut browser, "forgot-password", "nobody-of-this-name").await;
    let state = world.consensus.state();
    let notes: Vec<String> = state
        .audit()
        .filter_map(|record| world.vault.open(Purpose::AuditDetail, &[], record.detail.as_ref()?).ok())
        .map(|note| String::from_utf8(note.to_vec()).unwrap())
        .collect();
    assert!(notes.iter().any(|note| note.contains(" by way of node 4")), "{notes:?}");
}

#[tokio::test]
async fn what_a_perimeter_node_tells_of_an_address_locks_nobody_who_comes_another_way() {
    let world = World::new();
    let perimeter = world.perimeter(Wire::to(&world));
    let mut refused = None;
    for attempt in 0..1000 {
        let mut browser = Browser::new(perimeter.clone());
        let page = start(&mut browser, "forgot-password", &format!("nobody-{attempt}")).await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(page);
            break;
        }
    }
    assert!(refused.expect("names cannot be tried without end").html.contains("PQ-TOO-MANY-REQUESTS"));
    let mut inside = Browser::new(world.node("inside"));
    assert_eq!(start(&mut inside, "forgot-password", "alice").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_voter_the_front_page_comes_and_every_step_says_why_it_does_not() {
    let world = World::new();
    let wire = Wire::to(&world);
    let mut browser = Browser::new(world.perimeter(Arc::clone(&wire) as _));
    start(&mut browser, "forgot-password", "alice").await;
    wire.is_cut.store(true, Ordering::Relaxed);
    assert_eq!(browser.get("/self-service/").await.status, StatusCode::OK);
    let path = "/self-service/start/forgot-password";
    let pages = [
        browser.get(path).await,
        browser.submit(path, &[("name", "alice")]).await,
        browser.get(STEP).await,
        browser.submit(STEP, &ANSWERS).await,
    ];
    for page in pages {
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.html);
        assert!(page.html.contains("PQ-NO-VOTER") && page.html.contains("Try again"), "{}", page.html);
        assert!(page.headers.contains_key("retry-after"));
    }
    wire.is_cut.store(false, Ordering::Relaxed);
    assert_eq!(browser.get(STEP).await.heading(), "Answer your security questions");
}

#[tokio::test]
async fn a_form_without_its_token_is_refused_by_the_voter() {
    let world = World::new();
    let mut browser = Browser::new(world.perimeter(Wire::to(&world)));
    start(&mut browser, "forgot-password", "alice").await;
    browser.csrf = "forged".to_owned();
    for (path, fields) in
        [("/self-service/start/forgot-password", vec![("name", "alice")]), (STEP, ANSWERS.to_vec())]
    {
        let page = browser.submit(path, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.html.contains("PQ-CSRF"), "{}", page.html);
    }
}

#[tokio::test]
async fn nothing_but_the_self_service_site_is_there() {
    let world = World::new();
    let mut browser = Browser::new(world.perimeter(Wire::to(&world)));
    for path in ["/admin/", "/admin/sign-in", "/helpdesk/", "/helpdesk/sign-in", "/api/v1/status", "/PMAdmin"]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(browser.get("/PMUser").await.status, StatusCode::OK);
}
