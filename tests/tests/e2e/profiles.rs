//! Many profiles: brought in, moved to another attribute while nodes are killed, sealed anew, taken away.
//!
//! `PASSQUORUM_PROFILES` says how many, 200 without it.

use crate::World;
use passquorum_tests::rig::samba::BASE;
use passquorum_tests::wait;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(600);
/// Nodes that are killed in the middle of their work, one after another.
const KILLED: u64 = 3;
const QUESTIONS: [&str; 2] = passquorum_tests::rig::realm::QUESTIONS;

fn crowd() -> String {
    format!("OU=Crowd,{BASE}")
}

impl World {
    async fn holding(&self, filter: &str) -> usize {
        self.domain.accounts(&crowd(), filter).await.unwrap().len()
    }

    /// Runs a task over many profiles on a node, and gives what it says.
    async fn profiles(&self, via: u64, arguments: &[&str]) -> Value {
        let told =
            self.realm.passquorum(via, &[&["profiles"], arguments, &["--json"]].concat()).await.unwrap();
        serde_json::from_str(&told).unwrap()
    }
}

#[tokio::test]
async fn profiles_are_brought_in_moved_while_nodes_are_killed_sealed_anew_and_taken_away() {
    let wanted = std::env::var("PASSQUORUM_PROFILES").map_or(200, |count| count.parse::<usize>().unwrap());
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
    let failed = world.realm.passquorum(1, &["profiles", "import", &path, "--dry-run"]).await.unwrap_err();
    let failed = failed.to_string();
    assert!(failed.contains("nobody-has-this: PQ-NOT-FOUND"), "{failed}");
    assert_eq!(world.holding("(comment=*)").await, 0, "a dry run changes nothing");
    world.realm.passquorum(1, &["profiles", "import", &path]).await.unwrap_err();
    assert_eq!(world.holding("(comment=pq2:*)").await, wanted);
    std::fs::write(&file, csv.replace("nobody-has-this", "crowd1").replace(",x\n", ",Other\n")).unwrap();
    let repeated = world.realm.passquorum(1, &["profiles", "import", &path]).await.unwrap_err().to_string();
    assert!(repeated.contains("crowd1: PQ-BAD-INPUT"), "a question is answered twice: {repeated}");

    let counted = world.realm.passquorum(2, &["policy", "users", "--json"]).await.unwrap();
    let counted: Value = serde_json::from_str(&counted).unwrap();
    assert_eq!(counted["policies"][0]["registered"], wanted, "{counted}");
    assert!(counted["policies"][0]["users"].as_u64().unwrap() > wanted as u64, "{counted}");

    let attributes = |config: &mut Value| {
        config["connections"][0]["profile_attribute"] = json!("carLicense");
        config["connections"][0]["former_profile_attribute"] = json!("comment");
    };
    world.reconfigure(1, attributes).await;
    for round in 1..=KILLED {
        let (via, goal) = (round, wanted * round as usize / (KILLED as usize + 1));
        let migration = world.realm.passquorum(via, &["profiles", "migrate", "--alias", "CORP"]);
        let watch = wait::until("a part of the profiles has moved", LONG, || async {
            // One entry is read as it is at one moment: whoever is missing had no profile just then.
            assert_eq!(world.holding("(|(comment=pq2:*)(carLicense=pq2:*))").await, wanted);
            (world.holding("(carLicense=pq2:*)").await >= goal).then_some(())
        });
        tokio::select! {
            told = migration => panic!("the migration ended before its node was killed: {told:?}"),
            reached = watch => reached.unwrap(),
        }
        world.realm.cluster.kill9(via).await.unwrap();
        let unmoved = world.holding("(comment=pq2:*)").await;
        assert!((1..wanted).contains(&unmoved), "{unmoved} of {wanted} are left after kill {round}");
        world.realm.cluster.restart(via).await.unwrap();
    }
    let moved = world.profiles(1, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&moved["failed"], world.holding("(comment=*)").await), (&json!(0), 0), "{moved}");
    assert_eq!(world.holding("(carLicense=pq2:*)").await, wanted);
    let again = world.profiles(2, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(wanted)), "{again}");

    world.realm.passquorum(1, &["keys", "rotate"]).await.unwrap();
    wait::until("every node seals under the new key", LONG, || async {
        let keys = world.realm.passquorum(2, &["keys", "status", "--json"]).await.ok()?;
        let keys: Value = serde_json::from_str(&keys).ok()?;
        (keys["sealing"] == 2).then_some(())
    })
    .await
    .unwrap();
    let sealed = world.profiles(2, &["migrate", "--alias", "CORP"]).await;
    assert_eq!((&sealed["changed"], &sealed["failed"]), (&json!(wanted), &json!(0)), "{sealed}");

    let unregister = ["unregister", "--alias", "CORP", "--yes"];
    let one = world.profiles(3, &[&unregister[..], &["--user", "crowd1", "--user", "crowd2"]].concat()).await;
    assert_eq!((&one["changed"], world.holding("(carLicense=*)").await), (&json!(2), wanted - 2), "{one}");
    let rest = world.profiles(3, &[&unregister[..], &["--below", &crowd()]].concat()).await;
    assert_eq!((&rest["changed"], world.holding("(carLicense=*)").await), (&json!(wanted - 2), 0), "{rest}");
    world.stop().await;
}
