//! A realm of the release before becomes one of this release, node by node, behind a load balancer and under load; goes
//! back by one node as long as the upgrade is not finished; and keeps the old program out once it is.
//!
//! The program of the release before comes from `ops/previous-release.sh`. Without it these tests fail.

use crate::{LIMIT, TURN, authority};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::RigError;
use passquorum_tests::rig::cluster::{self, Cluster};
use passquorum_tests::rig::command_line;
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::{ports, wait};
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::process::Command;
use tokio::task::JoinSet;

const READERS: u64 = 3;
const WRITERS: u64 = 2;
/// Labels of one writer, which it writes in turn.
const LABELS: u64 = 20;

/// A realm under upgrade.
struct Site {
    folder: tempfile::TempDir,
    realm: Cluster,
    token: String,
    old: PathBuf,
    new: PathBuf,
}

impl Site {
    async fn of_the_release_before() -> Self {
        let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
        let (old, new) = (cluster::previous_binary().unwrap(), cluster::binary().unwrap());
        let realm = Cluster::demo_of(&old, folder.path(), ports::block(103).unwrap()).await.unwrap();
        let token = realm.demo_line().unwrap().api_token.clone();
        Self { folder, realm, token, old, new }
    }

    fn dir(&self, id: u64) -> PathBuf {
        self.folder.path().join(format!("demo/node-{id}"))
    }

    /// Lets every node go on serving for a while after it was told to stop, as behind a load balancer.
    async fn drain(&mut self) {
        for id in 1..=3 {
            self.realm.terminate(id).await.unwrap();
            let file = self.dir(id).join("node.toml");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains("drain = \"0s\""), "{text}");
            std::fs::write(&file, text.replace("drain = \"0s\"", "drain = \"2s\"")).unwrap();
            self.realm.restart(id).await.unwrap();
        }
    }

    async fn balance(&self) -> HaProxy {
        let nodes = [1, 2, 3]
            .map(|id| (id, self.realm.node(id).unwrap().health.trim_start_matches("https://").to_owned()));
        let (dir, port) = (self.folder.path().join("haproxy"), ports::block(2).unwrap());
        HaProxy::start(&dir, port, &nodes, &authority(self.folder.path())).await.unwrap()
    }

    /// Stops a node in good order and starts it with another program.
    async fn change(&mut self, id: u64, program: &Path) {
        self.realm.terminate(id).await.unwrap();
        self.realm.run_by(id, program).unwrap();
        self.realm.restart(id).await.unwrap();
    }

    async fn ask(&self, program: &Path, id: u64, arguments: &[&str]) -> Result<String, RigError> {
        let mut command = Command::new(program);
        command.args(arguments).env("PASSQUORUM_DIR", self.dir(id));
        command_line::run(command, &format!("passquorum {}", arguments.join(" ")), None).await
    }

    async fn json(&self, id: u64, arguments: &[&str]) -> Value {
        command_line::parse(&self.ask(&self.new, id, arguments).await.unwrap()).unwrap()
    }

    async fn refusal(&self, program: &Path, id: u64, arguments: &[&str]) -> String {
        match self.ask(program, id, arguments).await {
            Err(RigError::Failed { output, .. }) => output,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    async fn leader(&self) -> u64 {
        wait::until("a leader is known", LIMIT, || async {
            let status = self.ask(&self.new, 1, &["status", "--json"]).await.ok()?;
            command_line::parse(&status).ok()?["leader"].as_u64()
        })
        .await
        .unwrap()
    }

    /// Answers are kept for the helpdesk, which the release before does not know.
    async fn edit_of_the_next_level(&self, client: &Client) -> Value {
        let url = format!("{}/config", self.realm.node(1).unwrap().api);
        let answer = client.get(url).bearer_auth(&self.token).send().await.unwrap();
        let config: Value = answer.json().await.unwrap();
        let mut policy = config["policies"][0].clone();
        policy["qa"]["keep_mandatory_answers"] = json!(true);
        json!({ "base": config["revision"], "change": { "PutPolicy": policy } })
    }

    /// What a call of node 1's API is answered.
    async fn post(&self, client: &Client, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.realm.node(1).unwrap().api);
        let answer = client.post(url).bearer_auth(&self.token).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }
}

/// Visitors and scripts behind the load balancer.
struct Load {
    failures: Arc<std::sync::Mutex<Vec<String>>>,
    answered: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    readers: JoinSet<()>,
    /// Each gives what it was last told of each of its labels.
    writers: JoinSet<BTreeMap<String, String>>,
}

impl Load {
    fn start(client: &Client, base: &str, token: &str) -> Self {
        let mut load = Self {
            failures: Arc::default(),
            answered: Arc::default(),
            over: Arc::default(),
            readers: JoinSet::new(),
            writers: JoinSet::new(),
        };
        for _ in 0..READERS {
            let (client, url) = (client.clone(), format!("{base}/self-service/"));
            let (count, over) = (load.counter(), Arc::clone(&load.over));
            load.readers.spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    count(client.get(&url).send().await);
                }
            });
        }
        for writer in 0..WRITERS {
            let (client, base, token) = (client.clone(), base.to_owned(), token.to_owned());
            let (count, over) = (load.counter(), Arc::clone(&load.over));
            load.writers.spawn(async move {
                let mut told = BTreeMap::new();
                for number in 0_u64.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let (label, value) =
                        (format!("upgrade-{writer}-{}", number % LABELS), number.to_string());
                    let request = client.put(format!("{base}/api/v1/labels/{label}"));
                    let answer = request.bearer_auth(&token).body(value.clone()).send().await;
                    if count(answer) {
                        told.insert(label, value);
                    }
                }
                told
            });
        }
        load
    }

    /// Counts an answer; says whether it was a good one.
    fn counter(&self) -> impl Fn(reqwest::Result<reqwest::Response>) -> bool + Send + use<> {
        let (failures, answered) = (Arc::clone(&self.failures), Arc::clone(&self.answered));
        move |answer| {
            let failure = match answer {
                Ok(answer) if answer.status().is_success() => {
                    answered.fetch_add(1, Ordering::SeqCst);
                    return true;
                }
                Ok(answer) => format!("{} of {}", answer.status(), answer.url()),
                Err(error) => format!("{error:?}"),
            };
            failures.lock().unwrap().push(failure);
            false
        }
    }

    async fn more(&self, count: u64) {
        let enough = self.answered.load(Ordering::SeqCst) + count;
        wait::until("requests are answered", LIMIT, || async {
            (self.answered.load(Ordering::SeqCst) >= enough).then_some(())
        })
        .await
        .unwrap();
    }

    /// Ends the load; nothing of it may have failed. Gives the labels as they have to be.
    async fn end(self) -> BTreeMap<String, String> {
        self.over.store(true, Ordering::SeqCst);
        self.readers.join_all().await;
        let told = self.writers.join_all().await.into_iter().flatten().collect();
        let failures = self.failures.lock().unwrap();
        assert!(failures.is_empty(), "of {}: {failures:?}", self.answered.load(Ordering::SeqCst));
        told
    }
}

#[tokio::test]
async fn a_realm_is_upgraded_under_load_goes_back_by_a_node_and_keeps_the_old_program_out_at_the_end() {
    let _turn = TURN.lock().await;
    let mut site = Site::of_the_release_before().await;
    site.drain().await;
    let (old, new) = (site.old.clone(), site.new.clone());
    let balancer = site.balance().await;
    let client = https::client(Trust::Authority(&balancer.authority().unwrap())).unwrap();
    let direct = https::client(Trust::Anyone).unwrap();
    let load = Load::start(&client, &balancer.url(), &site.token);
    load.more(50).await;

    // The leader goes in the middle.
    let leader = site.leader().await;
    let mut order: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    order.insert(1, leader);
    for id in &order {
        site.change(*id, &new).await;
        load.more(50).await;
    }

    // One node goes back. It is named by everything that needs it to be new.
    let back = *order.last().unwrap();
    site.change(back, &old).await;
    load.more(50).await;
    let asked = order[0];
    let status = site.json(asked, &["upgrade", "status", "--json"]).await;
    assert_eq!(status["level"], 3);
    let obstacles = status["obstacles"].as_array().unwrap();
    assert!(obstacles.len() == 1 && obstacles[0].as_str().unwrap().contains(&format!("node {back} ")));
    let refusal = site.refusal(&new, asked, &["upgrade", "finalise"]).await;
    assert!(
        refusal.contains("PQ-UPGRADE-NOT-READY") && refusal.contains(&format!("node {back} ")),
        "{refusal}"
    );
    site.change(back, &new).await;
    load.more(50).await;

    let drill = json!({ "event": "begun", "drill": "kill-leader" });
    let edit = site.edit_of_the_next_level(&direct).await;
    let (code, problem) = site.post(&direct, "/config/changes", &edit).await;
    assert_eq!((code, problem["code"].as_str()), (409, Some("PQ-UPGRADE-UNFINISHED")), "{problem}");
    let finished = site.json(asked, &["upgrade", "finalize", "--json"]).await;
    assert_eq!(finished, json!({ "level": 4 }));
    let again = site.json(back, &["upgrade", "finalise", "--json"]).await;
    assert_eq!(again, json!({ "level": 4 }), "what is done already is not done again");
    let (code, problem) = site.post(&direct, "/config/changes", &edit).await;
    assert_eq!(code, 200, "{problem}");
    let (code, problem) = site.post(&direct, "/drills", &drill).await;
    assert_eq!(code, 204, "{problem}");
    load.more(50).await;

    let told = load.end().await;
    assert_eq!(told.len() as u64, WRITERS * LABELS);
    for (label, value) in told {
        let url = format!("{}/labels/{label}", site.realm.node(1).unwrap().api);
        let answer = direct.get(url).bearer_auth(&site.token).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), value, "{label}");
    }
    let raised = in_the_audit(&site, &direct).await;
    assert_eq!(
        raised,
        [
            json!({ "LevelRaised": 2 }),
            json!({ "LevelRaised": 3 }),
            json!({ "LevelRaised": 4 }),
            json!({ "DrillBegun": { "drill": "kill-leader" } })
        ]
    );

    keeps_the_old_program_out(&mut site, back).await;
    balancer.stop().await.unwrap();
    site.realm.stop().await.unwrap();
}

/// The events of the audit window that only the new level has.
async fn in_the_audit(site: &Site, client: &Client) -> Vec<Value> {
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let url = format!("{}/audit?after={after}&limit=1000", site.realm.node(1).unwrap().api);
        let page: Value =
            client.get(url).bearer_auth(&site.token).send().await.unwrap().json().await.unwrap();
        let records = page["records"].as_array().unwrap();
        let Some(last) = records.last() else { return found };
        after = last["seq"].as_u64().unwrap();
        let events = records.iter().map(|record| record["event"].clone());
        found.extend(events.filter(|event| {
            ["LevelRaised", "DrillBegun", "DrillEnded"].iter().any(|name| !event[name].is_null())
        }));
    }
}

/// The old program neither starts on a disk of the new level, nor joins, nor reads a backup; and harms nothing.
async fn keeps_the_old_program_out(site: &mut Site, id: u64) {
    let (old, new) = (site.old.clone(), site.new.clone());
    site.realm.terminate(id).await.unwrap();
    let refusal = site.refusal(&old, id, &["run"]).await;
    assert!(refusal.contains("storage format 4, this release knows up to 3"), "{refusal}");

    let asked = if id == 1 { 2 } else { 1 };
    let token = site.json(asked, &["token", "create", "--role", "voter", "--json"]).await;
    let server = site.realm.node(asked).unwrap().health.clone();
    let free = ports::block(2).unwrap();
    let (own, peers) = (format!("127.0.0.1:{free}"), format!("127.0.0.1:{}", free + 1));
    let token = token["token"].as_str().unwrap();
    let join = ["join", "--name", "late", "--site-address", &own, "--cluster-address", &peers];
    let join = [&join[..], &["--server", &server, "--token", token]].concat();
    let refusal = site.refusal(&old, 9, &join).await;
    assert!(refusal.contains("PQ-PROGRAM-TOO-OLD"), "{refusal}");
    site.ask(&new, 9, &join).await.unwrap();

    let (backup, key) = (site.folder.path().join("realm.backup"), site.folder.path().join("key"));
    let (backup, key) = (backup.to_str().unwrap(), key.to_str().unwrap());
    let recipient = site.ask(&new, asked, &["backup", "keygen", key]).await.unwrap();
    site.ask(&new, asked, &["backup", backup, "--recipient", recipient.trim()]).await.unwrap();
    let refusal = site.refusal(&old, asked, &["backup", "verify", backup, "--key", key]).await;
    assert!(refusal.contains("PQ-FILE-VERSION"), "{refusal}");
    site.ask(&new, asked, &["backup", "verify", backup, "--key", key]).await.unwrap();

    site.realm.restart(id).await.unwrap();
}
