//! The OpenAPI document against a running realm of three nodes, whose leader is killed while it is asked.

use crate::TURN;
use crate::demo::leader;
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::{ports, wait};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// The operation after whose line the leader is killed; its neighbours read and change the realm.
const KILLED_AFTER: &str = "importConfig";

#[tokio::test]
async fn each_operation_answers_as_the_document_says_while_the_leader_is_killed() {
    let _turn = TURN.lock().await;
    let dir = tempfile::Builder::new().prefix("passquorum-openapi-").tempdir().unwrap();
    // Sites at the base, peers a hundred higher.
    let mut cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
    wait::until("a leader", Duration::from_secs(20), || leader(&cluster, 1)).await.unwrap();

    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tool = Command::new(project.join("ops/rig/openapi.py"))
        .arg("drive")
        .arg(project.join("sites/src/api/openapi.yaml"))
        .args(cluster.nodes().map(|node| node.health.clone()))
        .env("PASSQUORUM_API_TOKEN", &cluster.demo_line().unwrap().api_token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tool.stdout.take().unwrap()).lines();
    let (mut said, mut killed) = (Vec::new(), None);
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with(KILLED_AFTER) {
            let first = leader(&cluster, 1).await.expect("a leader is known");
            cluster.kill9(first).await.unwrap();
            killed = Some(said.len());
        }
        said.push(line);
    }
    let mut untrue = String::new();
    tool.stderr.take().unwrap().read_to_string(&mut untrue).await.unwrap();
    assert!(tool.wait().await.unwrap().success(), "{}\n{untrue}", said.join("\n"));
    let killed = killed.expect("the operation was driven");
    assert!(killed > 5 && said.len() - killed > 20, "what came before and after:\n{}", said.join("\n"));
    cluster.stop().await.unwrap();
}
