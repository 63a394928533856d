//! The metrics of a real realm, read by a real Prometheus with the settings, alerts and dashboard that operators are
//! given.

use crate::{LIMIT, TURN, authority, demo, shipped};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::rig::process::{Group, Output};
use passquorum_tests::{ports, wait};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const FILES: [&str; 3] = ["prometheus.yml", "alerts.yml", "alerts_test.yml"];

fn promtool(folder: &Path, arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&told));
}

/// Every metric of ours that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("pq_") || word.starts_with("process_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .collect()
}

/// Every metric that a node tells.
fn told(metrics: &str) -> BTreeSet<&str> {
    metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// Prometheus with the files that are shipped, before a realm.
fn start_prometheus(folder: &Path, realm: &Cluster, realm_folder: &Path, port: u16) -> Group {
    for file in FILES {
        std::fs::copy(shipped("prometheus").join(file), folder.join(file)).unwrap();
    }
    std::fs::copy(authority(realm_folder), folder.join("nodes-ca.pem")).unwrap();
    let targets: Vec<&str> = realm.nodes().map(|node| node.health.trim_start_matches("https://")).collect();
    std::fs::write(folder.join("targets.json"), json!([{ "targets": targets }]).to_string()).unwrap();
    promtool(folder, &["check", "config", "prometheus.yml"], "");
    promtool(folder, &["test", "rules", "alerts_test.yml"], "");
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Group::start(command, &folder.join("prometheus.log"), Output::Log).unwrap()
}

#[tokio::test]
async fn prometheus_reads_every_node_and_finds_each_metric_that_alerts_and_dashboard_name() {
    let _turn = TURN.lock().await;
    let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
    let realm = demo(folder.path()).await;
    let monitor = folder.path().join("prometheus");
    std::fs::create_dir(&monitor).unwrap();
    let port = ports::block(1).unwrap();
    let prometheus = start_prometheus(&monitor, &realm, folder.path(), port);

    let client = https::client(Trust::Anyone).unwrap();
    let metrics_of = |id: u64| {
        let url = format!("{}/metrics", realm.node(id).unwrap().health);
        let request = client.get(url).send();
        async { request.await.unwrap().text().await.unwrap() }
    };
    let dashboard = std::fs::read_to_string(shipped("grafana/passquorum.json")).unwrap();
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() > 20);
    let alerts = std::fs::read_to_string(shipped("prometheus/alerts.yml")).unwrap();
    for id in 1..=3 {
        let metrics = metrics_of(id).await;
        promtool(&monitor, &["check", "metrics"], &metrics);
        let told = told(&metrics);
        for (file, text) in [("alerts.yml", &alerts), ("passquorum.json", &dashboard)] {
            let missing: Vec<_> = named(text).into_iter().filter(|name| !told.contains(name)).collect();
            assert!(missing.is_empty(), "{file} names {missing:?}, which node {id} does not tell");
        }
    }

    let ask = |path: String| {
        let request = client.get(format!("http://127.0.0.1:{port}/api/v1/{path}")).send();
        async { request.await.ok()?.json::<Value>().await.ok() }
    };
    let scraped = || async {
        let answer = ask("query?query=sum(up{job=\"passquorum\"})".to_owned()).await?;
        (answer["data"]["result"][0]["value"][1] == "3").then_some(())
    };
    wait::until("Prometheus has read all three nodes", LIMIT, scraped).await.unwrap();
    let evaluated = || async {
        let answer = ask("rules".to_owned()).await?;
        let groups = answer["data"]["groups"].as_array()?.clone();
        let rules: Vec<Value> =
            groups.iter().flat_map(|group| group["rules"].as_array().cloned()).flatten().collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    };
    let rules = wait::until("Prometheus has looked at every alert", LIMIT, evaluated).await.unwrap();
    assert!(rules.len() > 20, "{rules:?}");
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        // The disk of the machine may be as full as it likes: that alert waits before it fires.
        assert_ne!(rule["state"], "firing", "{rule}");
    }

    prometheus.stop().await.unwrap();
    realm.stop().await.unwrap();
}
