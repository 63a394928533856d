//! Everything is lost but a backup, and the realm comes back from it.

use crate::World;
use crate::visitor::Visitor;
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::wait;
use reqwest::Client;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const ANSWERS: [&str; 2] = ["Planted-Sycamore-Street", "Planted-Bartholomew"];
const NEW: &str = "Planted-Restored-Passw0rd-3";
const PASSPHRASE: &str = "planted correct horse battery staple";

/// Calls of the operators' API on one node.
#[derive(Clone)]
struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    fn of(world: &World, id: u64) -> Self {
        let client = https::client(Trust::Anyone).unwrap();
        Self { client, base: world.base(id), token: world.realm.api_token.clone() }
    }

    async fn put(&self, key: &str, value: &str) -> bool {
        let request = self.client.put(format!("{}/api/v1/labels/{key}", self.base)).body(value.to_owned());
        request.bearer_auth(&self.token).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    async fn get(&self, path: &str) -> String {
        let request = self.client.get(format!("{}/api/v1/{path}", self.base)).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// The configuration without the sealed password of its connection: the removal of the lost nodes brings a new data key,
    /// and the password is sealed anew under it.
    async fn config(&self) -> Value {
        let mut config: Value = serde_json::from_str(&self.get("config").await).unwrap();
        let sealed = config["connections"][0]["endpoint"]["Ldaps"]["bind_password"].take();
        assert!(sealed.is_string(), "{config}");
        config
    }

    async fn audit(&self) -> Vec<Value> {
        let page: Value = serde_json::from_str(&self.get("audit?limit=1000").await).unwrap();
        page["records"].as_array().unwrap().clone()
    }
}

/// Writes one label after another until it is dropped, and counts those that were acknowledged.
struct Load {
    acknowledged: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    fn begin(api: Api) -> Self {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&acknowledged);
        let task = tokio::spawn(async move {
            for number in 1.. {
                if !api.put(&format!("load-{number}"), &number.to_string()).await {
                    return;
                }
                count.store(number, Ordering::SeqCst);
            }
        });
        Self { acknowledged, task }
    }

    async fn reaches(&self, number: u64) {
        wait::until("so many writes are acknowledged", LONG, || async {
            (self.acknowledged.load(Ordering::SeqCst) >= number).then_some(())
        })
        .await
        .unwrap();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_realm_comes_back_from_a_backup_that_was_taken_under_load() {
    let mut world = World::start().await;
    Visitor::new().register(&world.base(1), "alice", &seeded_password("alice"), ANSWERS).await;
    let api = Api::of(&world, 2);
    assert!(api.put("kept", "value").await);
    let config = api.config().await;

    let secret = world.dir.path().join("passphrase");
    passquorum_tests::rig::realm::write_secret(&secret, PASSPHRASE).unwrap();
    let (secret, file) = (secret.display().to_string(), world.dir.path().join("realm.backup"));
    let file = file.display().to_string();
    let load = Load::begin(api.clone());
    load.reaches(50).await;
    let before = load.acknowledged.load(Ordering::SeqCst);
    let take = ["backup", &file, "--passphrase-file", &secret, "--json"];
    let taken: Value = serde_json::from_str(&world.realm.passquorum(3, &take).await.unwrap()).unwrap();
    assert_eq!(taken["read_back"], true, "{taken}");
    load.reaches(before + 50).await;
    drop(load);
    let records = api.audit().await;

    for id in 1..=3 {
        world.realm.cluster.kill9(id).await.unwrap();
        world.realm.destroy(id).unwrap();
    }
    world.realm.restore(1, &file, &secret).await.unwrap();
    for id in 2..=3 {
        world.realm.rejoin(id).await.unwrap();
    }
    wait::until("three new nodes vote", LONG, || async {
        let status = world.realm.status(2).await.ok()?;
        let voters = status["members"].as_array()?.iter().filter(|member| member["role"] == "voter").count();
        (voters == 3 && status["members"].as_array()?.len() == 3).then_some(())
    })
    .await
    .unwrap();

    assert!(!api.put("old", "token").await, "an API token of the backup is revoked");
    let api = Api::of(&world, 3);
    assert!(api.put("new", "token").await);
    assert_eq!(api.config().await, config);
    assert_eq!(api.get("labels/kept").await, "value");
    for number in 1..=before {
        assert_eq!(api.get(&format!("labels/load-{number}")).await, number.to_string());
    }
    the_audit_goes_on(&records, &api.audit().await);

    let (mut visitor, base) = (Visitor::new(), world.base(2));
    visitor.identify(&base, "forgot-password", "alice").await;
    visitor.answer(&base, ANSWERS).await;
    let status = visitor.step(&base, &[("new", NEW), ("confirm", NEW)]).await;
    assert!(status.is_success(), "{status}: {}", visitor.page());
    assert!(world.domain.bind_works("alice", NEW).await.unwrap(), "{}", visitor.page());
    world.stop().await;
}

/// What was audited when the backup began is there unchanged, and what follows it says what happened.
fn the_audit_goes_on(before: &[Value], after: &[Value]) {
    let begun = before.iter().position(|record| record["event"] == "BackupBegun").unwrap();
    assert_eq!(before[..=begun], after[..=begun]);
    for pair in after.windows(2) {
        assert_eq!(pair[0]["hash"], pair[1]["previous"], "{}", pair[1]);
    }
    let restored = after.iter().position(|record| record["event"].get("RealmRestored").is_some()).unwrap();
    assert!(restored > begun);
    let removed = after[restored..].iter().filter(|record| record["event"].get("NodeRemoved").is_some());
    assert_eq!(removed.count(), 3);
}
