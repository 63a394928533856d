//! Drills on a living realm: what is safe there, what is refused, and how they end when they must.

use crate::program::{Ran, command, run};
use crate::realm::Realm;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a drill against the node whose data directory this is.
fn drill(name: &str, dir: &str, more: &[&str]) -> Ran {
    run(&[&["drill", name, "--live", "--json", "--dir", dir], more].concat())
}

/// A realm whose members have asked one another, so that it is known to be sound.
async fn sound(folder: &std::path::Path) -> Realm {
    let realm = Realm::start(&folder.join("d"));
    for id in 1..=3 {
        until(&format!("node {id} knows of all"), || async {
            let ran = run(&["status", "--json", "--dir", &realm.data_dir(id)]);
            let status: Value = serde_json::from_str(&ran.out).ok()?;
            let members = status["members"].as_array()?;
            members.iter().all(|member| member["answers"] == true && member["lag"].is_u64()).then_some(())
        })
        .await;
    }
    realm
}

async fn until<F: Future<Output = Option<()>>>(what: &str, mut ask: impl FnMut() -> F) {
    let end = Instant::now() + DEADLINE;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while ask().await.is_none() {
        assert!(Instant::now() < end, "not in time: {what}");
        pace.tick().await;
    }
}

/// How many labels there are in the realm.
fn labels(folder: &std::path::Path, dir: &str) -> u64 {
    let file = folder.join("count.backup");
    let ran = run(&[
        "backup",
        file.to_str().unwrap(),
        "--json",
        "--passphrase-file",
        &passphrase(folder),
        "--dir",
        dir,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    std::fs::remove_file(&file).unwrap();
    let described: Value = serde_json::from_str(&ran.out).unwrap();
    described["sections"]["labels"]["records"].as_u64().unwrap_or(0)
}

fn passphrase(folder: &std::path::Path) -> String {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = folder.join("passphrase");
    let mut options = std::fs::OpenOptions::new();
    let mut open = options.create(true).truncate(true).write(true).mode(0o600).open(&file).unwrap();
    std::io::Write::write_all(&mut open, b"a passphrase that is long enough for a backup").unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_living_realm_is_rehearsed_on_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let realm = sound(folder.path()).await;
    let dir = realm.data_dir(2);
    realm.put(1, "mine", "stays").await;

    for (name, why) in [
        ("lose-quorum", "what only they have is lost"),
        ("full-disk", "other programs use"),
        ("partition-dmz", "take the Self-Service site"),
        ("rolling-upgrade", "one host's program cannot"),
    ] {
        let ran = drill(name, &dir, &["--yes"]);
        assert_eq!(ran.code, 64, "{name}: {}", ran.err);
        assert!(ran.err.contains(why), "{name}: {}", ran.err);
    }
    let unconfirmed = drill("kill-leader", &dir, &[]);
    assert_eq!(unconfirmed.code, 64, "{}", unconfirmed.err);
    assert!(unconfirmed.err.contains("nothing was changed; confirm with --yes"), "{}", unconfirmed.err);

    // Another drill goes on, as its mark says.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let mark = |until: u64| json!({ "drill": "rotate-keys", "node": 3, "until": until }).to_string();
    realm.put(1, "drill", &mark(now + 600_000)).await;
    let second = drill("kill-leader", &dir, &["--yes"]);
    assert_eq!(second.code, 2, "{}", second.err);
    assert!(second.err.contains("drill rotate-keys was begun on node 3"), "{}", second.err);
    // That one was cut off long ago.
    realm.put(1, "drill", &mark(now - 1)).await;

    for (name, note) in [
        ("kill-leader", "leads again"),
        ("rotate-keys", "everything is sealed under data key 2"),
        ("restore-backup", "it is compared with the realm"),
    ] {
        let ran = drill(name, &dir, &["--yes"]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.err, ran.out);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (&report["ok"], &report["live"], &report["rpo_writes"]),
            (&json!(true), &json!(true), &json!(0))
        );
        assert!(report["timeline"].to_string().contains(note), "{report}");
        assert!(!report["remarks"].to_string().contains("not in the audit"), "{report}");
        assert_eq!(labels(folder.path(), &dir), 1, "{name} leaves labels behind");
    }
    let kept = std::fs::read_dir(format!("{dir}/drills")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut kept: Vec<_> = kept.map(|name| name.into_string().unwrap()).collect();
    kept.sort();
    let drills: Vec<_> = kept.iter().map(|name| name.split_once("Z-").unwrap().1).collect();
    assert_eq!(drills, ["kill-leader.json", "rotate-keys.json", "restore-backup.json"], "{kept:?}");

    let audit = realm.ask(Method::GET, 1, "/api/v1/audit?limit=1000", "").await.1;
    for event in ["DrillBegun", "DrillEnded"] {
        assert_eq!(audit.matches(event).count(), 3, "{event}: {audit}");
    }

    // A realm that is short of a voter is left alone.
    realm.kill(3);
    until("node 3 is missed", || async {
        run(&["status", "--dir", &dir]).out.contains("does not answer").then_some(())
    })
    .await;
    let short = drill("kill-leader", &dir, &["--yes"]);
    assert_eq!(short.code, 2, "{}", short.err);
    assert!(short.err.contains("nothing was done") && short.err.contains("does not answer"), "{}", short.err);
    assert_eq!(realm.get(2, "mine").await, "stays");
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn a_drill_on_a_realm_that_stops_acknowledging_gives_up_mends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut realm = sound(folder.path()).await;
    let dir = realm.data_dir(1);
    let mut child = command()
        .args(["drill", "kill-leader", "--live", "--yes", "--json", "--abort-after", "1s", "--dir", &dir])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the drill begins", || async {
        (realm.ask(Method::GET, 1, "/api/v1/labels/drill", "").await.0 == 200).then_some(())
    })
    .await;
    realm.kill(2);
    realm.kill(3);
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("given up: ")), "it does not give up");
    realm.restart(2).await;
    let ran = child.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["ok"], &report["rpo_writes"]), (&json!(false), &json!(0)), "{report}");
    assert!(report["faults"][0].as_str().unwrap().starts_with("given up"), "{report}");
    assert!(report["timeline"].to_string().contains("writes are acknowledged"), "{report}");
    assert_eq!(labels(folder.path(), &dir), 0, "labels are left behind: {report}");
    realm.kill_again();
    assert_eq!(realm.stop(), 0);
}
