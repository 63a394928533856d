//! The Admin site's page about legacy clients, and the form for the mirror.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::fakes::{CONNECTION, World};
use crate::staff::{administrator, fields_of, location, send, set};
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::Action;
use passquorum_domain::config::MirrorSettings;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{Fence, Held};

const CONTAINER: &str = "CN=_QPMStorageContainer,CN=System,DC=example";

fn world() -> World {
    let world = World::new();
    let (from, asked) = (FeatureLevel::FIRST, vec![NodeId(1)]);
    world.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::SECOND, asked }).unwrap();
    world
}

fn mirror(world: &World) -> Option<MirrorSettings> {
    world.consensus.state().config().unwrap().general.mirror.clone()
}

#[tokio::test]
async fn the_mirror_is_turned_on_moved_and_off_in_the_general_settings() {
    let world = world();
    let mut browser = administrator(&world).await;
    let (container, connection) = ("general.mirror.container", "general.mirror.connection");
    for (typed, alias, field) in [("nonsense", "", container), (CONTAINER, "ELSEWHERE", connection)] {
        let mut fields = fields_of(&browser.get("/admin/general").await);
        set(&mut fields, container, typed);
        set(&mut fields, connection, alias);
        let page = send(&mut browser, "/admin/general", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let id = format!("f-{}-problem", field.replace('.', "-"));
        assert!(page.html.contains(&id), "{id} is missing");
        assert_eq!(mirror(&world), None);
    }
    let mut fields = fields_of(&browser.get("/admin/general").await);
    set(&mut fields, container, CONTAINER);
    assert_eq!(send(&mut browser, "/admin/general", &fields).await.status, StatusCode::SEE_OTHER);
    let expected =
        MirrorSettings { connection: CONNECTION, container: DistinguishedName::parse(CONTAINER).unwrap() };
    assert_eq!(mirror(&world), Some(expected.clone()));
    // Saved again as it is shown, it stays.
    let mut fields = fields_of(&browser.get("/admin/general").await);
    send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(mirror(&world), Some(expected));
    set(&mut fields, container, "");
    let revision = world.consensus.state().config().unwrap().revision.to_string();
    set(&mut fields, "revision", &revision);
    send(&mut browser, "/admin/general", &fields).await;
    assert_eq!(mirror(&world), None);
}

#[tokio::test]
async fn a_stranger_is_removed_by_who_is_sure_and_the_container_made_anew() {
    let world = world();
    let legacy = &world.directory.legacy;
    let foreign = legacy.put("Old", vec!["CONFIGURATION.SERVER_URLS=https://old.example/<b>".into()]);
    let own = legacy.put("passquorum-00000000-0000-0000-0000-000000000001-1", Vec::new());
    *legacy.is_mirrored.lock().unwrap() = true;
    world.consensus.mirror(true);
    *legacy.held.lock().unwrap() =
        Some(Held { fence: Fence { term: 3, index: 7 }, document: Blob::from(&b"x"[..]) });
    let mut browser = administrator(&world).await;
    let page = browser.get("/admin/directory").await;
    assert!(page.html.contains("https://old.example/&#60;b&#62;"), "{}", page.html);
    assert_eq!(page.html.matches("action=\"/admin/directory/remove\"").count(), 1, "not for what is kept");

    let path = "/admin/directory/remove";
    let unsure = browser.submit(path, &[("dn", foreign.as_str())]).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = browser.submit(path, &[("dn", own.as_str()), ("sure", "yes")]).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert_eq!(legacy.points.lock().unwrap().len(), 2);
    let removed = browser.submit(path, &[("dn", foreign.as_str()), ("sure", "yes")]).await;
    assert_eq!(location(&removed), "/admin/directory?done=removed");
    assert_eq!(legacy.points.lock().unwrap().len(), 1);

    let rebuilt = browser.submit("/admin/directory/rebuild", &[]).await;
    assert_eq!(location(&rebuilt), "/admin/directory?done=rebuilt");
    assert_eq!(*legacy.held.lock().unwrap(), None);
    let state = world.consensus.state();
    for event in [AuditEvent::PointRemoved, AuditEvent::MirrorRebuilt] {
        assert_eq!(state.audit().filter(|record| record.event == event).count(), 1, "{event:?}");
    }
}

#[tokio::test]
async fn a_point_is_found_however_its_name_is_written() {
    let world = world();
    let foreign = world.directory.legacy.put("Old", Vec::new());
    let mut browser = administrator(&world).await;
    browser.get("/admin/directory").await;
    let typed = foreign.as_str().to_uppercase().replace(',', " , ").replace("OLD", "\\4fld");
    let removed = browser.submit("/admin/directory/remove", &[("dn", typed.as_str()), ("sure", "yes")]).await;
    assert_eq!(location(&removed), "/admin/directory?done=removed");
    assert_eq!(world.directory.legacy.points.lock().unwrap().len(), 0);
}
