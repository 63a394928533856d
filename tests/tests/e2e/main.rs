//! End to end: three node processes, a real domain, a load balancer and a browser. Nothing is stood in for.
//!
//! The tests take turns, since each needs the machine's two cores for elections to be about faults and not about load.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod access;
mod account;
mod attempts;
mod backup;
mod client_hint;
mod config;
mod config_tree;
mod demo;
mod designer;
mod helpdesk;
mod hostile;
mod journey;
mod keys;
mod languages;
mod legacy_client;
mod logon_screen;
mod mail;
mod mail_code;
mod mirror;
mod mirror_churn;
mod openapi;
mod perimeter;
mod points;
mod profiles;
mod recovery;
mod visitor;

use passquorum_tests::rig::realm::Realm;
use passquorum_tests::rig::samba::Samba;
use serde_json::Value;
use std::net::Ipv4Addr;
use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

/// A domain and a realm that serves it, for one test.
struct World {
    realm: Realm,
    domain: Samba,
    dir: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    async fn start() -> Self {
        let turn = TURN.lock().await;
        let dir = tempfile::Builder::new().prefix("passquorum-e2e-").tempdir().unwrap();
        let domain = Samba::start(&dir.path().join("domain"), Ipv4Addr::new(127, 0, 0, 41)).await.unwrap();
        let realm = Realm::start(&dir.path().join("realm"), &domain).await.unwrap();
        Self { realm, domain, dir, _turn: turn }
    }

    /// The node that leads, as node `ask` knows it.
    async fn leader(&self, ask: u64) -> u64 {
        let deadline = std::time::Duration::from_secs(20);
        passquorum_tests::wait::until("a leader is known", deadline, || self.realm.leader(ask)).await.unwrap()
    }

    /// A node that is not one of these.
    fn other_than(&self, taken: &[u64]) -> u64 {
        self.realm.cluster.nodes().map(|node| node.id).find(|id| !taken.contains(id)).unwrap()
    }

    /// The base URL of a node's sites.
    fn base(&self, id: u64) -> String {
        self.realm.cluster.node(id).unwrap().health.clone()
    }

    /// Changes the configuration through node `via`, and answers its new revision.
    async fn reconfigure(&self, via: u64, change: impl Fn(&mut Value)) -> u64 {
        let file = self.dir.path().join("mirror.json");
        let path = file.display().to_string();
        self.realm.passquorum(via, &["config", "export", &path]).await.unwrap();
        let mut config = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        change(&mut config);
        std::fs::write(&file, config.to_string()).unwrap();
        self.realm.passquorum(via, &["config", "import", &path]).await.unwrap();
        config["revision"].as_u64().unwrap() + 1
    }

    async fn stop(self) {
        self.realm.cluster.stop().await.unwrap();
        self.domain.stop().await.unwrap();
    }
}
