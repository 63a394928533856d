//! The access account changes while people are served.

use crate::World;
use crate::visitor::Visitor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passquorum_tests::rig::samba::{SERVICE_ACCOUNT, seeded_password};
use serde_json::Value;

const ANSWERS: [&str; 2] = ["Planted-Sycamore-Street", "Planted-Bartholomew"];
const CHANGED: &str = "Planted-Service-Passw0rd-2";
const SET: [&str; 4] = ["directory", "set-account", "--alias", "CORP"];

#[tokio::test]
async fn an_access_account_changes_in_one_step_once_the_domain_takes_it() {
    let world = World::start().await;
    let dn = world.domain.attribute(SERVICE_ACCOUNT, "distinguishedName").await.unwrap().remove(0);
    let quoted: Vec<u8> = format!("\"{CHANGED}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let change = format!(
        "dn: {dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {}\n",
        STANDARD.encode(quoted)
    );
    world.domain.modify(&change).await.unwrap();
    let config = async || -> Value {
        serde_json::from_str(&world.realm.passquorum(2, &["config", "show"]).await.unwrap()).unwrap()
    };
    let before = config().await;

    let wrong = world.realm.passquorum_told(1, &SET, "Planted-not-this-one").await.unwrap_err().to_string();
    assert!(wrong.contains("does not accept the access account"), "{wrong}");
    assert!(!wrong.contains("Planted"), "{wrong}");
    assert_eq!(config().await, before);

    let done = world.realm.passquorum_told(1, &SET, CHANGED).await.unwrap();
    assert!(done.contains("revision"), "{done}");
    let after = config().await;
    assert_eq!(after["revision"].as_u64(), before["revision"].as_u64().map(|revision| revision + 1));
    Visitor::new().register(&world.base(3), "alice", &seeded_password("alice"), ANSWERS).await;
    world.stop().await;
}
