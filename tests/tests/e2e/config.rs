//! Configuration and label writes while nodes are killed: what was acknowledged is there, in order.

use crate::World;
use passquorum_tests::https::{self, Trust};
use passquorum_tests::wait;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

struct Api<'a> {
    world: &'a World,
    client: Client,
}

impl<'a> Api<'a> {
    fn new(world: &'a World) -> Self {
        let authority = std::fs::read(world.realm.authority()).unwrap();
        Self { world, client: https::client(Trust::Authority(&authority)).unwrap() }
    }

    fn url(&self, node: u64, path: &str) -> String {
        format!("{}{path}", self.world.realm.cluster.node(node).unwrap().api)
    }

    async fn config(&self, node: u64) -> Option<Value> {
        let request = self.client.get(self.url(node, "/config")).bearer_auth(&self.world.realm.api_token);
        request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    /// One configuration change on top of what a node says is current; the revision when it was acknowledged.
    async fn rename(&self, node: u64, name: &str) -> Option<u64> {
        let config = self.config(node).await?;
        let mut general = config["general"].clone();
        general["organisation"] = json!(name);
        let body = json!({ "base": config["revision"], "change": { "SetGeneral": general } });
        let request =
            self.client.post(self.url(node, "/config/changes")).bearer_auth(&self.world.realm.api_token);
        let answer = request.json(&body).send().await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        answer.json::<Value>().await.ok()?["revision"].as_u64()
    }

    async fn put_label(&self, node: u64, key: &str, value: &str) -> (StatusCode, Value) {
        let request = self.client.put(self.url(node, &format!("/labels/{key}")));
        let answer =
            request.bearer_auth(&self.world.realm.api_token).body(value.to_owned()).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    async fn label(&self, node: u64, key: &str) -> Option<String> {
        let request = self.client.get(self.url(node, &format!("/labels/{key}")));
        let answer = request.bearer_auth(&self.world.realm.api_token).send().await.ok()?;
        if answer.status() == StatusCode::OK { answer.text().await.ok() } else { None }
    }
}

#[tokio::test]
async fn every_acknowledged_write_survives_the_kill_of_each_node_in_turn() {
    let mut world = World::start().await;
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut written = 0;
    for victim in 1..=3u64 {
        world.realm.cluster.kill9(victim).await.unwrap();
        let api = Api::new(&world);
        let alive: Vec<u64> = (1..=3).filter(|id| *id != victim).collect();
        let goal = acknowledged.len() + 12;
        let stream = async {
            while acknowledged.len() < goal {
                let node = alive[written % alive.len()];
                written += 1;
                let name = format!("Write {written}");
                if let Some(revision) = api.rename(node, &name).await {
                    let (status, _) = api.put_label(node, &format!("write-{revision}"), &name).await;
                    if status == StatusCode::OK {
                        acknowledged.push((revision, name));
                    }
                }
            }
        };
        tokio::time::timeout(LONG, stream).await.expect("writes go on without one node");
        world.realm.cluster.restart(victim).await.unwrap();
    }
    let revisions: Vec<u64> = acknowledged.iter().map(|(revision, _)| *revision).collect();
    assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "in order: {revisions:?}");
    let api = Api::new(&world);
    for node in 1..=3 {
        for (revision, name) in &acknowledged {
            assert_eq!(
                api.label(node, &format!("write-{revision}")).await.as_ref(),
                Some(name),
                "node {node}"
            );
        }
        let config = api.config(node).await.unwrap();
        assert!(config["revision"].as_u64().unwrap() >= *revisions.last().unwrap());
    }
    world.stop().await;
}

#[tokio::test]
async fn without_a_quorum_writes_are_refused_with_a_code_and_go_on_when_a_node_returns() {
    let mut world = World::start().await;
    for victim in [1, 2] {
        world.realm.cluster.kill9(victim).await.unwrap();
    }
    let refused = {
        let api = Api::new(&world);
        let last = Mutex::default();
        let refused = wait::until("the lone node knows that it has no quorum", LONG, || async {
            let (status, problem) = api.put_label(3, "lonely", "value").await;
            assert!(!status.is_success(), "a lone node must not acknowledge a write");
            *last.lock().unwrap() = Some((status, problem.clone()));
            (status == StatusCode::SERVICE_UNAVAILABLE).then_some(problem)
        });
        refused.await.unwrap_or_else(|late| panic!("{late}; last it said {last:?}"))
    };
    assert_eq!(refused["code"], "PQ-NO-QUORUM", "{refused}");
    assert!(refused["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));

    let mut visitor = crate::visitor::Visitor::new();
    let status = visitor.identify(&world.base(3), "forgot-password", "alice").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(visitor.page().contains("PQ-NO-QUORUM"), "{}", visitor.page());

    world.realm.cluster.restart(1).await.unwrap();
    let api = Api::new(&world);
    wait::until("writes go on with two of three", LONG, || async {
        api.put_label(3, "together", "value").await.0.is_success().then_some(())
    })
    .await
    .unwrap();
    assert_eq!(api.label(1, "together").await.as_deref(), Some("value"));
    world.stop().await;
}
