//! Certificates and the data key are replaced while people and programs use the realm, and none of them notices.

use crate::World;
use crate::visitor::Visitor;
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::wait;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const ANSWERS: [&str; 2] = ["Sycamore Street", "Bartholomew"];
/// How often everything is replaced under load.
const TIMES: u64 = 3;

/// Steady work until the word to stop. Whatever fails ends the test.
struct Load<'a> {
    world: &'a World,
    enough: &'a AtomicBool,
}

impl Load<'_> {
    fn goes_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }

    /// A program that writes on one node and reads on the next, over connections that stay open and over new ones.
    async fn program(&self) -> u64 {
        let authority = std::fs::read(self.world.realm.authority()).unwrap();
        let lasting = https::client(Trust::Authority(&authority)).unwrap();
        let mut done = 0;
        while self.goes_on() {
            let fresh = https::client(Trust::Authority(&authority)).unwrap();
            for node in 1..=3 {
                for client in [&lasting, &fresh] {
                    done += 1;
                    self.label(client, node, done).await;
                }
            }
        }
        done
    }

    async fn label(&self, client: &Client, node: u64, value: u64) {
        let url = |node| format!("{}/labels/load", self.world.realm.cluster.node(node).unwrap().api);
        let token = &self.world.realm.api_token;
        let write = client.put(url(node)).bearer_auth(token).body(value.to_string());
        assert_eq!(write.send().await.unwrap().status(), StatusCode::OK, "write {value} on {node}");
        let next = node % 3 + 1;
        let read = client.get(url(next)).bearer_auth(token).send().await.unwrap();
        assert_eq!(read.status(), StatusCode::OK, "read {value} on {next}");
        assert_eq!(read.text().await.unwrap(), value.to_string());
    }

    /// A person who forgets the password over and over, and takes each step on another node.
    async fn person(&self, name: &str) -> u64 {
        let mut done = 0;
        while self.goes_on() {
            let node = |step: u64| self.world.base((done + step) % 3 + 1);
            let mut visitor = Visitor::new();
            let status = visitor.identify(&node(0), "forgot-password", name).await;
            assert!(status.is_success(), "{status}: {}", visitor.page());
            let status = visitor.answer(&node(1), ANSWERS).await;
            assert!(
                status.is_success() && visitor.page().contains("Choose a new password"),
                "{}",
                visitor.page()
            );
            let password = format!("Fresh-Passphrase-{done}");
            let fields = [("new", &*password), ("confirm", &*password)];
            let status = visitor.step(&node(2), &fields).await;
            let changed = visitor.page().contains("Your password is changed");
            assert!(status.is_success() && changed, "{status}: {}", visitor.page());
            assert!(self.world.domain.bind_works(name, &password).await.unwrap());
            done += 1;
        }
        done
    }

    /// An administrator who signed in before all that, and looks at one node after another.
    async fn administrator(&self, visitor: &mut Visitor) -> u64 {
        let mut done = 0;
        while self.goes_on() {
            done += 1;
            let status = visitor.open(&self.world.base(done % 3 + 1), "/admin/audit").await;
            assert!(status.is_success() && visitor.page().contains("Audit"), "{status}: {}", visitor.page());
        }
        done
    }
}

async fn keys(world: &World, ask: u64) -> Option<Value> {
    let shown = world.realm.passquorum(ask, &["keys", "status", "--json"]).await.ok()?;
    serde_json::from_str(&shown).ok()
}

/// Waits until the realm seals under a key, and everything that can be sealed anew is.
async fn rotated_to(world: &World, ask: u64, generation: u64) -> Value {
    wait::until(&format!("everything is sealed under key {generation}"), LONG, || async {
        let keys = keys(world, ask).await?;
        let uses = keys["uses"].as_object()?;
        let left = uses.iter().any(|(of, uses)| *of != generation.to_string() && uses["to_reseal"] != 0);
        (keys["sealing"] == generation && keys["next"].is_null() && !left).then_some(keys)
    })
    .await
    .unwrap()
}

async fn certificate_ends(world: &World, node: u64) -> u64 {
    world.realm.status(node).await.unwrap()["certificates"][node.to_string()].as_u64().unwrap()
}

#[tokio::test]
async fn certificates_and_the_data_key_are_replaced_under_load_without_one_failed_request() {
    let world = World::start().await;
    Visitor::new().register(&world.base(1), "bob", &seeded_password("bob"), ANSWERS).await;
    let mut administrator = Visitor::new();
    administrator.open(&world.base(1), "/admin/sign-in").await;
    let fields = [("name", "ada"), ("password", &*seeded_password("ada"))];
    let status = administrator.send(&world.base(1), "/admin/sign-in", &fields).await;
    assert!(status.is_success(), "{status}: {}", administrator.page());

    let enough = AtomicBool::new(false);
    let load = Load { world: &world, enough: &enough };
    let work = async {
        for time in 1..=TIMES {
            for node in 1..=3 {
                let before = certificate_ends(&world, node).await;
                world.realm.passquorum(node, &["node", "renew"]).await.unwrap();
                assert!(certificate_ends(&world, node).await > before);
            }
            world.realm.passquorum(time % 3 + 1, &["keys", "rotate"]).await.unwrap();
            rotated_to(&world, 1, time + 1).await;
        }
        enough.store(true, Ordering::SeqCst);
    };
    let (program, person, looked, ()) =
        tokio::join!(load.program(), load.person("bob"), load.administrator(&mut administrator), work);
    assert!(program > 0 && person > 0 && looked > 0, "{program} {person} {looked}");
    let audit = world.realm.passquorum(2, &["keys", "status"]).await.unwrap();
    assert!(audit.contains("in use"), "{audit}");
    world.stop().await;
}

#[tokio::test]
async fn a_rotation_outlives_its_leader_and_the_removal_of_a_node_calls_for_one() {
    let mut world = World::start().await;
    let leader = world.leader(1).await;
    world.realm.passquorum(leader, &["keys", "rotate"]).await.unwrap();
    world.realm.cluster.kill9(leader).await.unwrap();
    let other = world.other_than(&[leader]);
    // The one that is dead confirms its key when it is back, and is not waited for longer than two minutes.
    world.realm.cluster.restart(leader).await.unwrap();
    rotated_to(&world, other, 2).await;

    let leaving = world.other_than(&[world.leader(other).await]);
    let ask = world.other_than(&[leaving]);
    world.realm.passquorum(ask, &["node", "remove", &leaving.to_string()]).await.unwrap();
    let keys = rotated_to(&world, ask, 3).await;
    assert_eq!(keys["due"], false);
    Visitor::new().register(&world.base(ask), "dave", &seeded_password("dave"), ANSWERS).await;
    world.stop().await;
}
