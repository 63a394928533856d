//! One realm of three real processes, through the whole of its life.

use crate::program::run;
use crate::realm::Realm;
use reqwest::Method;
use serde_json::Value;
use std::path::Path;

#[tokio::test]
async fn a_demonstration_realm_serves_survives_a_kill_keeps_its_secrets_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    let mut realm = Realm::start(&dir);

    let leader = status_is_the_same_on_every_node(&realm).await;
    pages_and_metrics_are_served(&realm).await;
    for id in 1..=3 {
        realm.put(id, &format!("by-{id}"), &format!("value {id}")).await;
    }
    for id in 1..=3 {
        for key in 1..=3 {
            assert_eq!(realm.get(id, &format!("by-{key}")).await, format!("value {key}"));
        }
    }
    configuration_is_exported_and_a_stale_import_refused(&realm, folder.path());
    tokens_work_once_and_only_in_their_realm(&realm, folder.path());

    realm.kill(leader);
    let other = leader % 3 + 1;
    realm.put(other, "after-the-kill", "acknowledged").await;
    realm.restart(leader).await;
    assert_eq!(realm.get(leader, "after-the-kill").await, "acknowledged");

    let secrets = secrets(&realm.line);
    assert_eq!(realm.stop(), 0);
    assert_eq!(found_in_files(&dir, &secrets), Vec::<String>::new());
    assert!(!found_in_files(&dir, &["acknowledged".to_owned()]).is_empty(), "what is there is found");

    let again = Realm::start(&dir);
    assert_eq!(again.get(other, "after-the-kill").await, "acknowledged");
    assert_eq!(again.stop(), 0);
}

async fn status_is_the_same_on_every_node(realm: &Realm) -> u64 {
    let mut leaders = Vec::new();
    for id in 1..=3 {
        let ran = run(&["status", "--json", "--dir", &realm.data_dir(id)]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let (code, over_https) = realm.ask(Method::GET, id, "/status", "").await;
        assert_eq!(code, 200);
        for text in [ran.out, over_https] {
            let status: Value = serde_json::from_str(&text).unwrap();
            assert!(status["term"].is_u64() && status["revision"].is_u64(), "{status}");
            let members = status["members"].as_array().unwrap();
            assert_eq!(members.len(), 3);
            for member in members {
                assert_eq!(member["role"], "voter");
                assert!(member["id"].is_u64(), "{member}");
                assert!(member.get("applied").is_some() && member.get("lag").is_some(), "{member}");
            }
            leaders.push(status["leader"].as_u64().unwrap());
        }
    }
    assert!(leaders.iter().all(|leader| *leader == leaders[0]), "{leaders:?}");
    leaders[0]
}

async fn pages_and_metrics_are_served(realm: &Realm) {
    for path in ["/live", "/ready", "/self-service/", "/static/passquorum.css"] {
        assert_eq!(realm.ask(Method::GET, 2, path, "").await.0, 200, "{path}");
    }
    let (_, metrics) = realm.ask(Method::GET, 2, "/metrics", "").await;
    for name in ["pq_raft_term ", "pq_raft_has_leader 1", "pq_ready 1", "pq_http_requests_total{"] {
        assert!(metrics.contains(name), "{name} not in {metrics}");
    }
}

fn configuration_is_exported_and_a_stale_import_refused(realm: &Realm, folder: &Path) {
    let (dir, file) = (realm.data_dir(1), folder.join("config.json"));
    let file = file.to_str().unwrap();
    assert_eq!(run(&["config", "export", "--dir", &dir, file]).code, 0);
    let imported = run(&["config", "import", "--dir", &dir, file]);
    assert_eq!((imported.code, imported.out.as_str()), (0, "the configuration is at revision 2 now\n"));
    let stale = run(&["config", "import", "--dir", &dir, file]);
    assert_eq!(stale.code, 1);
    assert!(stale.err.contains("PQ-STALE-REVISION"), "{}", stale.err);
}

fn tokens_work_once_and_only_in_their_realm(realm: &Realm, folder: &Path) {
    let created = run(&["token", "create", "--role", "dmz-learner", "--dir", &realm.data_dir(2)]);
    assert_eq!(created.code, 0, "{}", created.err);
    let token = created.out.trim();
    let join = |name: &str, token: &str| {
        run(&[
            "join",
            "--dir",
            folder.join(name).to_str().unwrap(),
            "--name",
            name,
            "--cluster-address",
            "127.0.0.1:9",
            "--site-address",
            "127.0.0.1:9",
            "--token",
            token,
            "--server",
            realm.node(3)["health"].as_str().unwrap(),
        ])
    };
    let (rest, _) = token.rsplit_once('.').unwrap();
    let other_pin = join("other-realm", &format!("{rest}.{}", "A".repeat(43)));
    assert_eq!(other_pin.code, 1);
    assert!(other_pin.err.contains("nothing was sent"), "{}", other_pin.err);
    let first = join("first", token);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("node 4 (dmz-learner)"), "{}", first.out);
    let second = join("second", token);
    assert_eq!(second.code, 1);
    assert!(second.err.contains("PQ-TOKEN-INVALID"), "{}", second.err);
    assert!(!folder.join("second").exists());
    let removed = run(&["node", "remove", "4", "--dir", &realm.data_dir(1)]);
    assert_eq!((removed.code, removed.out.as_str()), (0, "node 4 was removed\n"), "{}", removed.err);
}

/// Everything in the line that must be in no file: passwords, answers, and the token's secret.
fn secrets(line: &Value) -> Vec<String> {
    let accounts = line["accounts"].as_array().unwrap();
    let passwords = accounts.iter().map(|account| account["password"].as_str().unwrap().to_owned());
    let answers = accounts.iter().filter_map(|account| account["answers"].as_object());
    let answers =
        answers.flat_map(|answers| answers.values().map(|answer| answer.as_str().unwrap().to_owned()));
    let token = line["api_token"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    let secrets: Vec<String> = passwords.chain(answers).chain([token]).collect();
    assert!(secrets.len() > 6, "passwords, answers and a token");
    secrets
}

/// The files below a folder that hold one of the secrets, in any letter case.
fn found_in_files(folder: &Path, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut read = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                read += 1;
                let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).to_lowercase();
                let held = secrets.iter().filter(|secret| text.contains(&secret.to_lowercase()));
                found.extend(held.map(|secret| format!("{secret} in {}", entry.path().display())));
            }
        }
    }
    assert!(read > 20, "only {read} files were looked at");
    found
}
