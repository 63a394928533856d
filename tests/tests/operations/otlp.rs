//! The log and the traces of a real node at an OpenTelemetry collector, and a node whose collector is in trouble.

use crate::collector::{Collector, Manner, body, texts};
use crate::{LIMIT, TURN, demo};
use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::{ports, wait};
use reqwest::Client;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

/// In the file of headers, and nowhere else.
const SECRET: &str = "Bearer s3cret-of-the-collector";
/// More than the node's queue and a batch hold.
const FLOOD: usize = 4000;
/// Requests at a time.
const CLIENTS: usize = 8;

struct World {
    folder: tempfile::TempDir,
    realm: Cluster,
    collector: Collector,
    client: Client,
    base: String,
    token: String,
}

impl World {
    /// A realm whose node 1 sends to a collector.
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("passquorum-otlp-").tempdir().unwrap();
        let mut realm = demo(folder.path()).await;
        let port = ports::block(1).unwrap();
        let collector = Collector::start(port).await;
        realm.terminate(1).await.unwrap();
        let headers = folder.path().join("headers");
        std::fs::write(&headers, format!("Authorization: {SECRET}\n")).unwrap();
        std::fs::set_permissions(&headers, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = folder.path().join("demo/node-1/node.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str(&format!("\n[otlp]\nendpoint = \"http://127.0.0.1:{port}\"\n"));
        text.push_str(&format!("headers = \"{}\"\n", headers.display()));
        std::fs::write(&file, text).unwrap();
        realm.restart(1).await.unwrap();
        let base = realm.node(1).unwrap().health.clone();
        let token = realm.demo_line().unwrap().api_token.clone();
        Self { folder, realm, collector, client: https::client(Trust::Anyone).unwrap(), base, token }
    }

    /// How many lines of node 1's log say so.
    fn lines(&self, text: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("node-1.log")).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }

    async fn told(&self, text: &str, times: usize) {
        let told = || async { (self.lines(text) >= times).then_some(()) };
        wait::until(&format!("the log says {times} times: {text}"), LIMIT, told).await.unwrap();
        assert_eq!(self.lines(text), times, "{text}");
    }

    async fn page(&self) {
        let answer = self.client.get(format!("{}/self-service/", self.base)).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    async fn metric(&self, name: &str) -> u64 {
        let answer = self.client.get(format!("{}/metrics", self.base)).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} is not in {text}"))
    }

    /// Waits until a new page's trace is there.
    async fn flows(&self) {
        self.collector.forget();
        self.page().await;
        let traced = || async { self.collector.look(|got| !got.spans.is_empty()).then_some(()) };
        wait::until("traces are sent", LIMIT, traced).await.unwrap();
    }

    /// Adds rules for what is logged to the realm's configuration.
    async fn log_by(&self, rules: &[&str]) {
        let url = format!("{}/api/v1/config", self.base);
        let shown = self.client.get(&url).bearer_auth(&self.token).send().await.unwrap();
        let shown: Value = shown.json().await.unwrap();
        let mut general = shown["general"].clone();
        general["logging"] = json!(rules);
        let change = json!({ "base": shown["revision"], "change": { "SetGeneral": general } });
        let asked = self.client.post(format!("{url}/changes")).bearer_auth(&self.token).json(&change);
        let answer = asked.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn a_collector_gets_the_log_with_its_fields_and_the_traces_of_requests() {
    let _turn = TURN.lock().await;
    let mut world = World::start().await;
    let started = || async {
        world.collector.look(|got| got.logs.iter().find(|record| body(record) == "the node runs").cloned())
    };
    let record = wait::until("the start is in the log at the collector", LIMIT, started).await.unwrap();
    assert_eq!(record.severity_number, SeverityNumber::Info as i32);
    assert_eq!(record.severity_text, "INFO");
    assert!(record.time_unix_nano > 0);
    let fields = texts(&record.attributes);
    assert_eq!((fields["component"].as_str(), fields["node"].as_str()), ("node", "1"), "{fields:?}");
    assert!(fields["target"].starts_with("passquorum_node"), "{fields:?}");
    let resource = world.collector.look(|got| got.resource.clone());
    assert_eq!(resource["service.name"], "passquorum");
    assert_eq!(resource["service.instance.id"], "1");
    assert!(resource["service.version"].starts_with("0."), "{resource:?}");
    assert!(resource["service.namespace"].parse::<uuid::Uuid>().is_ok(), "{resource:?}");
    assert!(world.collector.look(|got| got.authorization.iter().all(|told| told == SECRET)));
    assert_eq!(world.lines("s3cret"), 0);

    // A change of the configuration is a request that proposes; the rule holds for what is sent too.
    assert!(world.collector.look(|got| got.logs.iter().all(|record| record.severity_text != "DEBUG")));
    world.log_by(&["1:debug"]).await;
    let traced = || async {
        world.collector.look(|got| {
            let propose = got.spans.iter().find(|span| span.name == "propose")?;
            let request = got.spans.iter().find(|span| span.span_id == propose.parent_span_id)?;
            Some((propose.clone(), request.clone()))
        })
    };
    let (propose, request) = wait::until("the change is traced", LIMIT, traced).await.unwrap();
    assert_eq!(propose.trace_id, request.trace_id);
    assert_eq!(texts(&propose.attributes)["result"], "ok");
    assert_eq!((request.name.as_str(), request.kind), ("request", SpanKind::Server as i32));
    let told = texts(&request.attributes);
    assert_eq!((told["site"].as_str(), told["http.request.method"].as_str()), ("api", "POST"), "{told:?}");
    assert_eq!(told["http.response.status_code"], "200");
    assert!(request.start_time_unix_nano <= propose.start_time_unix_nano);
    assert!(request.end_time_unix_nano >= propose.end_time_unix_nano);
    let debugging = || async {
        let found =
            |got: &crate::collector::Got| got.logs.iter().any(|record| record.severity_text == "DEBUG");
        world.collector.look(found).then_some(())
    };
    wait::until("the rule for the level holds", LIMIT, debugging).await.unwrap();
    assert_eq!(world.lines("http.request.method"), 0, "traces are in no line of the log");

    world.realm.terminate(1).await.unwrap();
    let last =
        |got: &crate::collector::Got| got.logs.iter().any(|record| body(record) == "the node has stopped");
    assert!(world.collector.look(last), "what is left is sent when the node ends");
    world.realm.stop().await.unwrap();
}

#[tokio::test]
async fn a_collector_in_trouble_holds_nobody_up_is_told_of_once_and_gets_what_comes_later() {
    let _turn = TURN.lock().await;
    let mut world = World::start().await;
    let (worse, better) = ("does not take what is sent", "takes what is sent again");
    world.flows().await;
    let none = world.metric("pq_otlp_dropped_total{signal=\"traces\"}").await;
    assert_eq!(none, 0);
    assert!(world.metric("pq_otlp_sent_total{signal=\"traces\"}").await > 0);

    // More than there is room for, while the collector is busy.
    world.collector.be(Manner::Busy);
    world.page().await;
    world.told(worse, 1).await;
    let flood = (0..CLIENTS).map(|_| {
        let (client, url) = (world.client.clone(), format!("{}/self-service/", world.base));
        tokio::spawn(async move {
            for _ in 0..FLOOD / CLIENTS {
                assert!(client.get(&url).send().await.unwrap().status().is_success());
            }
        })
    });
    for client in flood.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let dropped = world.metric("pq_otlp_dropped_total{signal=\"traces\"}").await;
    assert!(dropped > 0 && dropped < FLOOD as u64, "{dropped}");
    assert_eq!(world.lines(worse), 1, "one line, not one for each record");
    world.collector.forget();
    world.collector.be(Manner::Good);
    world.told(better, 1).await;
    let dropped = world.metric("pq_otlp_dropped_total{signal=\"traces\"}").await;
    world.flows().await;
    let dropped_since = world.metric("pq_otlp_dropped_total{signal=\"traces\"}").await;
    assert_eq!(dropped_since, dropped, "nothing more is dropped");
    let about = |got: &crate::collector::Got| got.logs.iter().any(|record| body(record).contains("OTLP"));
    assert!(!world.collector.look(about), "what the sending thread says is not sent");

    for (outage, manner) in [(2, Some(Manner::Nonsense)), (3, None), (4, Some(Manner::Silent))] {
        match manner {
            Some(manner) => world.collector.be(manner),
            None => world.collector.close().await,
        }
        world.page().await;
        world.told(worse, outage).await;
        world.page().await;
        match manner {
            Some(_) => world.collector.be(Manner::Good),
            None => world.collector.open().await,
        }
        world.told(better, outage).await;
        world.flows().await;
    }

    // A node ends although its collector never answers.
    world.collector.be(Manner::Silent);
    world.page().await;
    let asked = world.collector.look(|got| got.asked);
    let hangs = || async { (world.collector.look(|got| got.asked) > asked).then_some(()) };
    wait::until("the collector is asked", LIMIT, hangs).await.unwrap();
    world.realm.terminate(1).await.unwrap();
    world.realm.stop().await.unwrap();
}
