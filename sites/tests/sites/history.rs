//! The history on the Admin site: who changed what, and the way back with a look before it.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::fakes::World;
use crate::staff::{administrator, fields_of, location, send, set};
use http::StatusCode;
use passquorum_domain::config::ConfigChange;

fn organisation(world: &World) -> String {
    world.consensus.state().config().unwrap().general.organisation.clone()
}

fn rename(world: &World, name: &str) {
    let mut general = world.consensus.state().config().unwrap().general.clone();
    general.organisation = name.into();
    world.consensus.configure(ConfigChange::SetGeneral(general));
}

#[tokio::test]
async fn the_history_names_who_changed_what_and_leads_back_only_after_a_look() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, "general.organisation", "<b>Changed</b>");
    send(&mut browser, "/admin/general", &fields).await;

    let list = browser.get("/admin/history").await;
    for text in
        ["General settings, by Rita Root", "<code>general.organisation</code>", "Revision 1 is in force"]
    {
        assert!(list.html.contains(text), "{text} is missing in {}", list.html);
    }
    assert!(
        list.html.contains("href=\"/admin/history/0\"") && !list.html.contains("href=\"/admin/history/1\"")
    );
    let row = |revision: u64| list.html.find(&format!("<th scope=\"row\">{revision}</th>")).unwrap();
    assert!(row(1) < row(0), "the latest comes first");
    let look = browser.get("/admin/history/0").await;
    let now_and_then = "<td>&#60;b&#62;Changed&#60;/b&#62;</td><td>Example Works</td>";
    for text in [now_and_then, "Go back to revision 0"] {
        assert!(look.html.contains(text), "{text} is missing in {}", look.html);
    }
    assert_eq!(look.html.matches("<h1>").count(), 1);
    assert!(!look.html.contains(" style=") && !look.html.contains("<script>"), "nothing inline");
    assert_eq!(organisation(&world), "<b>Changed</b>", "a look changes nothing");

    let back = browser.submit("/admin/history/0/rollback", &[("revision", "1")]).await;
    assert_eq!(location(&back), "/admin/history?saved=2");
    assert_eq!(organisation(&world), "Example Works");
    let list = browser.get(location(&back)).await;
    assert!(
        list.html.contains("Rolled back to revision 0, by Rita Root")
            && list.html.contains("Saved as revision 2.")
    );
    assert!(browser.get("/admin/history/0").await.html.contains("the same as revision 2"));
}

#[tokio::test]
async fn the_way_back_is_refused_when_somebody_was_faster_and_shows_what_it_would_undo() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    rename(&world, "One");
    browser.get("/admin/history/0").await;
    rename(&world, "Two");
    let stale = browser.submit("/admin/history/0/rollback", &[("revision", "1")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(
        stale.html.contains("changed meanwhile") && stale.html.contains("<td>Two</td>"),
        "{}",
        stale.html
    );
    assert_eq!(organisation(&world), "Two");
    let none = browser.get("/admin/history/77").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(none.html.contains("revision 77 is not kept; the kept ones are 0 to 2"), "{}", none.html);
}

#[tokio::test]
async fn one_change_is_taken_back_and_what_came_after_it_stays() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, "general.organisation", "Changed");
    let saved = send(&mut browser, "/admin/general", &fields).await;
    let page = browser.get(location(&saved)).await;
    assert!(page.html.contains("<a href=\"/admin/history/1/undo\">Undo this change</a>"), "{}", page.html);
    let mut fields = fields_of(&page);
    set(&mut fields, "general.session", "1200");
    send(&mut browser, "/admin/general", &fields).await;

    let list = browser.get("/admin/history").await;
    assert!(list.html.contains("href=\"/admin/history/1/undo\""), "{}", list.html);
    assert!(!list.html.contains("href=\"/admin/history/0/undo\""), "nothing came before the first");
    let look = browser.get("/admin/history/1/undo").await;
    assert!(look.html.contains("<td>Changed</td><td>Example Works</td>"), "{}", look.html);
    assert!(!look.html.contains("session"), "what came after it stays: {}", look.html);
    assert_eq!(organisation(&world), "Changed", "a look changes nothing");
    let undone = browser.submit("/admin/history/1/undo", &[("revision", "2")]).await;
    assert_eq!(location(&undone), "/admin/history?saved=3");
    assert_eq!(organisation(&world), "Example Works");
    let session = world.consensus.state().config().unwrap().general.session;
    assert_eq!(session.0, 1_200_000);
    assert!(browser.get("/admin/history").await.html.contains("Took back revision 1, by Rita Root"));
    assert!(browser.get("/admin/history/1/undo").await.html.contains("is in force any more"));
}

#[tokio::test]
async fn a_change_that_was_changed_again_is_not_taken_back_alone() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    rename(&world, "One");
    rename(&world, "Two");
    let look = browser.get("/admin/history/1/undo").await;
    assert!(look.html.contains("changed again since: general.organisation."), "{}", look.html);
    assert!(!look.html.contains("Undo revision 1</button>"));
    let refused = browser.submit("/admin/history/1/undo", &[("revision", "2")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(organisation(&world), "Two");
    browser.get("/admin/history/2/undo").await;
    rename(&world, "Three");
    let stale = browser.submit("/admin/history/2/undo", &[("revision", "2")]).await;
    assert_eq!((stale.status, organisation(&world)), (StatusCode::CONFLICT, "Three".to_owned()));
    assert_eq!(browser.get("/admin/history/77/undo").await.status, StatusCode::NOT_FOUND);
}
