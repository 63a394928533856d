//! What an operator has when nodes are lost: a backup that is checked, and a survivor that becomes the realm again.

use crate::program::{Ran, run, run_with_input};
use crate::realm::Realm;
use reqwest::Method;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

const PASSPHRASE: &str = "planted correct horse battery staple";
const DEADLINE: Duration = Duration::from_secs(60);

fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn done(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.out))
}

fn refused(ran: &Ran, word: &str) {
    assert_ne!(ran.code, 0, "{}", ran.out);
    assert!(ran.err.contains(word), "{word}: {}", ran.err);
}

#[tokio::test]
async fn a_backup_is_sealed_whole_audited_and_what_is_wrong_with_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let realm = Realm::start(&folder.path().join("d"));
    let planted = "a value that stands in clear on disks only";
    for number in 0..40 {
        realm.put(1, &format!("label-{number}"), &format!("{planted} {number}")).await;
    }
    let dir = realm.data_dir(2);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (right, wrong) = (
        secret(folder.path(), "right", &format!("{PASSPHRASE}\nsecond line\n")),
        secret(folder.path(), "wrong", "planted wrong horse battery staple"),
    );
    let file = path("one.backup");
    let taken = done(&run(&["backup", &file, "--passphrase-file", &right, "--json", "--dir", &dir]));
    assert_eq!(taken["sections"]["labels"]["records"], 40, "{taken}");
    assert!(!std::fs::read(&file).unwrap().windows(20).any(|bytes| bytes == &planted.as_bytes()[..20]));
    let again = run(&["backup", &file, "--passphrase-file", &right, "--dir", &dir]);
    refused(&again, "is there already");

    let verify =
        |file: &str, secret: &str| run(&["backup", "verify", file, "--passphrase-file", secret, "--json"]);
    assert_eq!(done(&verify(&file, &right))["sections"], taken["sections"]);
    refused(&verify(&file, &wrong), "PQ-FILE-KEY");
    let bytes = std::fs::read(&file).unwrap();
    let (cut, flipped, other) = (path("cut"), path("flipped"), path("other"));
    std::fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    std::fs::write(&flipped, changed).unwrap();
    std::fs::write(&other, "something else").unwrap();
    refused(&verify(&cut, &right), "PQ-FILE-DAMAGED");
    refused(&verify(&flipped, &right), "PQ-FILE-DAMAGED");
    refused(&verify(&other, &right), "PQ-FILE-VERSION");

    let key = path("backup.key");
    let recipient = run(&["backup", "keygen", &key]).out.trim().to_owned();
    let to_key = path("two.backup");
    let made = run(&["backup", &to_key, "--recipient", &recipient, "--dir", &dir]);
    assert_eq!(made.code, 0, "{}", made.err);
    done(&run(&["backup", "verify", &to_key, "--key", &key, "--json"]));
    refused(&verify(&to_key, &right), "PQ-FILE-KEY");

    let generated = run(&["backup", &path("three.backup"), "--dir", &dir]);
    assert_eq!(generated.code, 0, "{}", generated.err);
    let shown = generated.err.lines().find(|line| line.starts_with("    ")).unwrap().trim();
    let shown = secret(folder.path(), "shown", shown);
    done(&verify(&path("three.backup"), &shown));
    assert_eq!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".new") })
            .count(),
        0,
        "nothing unfinished is left"
    );

    let (_, audit) = realm.ask(Method::GET, 3, "/api/v1/audit?limit=1000", "").await;
    assert_eq!(audit.matches("BackupBegun").count(), 3, "{audit}");
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn a_survivor_becomes_the_realm_again_and_those_that_come_back_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut realm = Realm::start(&folder.path().join("d"));
    for number in 0..40 {
        realm.put(1, &format!("label-{number}"), &format!("value {number}")).await;
    }
    let (_, config) = realm.ask(Method::GET, 1, "/api/v1/config", "").await;
    // Node 3 ends first, so that it has less than the others.
    realm.kill_and_wait(3);
    realm.put(1, "late", "acknowledged").await;
    let (one, three) = (realm.data_dir(1), realm.data_dir(3));
    refused(&run(&["recover", "--yes-i-accept-data-loss", "--dir", &one]), "running");
    realm.kill_and_wait(2);
    realm.kill_and_wait(1);

    let looked = run(&["recover", "--dir", &one]);
    assert_eq!(looked.code, 64, "{}", looked.err);
    assert!(looked.err.contains("log index") && looked.err.contains("node 2"), "{}", looked.err);
    let worse = run(&["recover", "--yes-i-accept-data-loss", "--dir", &three, "--compare", &one]);
    refused(&worse, "has more of the log");
    let recover = ["recover", "--yes-i-accept-data-loss", "--dir", &one, "--compare", &three, "--json"];
    let recovered = done(&run(&recover));
    assert!(Path::new(recovered["kept"].as_str().unwrap()).join("store").is_dir(), "{recovered}");

    realm.restart(1).await;
    let status = done(&run(&["status", "--json", "--dir", &one]));
    assert_eq!(status["members"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(realm.get(1, "late").await, "acknowledged");
    for number in 0..40 {
        assert_eq!(realm.get(1, &format!("label-{number}")).await, format!("value {number}"));
    }
    assert_eq!(realm.ask(Method::GET, 1, "/api/v1/config", "").await.1, config);
    let (_, audit) = realm.ask(Method::GET, 1, "/api/v1/audit?limit=1000", "").await;
    assert!(audit.contains("RealmRecovered"), "{audit}");

    realm.launch(2);
    realm.log_says(1, "a peer is refused").await;
    let said = std::fs::read_to_string(realm.log_again(1)).unwrap();
    assert!(said.contains("/1/node/2/voter"), "{said}");
    realm.put(1, "after", "acknowledged").await;
    let status = done(&run(&["status", "--json", "--dir", &one]));
    assert_eq!(status["members"].as_array().unwrap().len(), 1, "{status}");
    let zombie = done(&run(&["status", "--json", "--dir", &realm.data_dir(2)]));
    assert_eq!(zombie["quorum"], false, "{zombie}");
    realm.kill_again();
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn one_backup_is_made_at_a_time_and_a_reader_that_leaves_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let realm = Realm::start(&folder.path().join("d"));
    let value = "x".repeat(60_000);
    for number in 0..200 {
        realm.put(1, &format!("label-{number}"), &value).await;
    }
    let recipient = run(&["backup", "keygen", folder.path().join("key").to_str().unwrap()]).out;
    let body = serde_json::json!({ "recipient": recipient.trim() }).to_string();
    let unread = realm.send(Method::POST, 2, "/api/v1/backups", &body).await;
    assert_eq!(unread.status().as_u16(), 200);
    let (status, busy) = realm.ask(Method::POST, 2, "/api/v1/backups", &body).await;
    assert_eq!(status, 503, "{busy}");
    assert!(busy.contains("PQ-BUSY"), "{busy}");
    realm.put(2, "meanwhile", "1").await;
    drop(unread);
    let end = Instant::now() + DEADLINE;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while realm.send(Method::POST, 2, "/api/v1/backups", &body).await.status().as_u16() != 200 {
        pace.tick().await;
        assert!(Instant::now() < end, "the place is never free again");
    }
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn a_configuration_goes_to_another_realm_with_its_passwords_and_only_for_whom_it_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (
        Realm::start(&folder.path().join("here")),
        Realm::start_with(&folder.path().join("there"), &["--nodes", "1"]),
    );
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let authority = here.line["authority"].as_str().unwrap();
    let set = [
        "connection",
        "set",
        "--alias",
        "CORP",
        "--server",
        "ldaps://dc1.corp.example",
        "--base",
        "DC=corp,DC=example",
        "--authorities",
        authority,
        "--bind-name",
        "svc@corp.example",
        "--dir",
    ];
    let ran = run_with_input(&[set.as_slice(), &[&here.data_dir(1)]].concat(), "planted-Passw0rd");
    assert_eq!(ran.code, 0, "{}", ran.err);

    let (file, pass) = (path("realm.config"), secret(folder.path(), "pass", PASSPHRASE));
    let export = run(&[
        "config",
        "export",
        "--portable",
        &file,
        "--passphrase-file",
        &pass,
        "--dir",
        &here.data_dir(1),
    ]);
    assert_eq!(export.code, 0, "{}", export.err);
    assert!(!std::fs::read(&file).unwrap().windows(16).any(|bytes| bytes == b"planted-Passw0rd"));
    let wrong = secret(folder.path(), "wrong", "planted wrong horse battery staple");
    let import = |pass: &str| {
        run(&[
            "config",
            "import",
            "--portable",
            &file,
            "--passphrase-file",
            pass,
            "--dir",
            &there.data_dir(1),
        ])
    };
    refused(&import(&wrong), "PQ-FILE-KEY");
    let ran = import(&pass);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let config = |realm: &Realm| -> Value {
        serde_json::from_str(&run(&["config", "show", "--dir", &realm.data_dir(1)]).out).unwrap()
    };
    let (mut one, mut other) = (config(&here), config(&there));
    assert_eq!(one["policies"], other["policies"]);
    let sealed = |config: &mut Value| config["connections"][1]["endpoint"]["Ldaps"]["bind_password"].take();
    let (ours, theirs) = (sealed(&mut one), sealed(&mut other));
    assert!(ours != theirs && !theirs.is_null(), "sealed anew");
    assert_eq!(one["connections"], other["connections"]);
    let backup = run(&["backup", "verify", &file, "--passphrase-file", &pass]);
    refused(&backup, "PQ-FILE-VERSION");
    assert_eq!((here.stop(), there.stop()), (0, 0));
}

impl Realm {
    /// Kills a node, and waits until it has let its directory go.
    fn kill_and_wait(&self, id: u64) {
        self.kill(id);
        File::open(Path::new(&self.data_dir(id)).join("node.pid")).unwrap().lock_shared().unwrap();
    }

    async fn log_says(&self, id: u64, words: &str) {
        let end = Instant::now() + DEADLINE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while !std::fs::read_to_string(self.log_again(id)).unwrap().contains(words) {
            pace.tick().await;
            assert!(Instant::now() < end, "node {id} does not say: {words}");
        }
    }
}
