//! Real faults on real nodes, each in a short form: the tool of the long runs is started as an operator starts it, and
//! its line is judged. `RELIABILITY.md` has the long runs.
//!
//! The tests take turns, since each needs the machine's two cores for elections to be about faults and not about load.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, where a panic is a failed test"
)]

use passquorum_tests::faults::verdict::LINEARIZABLE;
use passquorum_tests::rig::process;
use passquorum_tests::wait;
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::Mutex;

static TURN: Mutex<()> = Mutex::const_new(());
const SHORT: &str = "3";
const LIMIT: Duration = Duration::from_secs(60);

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faults"));
    command.args(["--seconds", SHORT, "--json", "--fault"]).kill_on_drop(true);
    command
}

/// What is wrong with the words of a report is seen by whoever reads the failed test.
async fn passes(fault: &str) -> Value {
    let _turn = TURN.lock().await;
    let output = tool().arg(fault).output().await.unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&report["fault"], &report["checker"]), (&Value::from(fault), &Value::from(LINEARIZABLE)));
    assert!(report["operations"].as_u64().unwrap() > 20, "{report}");
    report
}

fn notes(report: &Value) -> String {
    report["notes"].to_string()
}

macro_rules! passes {
    ($($test:ident: $fault:literal,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                passes($fault).await;
            }
        )*
    };
}

passes! {
    leaders_killed_one_after_another: "kill-leader",
    a_follower_killed: "kill-follower",
    all_nodes_killed_at_once: "kill-all",
    a_majority_killed: "kill-majority",
    a_leader_frozen_past_its_election: "pause-leader",
    a_leader_cut_off: "partition-leader",
    a_minority_cut_off: "partition-minority",
    a_leader_cut_off_from_one_follower: "partition-pair",
    a_leader_that_hears_nobody: "deaf-leader",
    a_leader_that_nobody_hears: "mute-leader",
    a_slow_network: "slow-network",
    a_lossy_network: "lossy-network",
    a_full_disk: "full-disk",
    a_leader_with_a_wrong_clock: "wrong-clock",
}

#[tokio::test]
async fn a_truncated_log_is_named_at_the_start() {
    let report = passes("truncated-log").await;
    assert!(notes(&report).contains("refused to start: corrupt"), "{report}");
}

#[tokio::test]
async fn a_flipped_bit_of_the_log_is_named_at_the_start() {
    let report = passes("flipped-log").await;
    assert!(notes(&report).contains("refused to start: corrupt"), "{report}");
}

#[tokio::test]
async fn an_old_disk_is_named_at_the_start() {
    let report = passes("old-disk").await;
    assert!(notes(&report).contains("PQ-OLD-DISK"), "{report}");
}

#[tokio::test]
async fn a_fault_that_does_not_exist_is_refused_and_those_that_do_are_named() {
    let output = tool().arg("flood").output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("partition-minority"));
}

#[tokio::test]
async fn nothing_is_left_of_a_run_that_is_interrupted() {
    let _turn = TURN.lock().await;
    let mut run = tool().arg("kill-all").stdout(Stdio::null()).spawn().unwrap();
    let pid = run.id().unwrap().cast_signed();
    let dir = std::env::temp_dir().join(format!("passquorum-faults-{pid}"));
    // The first node names its directory in its arguments, which are seen from outside too.
    let node = dir.join("node-1");
    wait::until("a node runs", LIMIT, || async { (!process::naming(&node).is_empty()).then_some(()) })
        .await
        .unwrap();
    process::signal(pid, rustix::process::Signal::INT);
    assert!(!run.wait().await.unwrap().success());
    process::none_left(&dir).await.unwrap();
    assert!(!dir.exists());
}
