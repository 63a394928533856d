//! HAProxy as it is shipped, before a realm: nobody notices that a node stops, and who may name a client's address.

use crate::{LIMIT, TURN, authority, demo};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::{ports, wait};
use reqwest::{Client, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Somebody's address from the documentation (RFC 5737).
const STRANGER: &str = "203.0.113.9";

async fn balance(folder: &Path, realm: &Cluster) -> HaProxy {
    balance_as(folder, realm, [1, 2, 3]).await
}

/// The same, where the nodes are to show certificates with these ids.
async fn balance_as(folder: &Path, realm: &Cluster, named: [u64; 3]) -> HaProxy {
    let address = |id| realm.node(id).unwrap().health.trim_start_matches("https://").to_owned();
    let nodes = [(named[0], address(1)), (named[1], address(2)), (named[2], address(3))];
    let port = ports::block(2).unwrap();
    HaProxy::start(&folder.join("haproxy"), port, &nodes, &authority(folder)).await.unwrap()
}

/// Changes a line of a node's settings and starts it again.
async fn settle(folder: &Path, realm: &mut Cluster, id: u64, changes: &[(&str, &str)]) {
    realm.terminate(id).await.unwrap();
    let file = folder.join(format!("demo/node-{id}/node.toml"));
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in {text}");
        text = text.replace(from, to);
    }
    std::fs::write(&file, text).unwrap();
    realm.restart(id).await.unwrap();
}

/// What `GET path` is answered when the client claims to speak for somebody else.
async fn claiming(client: &Client, base: &str, path: &str) -> StatusCode {
    let request = client.get(format!("{base}{path}")).header("x-forwarded-for", STRANGER);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn nobody_notices_that_a_node_drains_and_only_a_trusted_proxy_names_clients() {
    let _turn = TURN.lock().await;
    let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
    let mut realm = demo(folder.path()).await;
    let draining =
        [("drain = \"0s\"", "drain = \"5s\""), ("trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]")];
    settle(folder.path(), &mut realm, 1, &draining).await;
    let balancer = balance(folder.path(), &realm).await;
    let client = https::client(Trust::Authority(&balancer.authority().unwrap())).unwrap();
    let direct = https::client(Trust::Anyone).unwrap();
    let base = |id: u64| realm.node(id).unwrap().health.clone();

    // Node 1 believes what 127.0.0.1 says of others, node 2 does not.
    assert_eq!(claiming(&direct, &base(1), "/metrics").await, StatusCode::UNAUTHORIZED);
    assert_eq!(claiming(&direct, &base(2), "/metrics").await, StatusCode::OK);
    for _ in 0..6 {
        let status = claiming(&client, &balancer.url(), "/metrics").await;
        assert_eq!(status, StatusCode::OK, "HAProxy passed on what a client claims of itself");
    }

    let (failed, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let over = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, url) = (client.clone(), format!("{}/self-service/", balancer.url()));
            let (failed, answered, over) = (Arc::clone(&failed), Arc::clone(&answered), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let good = client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
                    if good { &answered } else { &failed }.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let more = |count: u64| {
        let before = answered.load(Ordering::SeqCst);
        let answered = Arc::clone(&answered);
        wait::until("requests are answered", LIMIT, move || {
            let enough = answered.load(Ordering::SeqCst) >= before + count;
            async move { enough.then_some(()) }
        })
    };
    more(50).await.unwrap();
    let (first, served) = (base(1), async { realm.terminate(1).await });
    let drains = async {
        let not_ready = || async {
            let ready = direct.get(format!("{first}/ready")).send().await.ok()?;
            (ready.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
        };
        wait::until("node 1 is not ready any more", LIMIT, not_ready).await.unwrap();
        let page = direct.get(format!("{first}/self-service/")).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "but it goes on serving");
    };
    let (ended, ()) = tokio::join!(served, drains);
    ended.unwrap();
    more(50).await.unwrap();
    realm.restart(1).await.unwrap();
    more(50).await.unwrap();
    over.store(true, Ordering::SeqCst);
    for client in load {
        client.await.unwrap();
    }
    assert_eq!(failed.load(Ordering::SeqCst), 0, "of {} requests", answered.load(Ordering::SeqCst));

    balancer.stop().await.unwrap();
    realm.stop().await.unwrap();
}

#[tokio::test]
async fn no_node_stands_for_another_behind_the_balancer() {
    let _turn = TURN.lock().await;
    let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
    let realm = demo(folder.path()).await;
    for (named, count) in [([1, 2, 3], 3), ([2, 1, 3], 1)] {
        let balancer = balance_as(folder.path(), &realm, named).await;
        wait::until("those are ready that show the right name", LIMIT, || async {
            (balancer.ready_nodes().await.ok()? == count).then_some(())
        })
        .await
        .unwrap();
        balancer.stop().await.unwrap();
    }
    realm.stop().await.unwrap();
}
