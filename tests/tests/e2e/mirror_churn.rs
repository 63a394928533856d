//! A legacy reader that polls the container and the service connection points while leaders are killed and frozen in the
//! middle of their writes: it never sees a state that is torn, older than what it saw before, or written twice.

use crate::World;
use crate::mirror::{Fence, LONG, container, fence, mirror};
use passquorum_tests::rig::realm::Realm;
use passquorum_tests::rig::samba::{BASE, Object, Samba};
use passquorum_tests::wait;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many leaders are killed; `PASSQUORUM_LEADER_KILLS` says another number.
const KILLS: u32 = 5;
/// Every which leader is frozen in the middle of its writes and woken up after its successor has written, before the
/// successor is killed.
const FROZEN: u32 = 2;
/// The node whose URL changes each round.
const MOVING: u64 = 3;

fn kills() -> u32 {
    std::env::var("PASSQUORUM_LEADER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

fn url(round: u32) -> String {
    format!("https://round-{round}.example")
}

/// The round of a URL; the first URL is of none.
fn round_of(url: &str) -> u32 {
    let round = url.strip_prefix("https://round-").and_then(|rest| rest.split('.').next());
    round.and_then(|round| round.parse().ok()).unwrap_or(0)
}

/// What was read of one object: under which fence, of which round, from when, and all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    fence: Fence,
    round: u32,
    stamp: String,
    whole: String,
}

impl Seen {
    /// The container, if it is whole.
    fn of_container(object: &Object) -> Option<Self> {
        let whole = object.value("serviceBindingInformation")?;
        let document: Value = serde_json::from_str(&whole).ok()?;
        let fence = fence(&object.value("adminDescription")?)?;
        let nodes = document["nodes"].as_array()?;
        let moving = nodes.iter().find(|node| node["id"] == MOVING)?;
        let round = round_of(moving["site_url"].as_str()?);
        Some(Self { fence, round, stamp: String::new(), whole })
    }

    /// A point, if it is whole.
    fn of_point(object: &Object) -> Option<Self> {
        let keywords = object.values("keywords");
        let keyword = |name: &str| {
            let mut found =
                keywords.iter().filter_map(|keyword| keyword.strip_prefix(name)?.strip_prefix('='));
            found.next().filter(|_| found.next().is_none())
        };
        let (url, stamp) = (keyword("CONFIGURATION.SERVER_URLS")?, keyword("CONFIGURATION.TIME_STAMP")?);
        keyword("VERSION.ProductVersion")?;
        let name = object.value("cn")?;
        let told = format!("passquorum-{}-{}", keyword("passquorum.realm")?, keyword("passquorum.node")?);
        let agrees = keywords.len() == 5 && told == name && object.value("serviceBindingInformation")? == url;
        let seen = Self {
            fence: fence(&object.value("adminDescription")?)?,
            round: round_of(url),
            stamp: stamp.to_owned(),
            whole: keywords.join("\n"),
        };
        agrees.then_some(seen)
    }
}

/// What a reader has seen so far, by name.
#[derive(Default)]
struct Reader {
    seen: BTreeMap<String, Seen>,
    reads: u64,
    writes: u64,
}

impl Reader {
    /// Reads until it is dropped.
    async fn read_on(&mut self, domain: &Samba) {
        // No administrator: whoever is in the domain can find the sites.
        let filter = "(|(cn=_QPMStorageContainer)(&(objectClass=serviceConnectionPoint)(cn=passquorum-*)))";
        loop {
            let objects = domain.objects_as("ivan", BASE, filter).await.unwrap();
            self.take(&objects);
        }
    }

    /// Takes note of one read of everything.
    fn take(&mut self, objects: &[Object]) {
        self.reads += 1;
        let mut missing: Vec<String> = self.seen.keys().cloned().collect();
        for object in objects {
            let name = object.value("cn").unwrap();
            let is_container = object.value("distinguishedName").as_deref() == Some(&container());
            let now = if is_container { Seen::of_container(object) } else { Seen::of_point(object) };
            assert!(now.is_some(), "torn: {object:?}");
            let now = now.unwrap();
            missing.retain(|missing| *missing != name);
            match self.seen.get(&name) {
                Some(before) if now.fence == before.fence => {
                    assert_eq!(now, *before, "{name} was written twice under one fence");
                    continue;
                }
                Some(before) => {
                    let newer = now.fence > before.fence;
                    assert!(
                        newer && now.round >= before.round && now.stamp >= before.stamp,
                        "{name} went back: {before:?}, then {now:?}"
                    );
                }
                None => {}
            }
            self.writes += 1;
            self.seen.insert(name, now);
        }
        assert!(missing.is_empty(), "{missing:?} went away");
    }
}

/// The leader, once there is one other than `gone`, as any of the running nodes knows it.
async fn leader_but(realm: &Realm, gone: Option<u64>) -> u64 {
    wait::until("a leader is known", LONG, || async {
        for ask in (1..=3).filter(|ask| Some(*ask) != gone) {
            let Ok(status) = realm.status(ask).await else { continue };
            let leader = status["leader"].as_u64().filter(|leader| Some(*leader) != gone);
            if status["quorum"] == true && leader.is_some() {
                return leader;
            }
        }
        None
    })
    .await
    .unwrap()
}

/// Waits until everything shows a round, under the fences of one term.
async fn all_show(domain: &Samba, round: u32) -> u64 {
    wait::until("everything shows the round", LONG, || async {
        let filter = "(|(cn=_QPMStorageContainer)(cn=passquorum-*))";
        let objects = domain.objects_as("ivan", BASE, filter).await.ok()?;
        let seen: Vec<Seen> = objects
            .iter()
            .filter_map(|object| Seen::of_point(object).or_else(|| Seen::of_container(object)))
            .collect();
        let term = seen.first()?.fence.0;
        let moved = seen.iter().filter(|seen| seen.round == round).count();
        (seen.len() == 4 && moved >= 2 && seen.iter().all(|seen| seen.fence.0 == term)).then_some(term)
    })
    .await
    .unwrap()
}

async fn churn(realm: &mut Realm, domain: &Samba) {
    let mut term = all_show(domain, 0).await;
    for round in 1..=kills() {
        let mut leader = leader_but(realm, None).await;
        // The change is committed when this returns, and is just being written to the directory.
        realm.passquorum(leader, &["node", "set-url", &MOVING.to_string(), &url(round)]).await.unwrap();
        if round % FROZEN == 0 {
            realm.cluster.pause(leader).unwrap();
            let next = leader_but(realm, Some(leader)).await;
            all_show(domain, round).await;
            realm.cluster.resume(leader).unwrap();
            realm.cluster.ready(leader).await.unwrap();
            leader = next;
        }
        realm.cluster.kill9(leader).await.unwrap();
        leader_but(realm, Some(leader)).await;
        let next = all_show(domain, round).await;
        assert!(next > term, "{term}, then {next}");
        term = next;
        realm.cluster.restart(leader).await.unwrap();
    }
}

#[tokio::test]
async fn a_legacy_reader_sees_no_torn_older_or_doubly_written_state_while_leaders_die() {
    let mut world = World::start().await;
    let leader = world.leader(1).await;
    world.reconfigure(leader, mirror).await;
    let mut reader = Reader::default();
    tokio::select! {
        () = reader.read_on(&world.domain) => {}
        () = churn(&mut world.realm, &world.domain) => {}
    }
    let Reader { seen, reads, writes } = &reader;
    let told = format!("{} leaders killed: {reads} reads saw {writes} writes", kills());
    assert_eq!(seen.len(), 4, "{told}");
    // Each round shows at least the write after the kill in each of the four.
    assert!(*writes >= u64::from(kills()) * 4, "{told}");
    world.stop().await;
}

#[test]
fn the_reader_tells_what_is_torn_went_back_or_was_written_twice() {
    let point = |fence: &str, url: &str, stamp: &str, keywords: usize| {
        let all = [
            format!("keywords: CONFIGURATION.SERVER_URLS={url}"),
            format!("keywords: CONFIGURATION.TIME_STAMP={stamp}"),
            "keywords: VERSION.ProductVersion=1".to_owned(),
            "keywords: passquorum.realm=r".to_owned(),
            "keywords: passquorum.node=3".to_owned(),
        ];
        let keywords = all[..keywords].join("\n");
        Object::of(&format!(
            "dn: CN=passquorum-r-3\ncn: passquorum-r-3\nadminDescription: pq1 r {fence}\n\
             serviceBindingInformation: {url}\n{keywords}\n"
        ))
    };
    let (first, second) = ("https://round-1.example/PMUser/", "https://round-2.example/PMUser/");
    let good = point("5.2", second, "2026-11-25T23:00:00Z", 5);
    let ends_in = |later: Option<Object>| {
        let good = good.clone();
        std::panic::catch_unwind(move || {
            let mut reader = Reader::default();
            reader.take(&[good]);
            reader.take(later.as_slice());
        })
        .err()
        .map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
        .unwrap_or_default()
    };
    assert_eq!(ends_in(Some(good.clone())), "");
    assert_eq!(ends_in(Some(point("6.1", second, "2026-11-25T23:00:01Z", 5))), "");
    for (later, told) in [
        (Some(point("6.1", second, "2026-11-25T23:00:00Z", 4)), "torn"),
        (Some(point("5.2", second, "2026-11-25T23:00:01Z", 5)), "written twice"),
        (Some(point("5.1", second, "2026-11-25T23:00:00Z", 5)), "went back"),
        (Some(point("6.1", first, "2026-11-25T23:00:00Z", 5)), "went back"),
        (Some(point("6.1", second, "2026-11-25T22:59:59Z", 5)), "went back"),
        (None, "went away"),
    ] {
        let message = ends_in(later);
        assert!(message.contains(told), "{told}: {message}");
    }
}
