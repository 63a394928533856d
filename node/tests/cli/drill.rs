//! The drills, each on a cluster that it makes and leaves no trace of.

use crate::program::command;
use serde_json::Value;

#[test]
fn each_drill_breaks_a_cluster_mends_it_and_loses_nothing_that_must_stay() {
    let folder = tempfile::tempdir().unwrap();
    for drill in ["kill-leader", "restore-backup", "lose-quorum"] {
        let ran = command().args(["drill", drill, "--json"]).env("TMPDIR", folder.path()).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{drill}: {said}");
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!((&report["drill"], &report["ok"]), (&Value::from(drill), &Value::from(true)), "{report}");
        assert!(report["rto_ms"].as_u64().unwrap() > 0, "{report}");
        assert!(report["requests"].as_u64() > report["requests_failed"].as_u64(), "{report}");
        let lost = report["rpo_writes"].as_u64().unwrap();
        match drill {
            "kill-leader" => assert_eq!(lost, 0, "{report}"),
            // What was written between the backup and the loss.
            "restore-backup" => assert!(lost > 0, "{report}"),
            _ => {}
        }
        assert!(report["timeline"].as_array().unwrap().len() > 1, "{report}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{drill} leaves something behind");
    }
}

#[test]
fn a_drill_takes_no_directory_that_holds_something() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let ran = command().args(["drill", "kill-leader", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(ran.status.code(), Some(64));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("is not empty"));
}
