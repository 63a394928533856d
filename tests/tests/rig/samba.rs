//! The seeded domain.

use std::net::Ipv4Addr;

use passquorum_tests::rig::process;
use passquorum_tests::rig::samba::{BASE, Bind, SERVICE_ACCOUNT, SERVICE_PASSWORD, Samba, seeded_password};

#[tokio::test]
async fn the_seeded_domain_answers_as_the_tests_expect_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let samba = Samba::start(dir.path(), Ipv4Addr::new(127, 0, 0, 32)).await.unwrap();

    for user in ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "ivan", "ada", "hugo"] {
        assert!(samba.bind_works(user, &seeded_password(user)).await.unwrap(), "{user} cannot sign in");
    }
    assert!(samba.bind_works(SERVICE_ACCOUNT, SERVICE_PASSWORD).await.unwrap());
    assert_eq!(samba.bind("alice", "wrong").await.unwrap(), Bind::Refused("52e".into()));
    assert_eq!(samba.bind("heidi", &seeded_password("heidi")).await.unwrap(), Bind::Refused("533".into()));

    let mail = samba.attribute("frank", "mail").await.unwrap();
    assert_eq!(mail, samba.attribute("grace", "mail").await.unwrap());
    let pso = format!("CN=Strict,CN=Password Settings Container,CN=System,{BASE}");
    assert_eq!(samba.attribute("erin", "msDS-ResultantPSO").await.unwrap(), [pso]);

    samba
        .modify(&format!("dn: CN=bob,OU=People,{BASE}\nchangetype: modify\nreplace: comment\ncomment: x\n"))
        .await
        .unwrap();
    samba.interrupt().await.unwrap();
    assert!(samba.bind_works("bob", &seeded_password("bob")).await.is_err(), "an outage is no refusal");
    samba.resume().await.unwrap();
    assert_eq!(samba.attribute("bob", "comment").await.unwrap(), ["x"]);

    for _ in 0..5 {
        samba.bind("dave", "wrong").await.unwrap();
    }
    assert_eq!(samba.bind("dave", &seeded_password("dave")).await.unwrap(), Bind::Refused("775".into()));

    samba.stop().await.unwrap();
    assert_eq!(process::naming(dir.path()), Vec::<i32>::new());
}
