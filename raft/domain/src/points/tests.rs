//! What is done about which point, and the form that clients read.

use super::*;

const OURS: RealmId = RealmId(uuid::Uuid::from_u128(1));
const OTHER: RealmId = RealmId(uuid::Uuid::from_u128(2));
const OWN: Fence = Fence { term: 5, index: 50 };
const NOW: Timestamp = Timestamp(1_795_647_600_000);

fn point(node: u64) -> Point {
    Point { realm: OURS, node: NodeId(node), url: format!("https://n{node}.example:8443/PMUser/") }
}

/// The point as it is found after it was written.
fn written(point: &Point, stamp: Timestamp, fence: Fence) -> FoundPoint {
    FoundPoint {
        dn: DistinguishedName::parse(&format!("CN={},{CONTAINER},DC=x", point.name())).unwrap(),
        name: point.name(),
        keywords: point.keywords(stamp),
        bindings: vec![point.url.clone()],
        token: Some(Blob::from(fence.to_string().into_bytes())),
        fence: Some(fence),
    }
}

fn steps<'a>(wanted: &[Point], found: &'a [FoundPoint]) -> Vec<Step<'a>> {
    plan(OURS, wanted.to_vec(), found, OWN, NOW).unwrap()
}

#[test]
fn the_form_of_a_point_is_fixed() {
    assert_eq!(point(7).name(), "passquorum-00000000-0000-0000-0000-000000000001-7");
    let version = env!("CARGO_PKG_VERSION");
    let mut expected = vec![
        "CONFIGURATION.SERVER_URLS=https://n7.example:8443/PMUser/".to_owned(),
        format!("VERSION.ProductVersion={version}"),
        "passquorum.realm=00000000-0000-0000-0000-000000000001".to_owned(),
        "passquorum.node=7".to_owned(),
        "CONFIGURATION.TIME_STAMP=2026-11-25T23:00:00Z".to_owned(),
    ];
    assert_eq!(point(7).keywords(NOW), expected);
    expected.reverse();
    let found = FoundPoint { keywords: expected, ..written(&point(7), NOW, OWN) };
    assert_eq!(found.urls(), ["https://n7.example:8443/PMUser/"]);
    assert_eq!((found.stamp(), found.version()), (Some(NOW), Some(version)));
    assert_eq!(steps(&[point(7)], &[found]), []);
}

#[test]
fn a_missing_point_is_published_and_a_true_one_is_left_alone() {
    let found = [written(&point(1), NOW.minus(Span(REFRESH.0 - 1000)), OWN)];
    let missing = Step::Publish { seen: None, point: point(2), stamp: NOW };
    assert_eq!(steps(&[point(1), point(2)], &found), [missing]);
}

#[test]
fn whatever_is_not_true_any_more_is_written_again() {
    let good = written(&point(1), NOW, OWN);
    let moved = Point { url: "https://elsewhere/PMUser/".to_owned(), ..point(1) };
    let earlier_reign = Fence { term: OWN.term - 1, index: 90 };
    let mut more = good.clone();
    more.keywords.push("CONFIGURATION.SERVER_URLS=https://attacker/".to_owned());
    let cases = [
        written(&moved, NOW, OWN),
        written(&point(1), NOW.minus(REFRESH), OWN),
        written(&point(1), NOW, earlier_reign),
        written(&point(1), NOW.plus(Span::hours(24)), OWN),
        FoundPoint { keywords: Vec::new(), ..good.clone() },
        FoundPoint { bindings: Vec::new(), ..good.clone() },
        FoundPoint { token: None, fence: None, ..good },
        more,
    ];
    for found in cases {
        let found = [found];
        let expected = Step::Publish { seen: Some(&found[0]), point: point(1), stamp: NOW };
        assert_eq!(steps(&[point(1)], &found), [expected], "{found:?}");
    }
}

#[test]
fn a_time_stamp_does_not_go_back_when_the_leader_before_had_a_faster_clock() {
    let ahead = NOW.plus(Span::seconds(20));
    let found = [written(&point(1), ahead, Fence { term: OWN.term - 1, index: 90 })];
    let expected = Step::Publish { seen: Some(&found[0]), point: point(1), stamp: ahead };
    assert_eq!(steps(&[point(1)], &found), [expected]);
}

#[test]
fn the_point_of_a_node_that_left_is_withdrawn_and_no_stranger_is_touched() {
    let other_realm = written(&Point { realm: OTHER, ..point(3) }, NOW, OWN);
    let foreign = FoundPoint {
        name: "old product".to_owned(),
        keywords: vec!["CONFIGURATION.SERVER_URLS=https://old/;https://older/".to_owned()],
        fence: None,
        ..written(&point(9), NOW, OWN)
    };
    // Our keywords under another name are a copy that somebody made.
    let copy = FoundPoint { name: "copy".to_owned(), ..written(&point(1), NOW, OWN) };
    let zeros = FoundPoint { name: point(3).name().replace("-3", "-03"), ..copy.clone() };
    assert_eq!(other_realm.owner(OURS), Owner::OtherRealm { realm: OTHER });
    assert_eq!([&foreign, &copy, &zeros].map(|found| found.owner(OURS)), [Owner::Foreign; 3]);
    assert_eq!(foreign.urls(), ["https://old/", "https://older/"]);
    let found =
        [written(&point(1), NOW, OWN), other_realm, written(&point(3), NOW, OWN), foreign, copy, zeros];
    assert_eq!(steps(&[point(1)], &found), [Step::Withdraw(&found[2])]);
}

#[test]
fn a_newer_fence_on_any_of_them_stops_everything() {
    let newer = Fence { term: OWN.term + 1, index: 1 };
    for node in [1, 3] {
        let found = [written(&point(node), NOW, newer)];
        let outcome = plan(OURS, vec![point(1)], &found, OWN, NOW);
        assert_eq!(outcome, Err(PointsError::Stale { found: newer, own: OWN }));
    }
}

#[test]
fn a_url_that_finds_no_room_is_told_with_its_node() {
    let long = Point { url: format!("https://{}/PMUser/", "a".repeat(230)), ..point(4) };
    let other = Step::Publish { seen: None, point: point(5), stamp: NOW };
    assert_eq!(steps(&[long, point(5)], &[]), [Step::GiveUp(NodeId(4)), other]);
}
