//! Service connection points on a real domain controller, written with the least that the access account needs.

use crate::domain_controller::{ADMINISTRATOR, BASE, DOMAIN, DomainController, SERVICE_PASSWORD};
use crate::people::CONNECTION;
use crate::relay::Relay;
use crate::samba::{names, settings};
use passquorum_ad_sync::points;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::points::{FoundPoint, Owner, Point};
use passquorum_domain::ports::{ConnectionPoints, DirectoryReason, Fence, PointsError};
use passquorum_domain::time::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

const REALM: RealmId = RealmId(uuid::Uuid::from_u128(1));
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 47);
const NOW: Timestamp = Timestamp(1_795_647_600_000);

fn open(samba: &DomainController, url: &str) -> Arc<dyn ConnectionPoints> {
    points::open(REALM, CONNECTION, &settings(samba, &[url]), names(), SERVICE_PASSWORD.into()).unwrap()
}

fn point(node: u64) -> Point {
    Point { realm: REALM, node: NodeId(node), url: format!("https://n{node}.example:8443/PMUser/") }
}

fn fence(term: u64, index: u64) -> Fence {
    Fence { term, index }
}

fn folder() -> String {
    format!("CN=One Identity,CN=System,{BASE}")
}

async fn one(points: &dyn ConnectionPoints, node: u64) -> Option<FoundPoint> {
    let mut found = points.list().await.unwrap();
    found.retain(|found| found.owner(REALM) == Owner::Node { node: NodeId(node) });
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

fn reason(outcome: Result<(), PointsError>) -> Option<DirectoryReason> {
    match outcome {
        Err(PointsError::Directory(error)) => Some(error.reason),
        _ => None,
    }
}

#[tokio::test]
async fn points_of_a_real_domain() {
    let samba = DomainController::start(ADDRESS).await;
    let points = open(&samba, &samba.url());
    let points = points.as_ref();
    they_are_made_as_clients_look_for_them_and_replaced_by_whom_saw_them(&samba, points).await;
    a_write_that_is_held_up_until_a_newer_leader_has_written_changes_nothing(&samba).await;
    a_point_with_a_mangled_fence_is_replaced(&samba, points).await;
    foreign_ones_are_listed_whatever_their_number(&samba, points).await;
    each_change_changes_the_mark(&samba, points).await;
    the_folder_is_made_when_the_account_may_and_else_the_right_is_named(&samba, points).await;
    samba.stop().await;
}

async fn they_are_made_as_clients_look_for_them_and_replaced_by_whom_saw_them(
    samba: &DomainController,
    points: &dyn ConnectionPoints,
) {
    points.publish(None, &point(1), NOW, fence(3, 1)).await.unwrap();
    let filter = "(&(objectClass=serviceConnectionPoint)(keywords=CONFIGURATION.SERVER_URLS=*))";
    let mut keywords = samba.values(&folder(), filter, "keywords").await;
    keywords.sort();
    let mut expected = point(1).keywords(NOW);
    expected.sort();
    assert_eq!(keywords, expected);
    let urls = samba.values(&folder(), filter, "serviceBindingInformation").await;
    assert_eq!(urls, ["https://n1.example:8443/PMUser/"]);

    let seen = one(points, 1).await.unwrap();
    assert_eq!((seen.fence, seen.stamp()), (Some(fence(3, 1)), Some(NOW)));
    let later = Timestamp(NOW.0 + 3_600_000);
    // Two makers, and two who saw the same.
    let again = points.publish(None, &point(1), NOW, fence(3, 1)).await;
    assert_eq!(reason(again), Some(DirectoryReason::Changed));
    points.publish(Some(&seen), &point(1), later, fence(3, 2)).await.unwrap();
    let late = points.publish(Some(&seen), &point(1), NOW, fence(3, 2)).await;
    assert_eq!(reason(late), Some(DirectoryReason::Changed));
    let now = one(points, 1).await.unwrap();
    assert_eq!((now.fence, now.stamp(), now.keywords.len()), (Some(fence(3, 2)), Some(later), 5));
    // The same fence once more, as a refresh without any news in between.
    points.publish(Some(&now), &point(1), later, fence(3, 2)).await.unwrap();
    points.remove(&now).await.unwrap();
    points.remove(&now).await.unwrap();
    assert_eq!(one(points, 1).await, None);
    let late = points.publish(Some(&now), &point(1), later, fence(3, 3)).await;
    assert_eq!(reason(late), Some(DirectoryReason::Changed));
}

async fn a_write_that_is_held_up_until_a_newer_leader_has_written_changes_nothing(samba: &DomainController) {
    let relay = Relay::start(ADDRESS, SocketAddr::from((ADDRESS, 636))).await;
    let (old, new) = (open(samba, &relay.url()), open(samba, &samba.url()));
    new.publish(None, &point(2), NOW, fence(10, 1)).await.unwrap();
    let seen = one(old.as_ref(), 2).await.unwrap();
    relay.hold_requests();
    let moved = Point { url: "https://of.the.old.leader/PMUser/".to_owned(), ..point(2) };
    let held_up = seen.clone();
    let late = tokio::spawn(async move { old.publish(Some(&held_up), &moved, NOW, fence(10, 9)).await });
    relay.a_request_is_held().await;
    new.publish(Some(&seen), &point(2), NOW, fence(11, 1)).await.unwrap();
    relay.let_requests_go();
    assert_eq!(reason(late.await.unwrap()), Some(DirectoryReason::Changed));
    let now = one(new.as_ref(), 2).await.unwrap();
    assert_eq!((now.fence, now.urls()), (Some(fence(11, 1)), vec![point(2).url.as_str()]));
}

async fn a_point_with_a_mangled_fence_is_replaced(samba: &DomainController, points: &dyn ConnectionPoints) {
    let dn = one(points, 2).await.unwrap().dn;
    for change in ["replace: adminDescription\nadminDescription: nonsense\n", "delete: adminDescription\n"] {
        samba.modify(&format!("dn: {dn}\nchangetype: modify\n{change}")).await;
        let seen = one(points, 2).await.unwrap();
        assert_eq!(seen.fence, None);
        points.publish(Some(&seen), &point(2), NOW, fence(12, 1)).await.unwrap();
        assert_eq!(one(points, 2).await.unwrap().fence, Some(fence(12, 1)));
    }
}

async fn foreign_ones_are_listed_whatever_their_number(
    samba: &DomainController,
    points: &dyn ConnectionPoints,
) {
    let foreign = |number: u32| {
        format!(
            "dn: CN=Old {number},{}\nchangetype: add\nobjectClass: serviceConnectionPoint\n\
             keywords: CONFIGURATION.SERVER_URLS=https://old{number}.example/PMUser/\n\n",
            folder()
        )
    };
    // More than two pages.
    samba.modify(&(0..210).map(foreign).collect::<String>()).await;
    let found = points.list().await.unwrap();
    let foreign: Vec<_> = found.iter().filter(|found| found.owner(REALM) == Owner::Foreign).collect();
    assert_eq!(foreign.len(), 210);
    let first = foreign.iter().find(|found| found.name == "Old 7").unwrap();
    assert_eq!((first.urls(), first.stamp()), (vec!["https://old7.example/PMUser/"], None));
    points.remove(first).await.unwrap();
    assert_eq!(points.list().await.unwrap().len(), found.len() - 1);
}

async fn each_change_changes_the_mark(samba: &DomainController, points: &dyn ConnectionPoints) {
    let before = points.mark().await.unwrap();
    assert_eq!(points.mark().await.unwrap(), before);
    let dn = one(points, 2).await.unwrap().dn;
    samba.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: keywords\nkeywords: meddled\n")).await;
    let meddled = points.mark().await.unwrap();
    samba.modify(&format!("dn: {dn}\nchangetype: delete\n")).await;
    let deleted = points.mark().await.unwrap();
    assert!(before != meddled && meddled != deleted && deleted != before);
}

async fn the_folder_is_made_when_the_account_may_and_else_the_right_is_named(
    samba: &DomainController,
    points: &dyn ConnectionPoints,
) {
    for found in points.list().await.unwrap() {
        points.remove(&found).await.unwrap();
    }
    samba.modify(&format!("dn: {}\nchangetype: delete\n", folder())).await;
    assert_eq!(points.list().await, Ok(Vec::new()));
    let denied = points.publish(None, &point(5), NOW, fence(20, 1)).await.unwrap_err();
    let told = denied.to_string();
    assert!(
        told.contains("create and delete serviceConnectionPoint objects below CN=One Identity"),
        "{told}"
    );
    let (name, password) = ADMINISTRATOR;
    let settings =
        LdapsSettings { bind_name: format!("{name}@{DOMAIN}"), ..settings(samba, &[&samba.url()]) };
    let able = points::open(REALM, CONNECTION, &settings, names(), password.into()).unwrap();
    able.publish(None, &point(5), NOW, fence(20, 1)).await.unwrap();
    assert_eq!(one(points, 5).await.unwrap().fence, Some(fence(20, 1)));
}
