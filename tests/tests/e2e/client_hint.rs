//! What a legacy client tells its user of the profile, as the domain shows it to that user.

use crate::World;
use crate::legacy_client::Machine;
use crate::mirror::{LONG, mirror};
use passquorum_tests::rig::realm::{QUESTIONS, write_secret};
use passquorum_tests::rig::samba::seeded_password;
use passquorum_tests::wait;
use serde_json::json;

impl World {
    fn machine_of(&self, account: &'static str) -> Machine {
        let password = self.dir.path().join(format!("password-of-{account}"));
        write_secret(&password, &seeded_password(account)).unwrap();
        Machine { server: self.domain.url(), account, password, authorities: self.domain.authority() }
    }
}

impl Machine {
    async fn tells(&self) -> String {
        let found = self.diagnose(&[]).await;
        let steps = found.report["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["stage"] == "registration");
        step.unwrap()["saw"].as_str().unwrap().to_owned()
    }

    /// The container follows the realm within seconds.
    async fn comes_to_tell(&self, what: &str) {
        wait::until(what, LONG, || async { (self.tells().await == what).then_some(()) }).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_tells_its_user_to_register_then_nothing_and_to_update_once_more_is_asked() {
    let world = World::start().await;
    let (alice, hugo) = (world.machine_of("alice"), world.machine_of("hugo"));
    let told = alice.tells().await;
    assert!(told.ends_with("the domain holds no mirror that this account may read"), "{told}");
    world.reconfigure(1, mirror).await;
    alice.comes_to_tell("the user must register").await;
    assert_eq!(hugo.tells().await, "no policy serves this user");

    let file = world.dir.path().join("answers.csv");
    let [first, second] = QUESTIONS;
    let answers =
        format!("user,question,answer\nalice,\"{first}\",Northside\nalice,\"{second}\",Rex the dog\n");
    std::fs::write(&file, answers).unwrap();
    let import = ["profiles", "import", file.to_str().unwrap()];
    world.realm.passquorum(1, &import).await.unwrap();
    assert_eq!(alice.tells().await, "the user's profile is up to date");

    let longer = |config: &mut serde_json::Value| config["policies"][0]["qa"]["min_answer_length"] = json!(4);
    world.reconfigure(2, longer).await;
    alice.comes_to_tell("the user must update the profile").await;
    world.realm.passquorum(1, &[&import[..], &["--replace"]].concat()).await.unwrap();
    assert_eq!(alice.tells().await, "the user's profile is up to date");
    world.stop().await;
}
