//! Many profiles: brought in, moved to another attribute while nodes are killed, sealed anew, taken away.
//!
//! `PASSQUORUM_PROFILES` says how many, 200 without it.

use crate::World;
use passquorum_tests::rig::samba::BASE;
use passquorum_tests::wait;
use serde_json::{Value, json};
use std::cell::Cell;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Nodes that are killed in the middle of their work, one after another.
const KILLED: u64 = 3;
const QUESTIONS: [&str; 2] = passquorum_tests::rig::realm::QUESTIONS;

fn crowd() -> String {
    format!("OU=Crowd,{BASE}")
}

fn wanted() -> usize {
    std::env::var("PASSQUORUM_PROFILES").map_or(200, |count| count.parse().unwrap())
}

/// No task over all profiles takes longer.
fn limit() -> Duration {
    Duration::from_secs(120) + Duration::from_millis(250) * u32::try_from(wanted()).unwrap()
}

impl World {
    async fn holding(&self, filter: &str) -> usize {
        self.domain.accounts(&crowd(), filter).await.unwrap().len()
    }

    /// Runs a task over many profiles on a node, and gives what it says.
    async fn profiles(&self, via: u64, arguments: &[&str]) -> Value {
        let arguments = [&["profiles"], arguments, &["--json"]].concat();
        let told = self.realm.passquorum_within(limit(), via, &arguments).await.unwrap();
        serde_json::from_str(&told).unwrap()
    }

    /// Brings profiles in, and gives what it says, which is in any case that something is wrong with somebody.
    async fn import_in_part(&self, arguments: &[&str]) -> String {
        let arguments = [&["profiles", "import"], arguments].concat();
        self.realm.passquorum_within(limit(), 1, &arguments).await.unwrap_err().to_string()
    }

    /// Has a node open every profile, as it does when its person comes: none is missing, each one opens.
    async fn every_profile_opens(&self, via: u64) {
        let read = ["unregister", "--alias", "CORP", "--yes", "--below", &crowd(), "--dry-run"];
        let told = self.profiles(via, &read).await;
        let expected = json!({ "seen": wanted(), "changed": wanted(), "unchanged": 0, "failed": 0 });
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn profiles_are_brought_in_moved_while_nodes_are_killed_sealed_anew_and_taken_away() {
    let (wanted, begun) = (wanted(), Instant::now());
    let since = |what: &str| eprintln!("{:.1} s: {what}", begun.elapsed().as_secs_f64());
    let mut world = World::start().await;
    world.domain.crowd(wanted).await.unwrap();
    let scope = |config: &mut Value| {
        config["policies"][0]["scope"][0]["allowed_ous"].as_array_mut().unwrap().push(json!(crowd()));
    };
    world.reconfigure(1, scope).await;

    let file = world.dir.path().join("answers.csv");
    let mut csv = "user,question,answer\n".to_owned();
    for n in 1..=wanted {
        for (question, answer) in QUESTIONS.iter().zip(["Northside", "Rex"]) {
            writeln!(csv, "crowd{n},\"{question}\",{answer} {n}").unwrap();
        }
    }
    writeln!(csv, "nobody-has-this,\"{}\",x", QUESTIONS[0]).unwrap();
    std::fs::write(&file, &csv).unwrap();
    let path = file.display().to_string();
    since(&format!("{wanted} people are there"));
    // Nobody else may have failed, and neither the task itself.
    let of_one = format!("nothing could be done about 1 of {} people", wanted + 1);
    let failed = world.import_in_part(&[&path, "--dry-run"]).await;
    assert!(failed.contains("nobody-has-this: PQ-NOT-FOUND") && failed.contains(&of_one), "{failed}");
    assert_eq!(world.holding("(comment=*)").await, 0, "a dry run changes nothing");
    let failed = world.import_in_part(&[&path]).await;
    assert!(failed.contains(&of_one), "{failed}");
    assert_eq!(world.holding("(comment=pq2:*)").await, wanted);
    since("all profiles are brought in");
    std::fs::write(&file, csv.replace("nobody-has-this", "crowd1").replace(",x\n", ",Other\n")).unwrap();
    let repeated = world.import_in_part(&[&path]).await;
    assert!(repeated.contains("crowd1: PQ-BAD-INPUT"), "a question is answered twice: {repeated}");

    let count = ["policy", "users", "--json"];
    let counted = world.realm.passquorum_within(limit(), 2, &count).await.unwrap();
    let counted: Value = serde_json::from_str(&counted).unwrap();
    assert_eq!(counted["policies"][0]["registered"], wanted, "{counted}");
    assert!(counted["policies"][0]["users"].as_u64().unwrap() > wanted as u64, "{counted}");

    let attributes = |config: &mut Value| {
        config["connections"][0]["profile_attribute"] = json!("carLicense");
        config["connections"][0]["former_profile_attribute"] = json!("comment");
    };
    world.reconfigure(1, attributes).await;
    let (looks, reads) = (Cell::new(0), Cell::new(0));
    for round in 1..=KILLED {
        let (via, other, goal) = (round, round % KILLED + 1, wanted * round as usize / (KILLED as usize + 1));
        let migrate = ["profiles", "migrate", "--alias", "CORP"];
        let migration = world.realm.passquorum_within(limit(), via, &migrate);
        let watch = wait::until("a part of the profiles has moved", limit(), || async {
            // One entry is read as it is at one moment: whoever is missing had no profile just then.
            assert_eq!(world.holding("(|(comment=pq2:*)(carLicense=pq2:*))").await, wanted);
            looks.set(looks.get() + 1);
            (world.holding("(carLicense=pq2:*)").await >= goal).then_some(())
        });
        let read = async {
            loop {
                world.every_profile_opens(other).await;
                reads.set(reads.get() + 1);
            }
        };
        tokio::select! {
            told = migration => panic!("the migration ended before its node was killed: {told:?}"),
            reached = watch => reached.unwrap(),
            () = read => {}
        }
        world.realm.cluster.kill9(via).await.unwrap();
        let unmoved = world.holding("(comment=pq2:*)").await;
        assert!((1..wanted).contains(&unmoved), "{unmoved} of {wanted} are left after kill {round}");
        since(&format!("node {via} is killed, {unmoved} profiles are where they were"));
        world.every_profile_opens(other).await;
        reads.set(reads.get() + 1);
        world.realm.cluster.restart(via).await.unwrap();
    }
    let moved = world.profiles(1, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&moved["failed"], world.holding("(comment=*)").await), (&json!(0), 0), "{moved}");
    assert_eq!(world.holding("(carLicense=pq2:*)").await, wanted);
    let (looks, reads) = (looks.get(), reads.get());
    since(&format!("all have moved; looked {looks} times whether one is missing, opened all {reads} times"));
    let again = world.profiles(2, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(wanted)), "{again}");

    world.realm.passquorum(1, &["keys", "rotate"]).await.unwrap();
    wait::until("every node seals under the new key", limit(), || async {
        let keys = world.realm.passquorum(2, &["keys", "status", "--json"]).await.ok()?;
        let keys: Value = serde_json::from_str(&keys).ok()?;
        (keys["sealing"] == 2).then_some(())
    })
    .await
    .unwrap();
    let sealed = world.profiles(2, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&sealed["changed"], &sealed["failed"]), (&json!(wanted), &json!(0)), "{sealed}");

    since("all are sealed anew");
    let unregister = ["unregister", "--alias", "CORP", "--yes"];
    let one = world.profiles(3, &[&unregister[..], &["--user", "crowd1", "--user", "crowd2"]].concat()).await;
    assert_eq!((&one["changed"], world.holding("(carLicense=*)").await), (&json!(2), wanted - 2), "{one}");
    let rest = world.profiles(3, &[&unregister[..], &["--below", &crowd()]].concat()).await;
    assert_eq!((&rest["changed"], world.holding("(carLicense=*)").await), (&json!(wanted - 2), 0), "{rest}");
    since("all are taken away");
    world.stop().await;
}
