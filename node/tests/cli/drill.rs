//! The drills, each on a cluster that it makes and leaves no trace of.

use crate::program::command;
use serde_json::Value;

/// Runs a drill to its end, and gives its report. Nothing of it may be left behind.
fn drill(name: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let ran =
        command().args(["drill", name, "--json"]).args(more).env("TMPDIR", folder.path()).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&ran.stdout));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name} leaves something behind");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["drill"], &report["ok"]), (&Value::from(name), &Value::from(true)), "{report}");
    assert_eq!((&report["nodes"], &report["live"]), (&Value::from(3), &Value::from(false)), "{report}");
    assert!(report["rto_ms"].as_u64().unwrap() > 0, "{report}");
    assert!(report["requests"].as_u64() > report["requests_failed"].as_u64(), "{report}");
    assert!(report["timeline"].as_array().unwrap().len() > 1, "{report}");
    report
}

/// What a timeline tells, in one line.
fn timeline(report: &Value) -> String {
    let notes = report["timeline"].as_array().unwrap().iter().map(|note| note["what"].as_str().unwrap());
    notes.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_leader_is_killed_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.json");
    let report = drill("kill-leader", &["--report", file.to_str().unwrap()]);
    assert_eq!(report["rpo_writes"], 0, "{report}");
    let kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept, report);
}

#[test]
fn a_backup_or_a_survivor_brings_the_realm_back() {
    drill("lose-quorum", &[]);
    let report = drill("restore-backup", &[]);
    // What was written between the backup and the loss.
    assert!(report["rpo_writes"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_site_in_the_perimeter_is_cut_off_and_says_so_while_the_voters_notice_nothing() {
    let report = drill("partition-dmz", &[]);
    assert_eq!((&report["requests_failed"], &report["rpo_writes"]), (&Value::from(0), &Value::from(0)));
    let measures = &report["measures"];
    assert!(measures["dmz_refused"].as_u64().unwrap() > 0, "{report}");
    assert!(measures["dmz_unavailable_ms"].as_u64().unwrap() > 0, "{report}");
    assert!(timeline(&report).ends_with("it has everything that it missed"), "{report}");
}

#[test]
fn a_leader_whose_disk_is_full_names_the_reason_and_comes_back() {
    let allowed = std::process::Command::new("unshare").args(["--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("this process may make no mount namespace, so there is no full disk to drill on");
        return;
    }
    let report = drill("full-disk", &[]);
    assert_eq!(report["rpo_writes"], 0, "{report}");
    assert!(timeline(&report).contains("PQ-DISK-FAILED"), "{report}");
}

#[test]
fn every_key_is_replaced_and_no_request_fails() {
    let report = drill("rotate-keys", &[]);
    assert_eq!((&report["requests_failed"], &report["rpo_writes"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(report["measures"]["key_generation"], 2, "{report}");
    let told = timeline(&report);
    for node in 1..=3 {
        assert!(told.contains(&format!("node {node} has a new certificate")), "{told}");
    }
    assert!(told.contains("every node seals under data key 2"), "{told}");
}

#[test]
fn each_node_is_upgraded_and_one_goes_back_and_no_request_fails() {
    let report = drill("rolling-upgrade", &["--earlier", env!("CARGO_BIN_EXE_passquorum")]);
    assert_eq!((&report["requests_failed"], &report["rpo_writes"]), (&Value::from(0), &Value::from(0)));
    let told = timeline(&report);
    for node in 1..=3 {
        assert!(told.contains(&format!("node {node} runs the new program")), "{told}");
    }
    assert!(told.contains("went back to the earlier program"), "{told}");
}

#[test]
fn a_drill_takes_no_directory_that_holds_something_and_no_option_of_another() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let dir = folder.path().to_str().unwrap();
    let wrong: [(&[&str], &str); 5] = [
        (&["kill-leader", "--dir", dir], "is not empty"),
        (&["kill-leader", "--earlier", "program"], "--earlier is for rolling-upgrade"),
        (&["kill-leader", "--nodes", "4"], "use 3 or 5"),
        (&["kill-leader", "--yes"], "--live"),
        (&["rolling-upgrade", "--earlier", "/nowhere/passquorum"], "/nowhere/passquorum: No such file"),
    ];
    for (arguments, why) in wrong {
        let ran = command().arg("drill").args(arguments).env("TMPDIR", dir).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}
