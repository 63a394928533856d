//! What a real node does on a disk that is full, old or damaged.

use crate::program::{Ran, run};
use crate::realm::Realm;
use reqwest::Method;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A file system of its own below a test's folder; gone with it.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size},mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|ran| ran.status.success()).then(|| Self(at.to_owned()))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Runs a node that must end by itself, and says how.
fn run_to_its_end(realm: &Realm, id: u64) -> Ran {
    run(&["run", "--dir", &realm.data_dir(id)])
}

/// The end of the log of a node that the demonstration started, once the node has ended.
async fn last_words(realm: &Realm, id: u64) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while realm.is_running(id) {
        pace.tick().await;
        assert!(Instant::now() < end, "node {id} does not end");
    }
    std::fs::read_to_string(realm.dir.join(format!("node-{id}.log"))).unwrap()
}

#[tokio::test]
async fn a_node_whose_disk_is_full_stops_says_so_and_has_everything_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    let Some(disk) = SmallDisk::mount(&dir.join("node-2"), "12m") else {
        eprintln!("this process may not mount a file system, so there is no full disk to test on");
        return;
    };
    let mut realm = Realm::start(&dir);
    let value = "x".repeat(60_000);
    let mut written = 0;
    while realm.is_running(2) {
        assert!(written < 1000, "the disk does not get full");
        realm.put(1, &format!("label-{}", written % 20), &format!("{written} {value}")).await;
        written += 1;
    }
    let said = last_words(&realm, 2).await;
    assert!(said.contains("PQ-DISK-FAILED"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    realm.put(3, "after", "acknowledged").await;

    let again = run_to_its_end(&realm, 2);
    assert_eq!(again.code, 2, "{}", again.err);
    assert!(again.err.contains("PQ-DISK-FAILED"), "{}", again.err);

    disk.resize("200m");
    realm.restart(2).await;
    assert_eq!(realm.get(2, "after").await, "acknowledged");
    for number in written - 20..written {
        let text = realm.get(2, &format!("label-{}", number % 20)).await;
        assert!(text.starts_with(&format!("{number} ")), "{}", &text[..20]);
    }
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn an_old_copy_of_a_data_directory_is_refused_and_the_realm_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    let mut realm = Realm::start(&dir);
    let (data, old) = (PathBuf::from(realm.data_dir(2)), folder.path().join("old"));
    realm.put(1, "before", "1").await;
    realm.kill(2);
    last_words(&realm, 2).await;
    copy(&data, &old);
    realm.restart(2).await;
    realm.put(1, "while-it-ran", "1").await;
    realm.kill_again();
    std::fs::rename(&data, folder.path().join("newest")).unwrap();
    copy(&old, &data);

    for _ in 0..2 {
        let refused = run_to_its_end(&realm, 2);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(refused.err.contains("PQ-OLD-DISK"), "{}", refused.err);
    }
    realm.put(3, "after", "1").await;
    assert_eq!(realm.get(1, "while-it-ran").await, "1");
    let (_, metrics) = realm.ask(Method::GET, 1, "/metrics", "").await;
    assert!(metrics.contains("pq_clock_fit 1"), "{metrics}");
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn damage_of_any_stored_file_is_named_at_start_and_nothing_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    let mut realm = Realm::start(&dir);
    for number in 0..30 {
        realm.put(1, &format!("label-{number}"), &"x".repeat(3000)).await;
    }
    realm.kill(2);
    last_words(&realm, 2).await;
    let (data, good) = (PathBuf::from(realm.data_dir(2)), folder.path().join("good"));
    copy(&data, &good);
    for (file, code) in [
        ("store/raft/db", "PQ-CORRUPT"),
        ("store/raft/mark", "PQ-CORRUPT"),
        ("store/FORMAT", "PQ-CORRUPT"),
        ("keys/node.key", "keys"),
        ("node.toml", "node.toml"),
    ] {
        let path = data.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.len() / 3;
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let ran = run_to_its_end(&realm, 2);
        assert_eq!(ran.code, 1, "{file}: {}", ran.err);
        assert!(ran.err.contains(code), "{file}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{file}: {}", ran.err);
        std::fs::remove_dir_all(&data).unwrap();
        copy(&good, &data);
    }
    realm.restart(2).await;
    assert_eq!(realm.get(2, "label-29").await.len(), 3000);
    assert_eq!(realm.stop(), 0);
}
