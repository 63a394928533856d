//! A person whom two connections show is one person; the first policy that serves them by either decides which is used. And
//! how a connection is changed for one policy alone.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

use crate::browser::{ANSWERS, Browser, STEP, register, start};
use crate::fakes::{CONNECTION, Controller, POLICY, SECOND, World, policy};
use crate::staff::{administrator, fields_of, location, send, set, sign_in};
use http::StatusCode;
use passquorum_domain::config::{
    ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, ManagementPolicy,
};
use passquorum_domain::directory::{DistinguishedName, ObjectGuid};
use passquorum_domain::ids::{ConnectionId, PolicyId, WorkflowId};
use passquorum_domain::ports::{Purpose, Vault as _};
use passquorum_domain::scope::{RoleScope, UserScope};
use uuid::Uuid;

const STRICT: PolicyId = PolicyId(Uuid::from_u128(0xb2));
const NEW: [(&str, &str); 2] = [("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")];

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

/// Another policy, for members of `CN=Strict` through a connection.
fn strict(connection: ConnectionId) -> ManagementPolicy {
    let everyone = policy();
    let scope = UserScope {
        connection,
        allowed_groups: vec![dn("CN=Strict,DC=example,DC=com")],
        ..everyone.scope[0].clone()
    };
    let mut strict = ManagementPolicy { id: STRICT, name: "Strict".into(), scope: vec![scope], ..everyone };
    for (number, workflow) in (0x300_u128..).zip(&mut strict.workflows) {
        workflow.id = WorkflowId(Uuid::from_u128(number));
    }
    strict
}

/// Two connections, the second of which shows these people too; its policy stands first.
fn world(also: &[&str]) -> World {
    let world = World::raised();
    let second = DomainConnection {
        id: SECOND,
        alias: "OTHER".into(),
        ..world.consensus.state().config().unwrap().connections[0].clone()
    };
    world.consensus.configure(ConfigChange::PutConnection(Box::new(second)));
    let mut config = (**world.consensus.state().config().unwrap()).clone();
    config.policies.insert(0, strict(SECOND));
    world.consensus.configure(ConfigChange::Replace(Box::new(config)));
    for account in also {
        let mut user = world.directory.user(account);
        user.record.user.connection = SECOND;
        user.groups = vec![dn("CN=Strict,DC=example,DC=com")];
        world.second.add(user);
    }
    world
}

#[tokio::test]
async fn the_first_policy_by_either_way_serves_and_decides_which_is_used() {
    let world = world(&["alice"]);
    let mut admin = administrator(&world).await;
    // Nobody chooses by what they type.
    for name in ["alice", "EXAMPLE\\alice", "other\\alice", "alice@example.com"] {
        let page = admin.post("/admin/policies/explain", &[("name", name)]).await;
        for text in ["<strong>Strict</strong>", "serves: member of CN=Strict", "Everyone: would serve too"] {
            assert!(page.html.contains(text), "{name}: {text} is missing in {}", page.html);
        }
        assert!(page.html.contains("OTHER"), "{name}: {}", page.html);
    }
    let page = admin.post("/admin/policies/explain", &[("name", "bob")]).await;
    assert!(page.html.contains("<strong>Everyone</strong>"), "{}", page.html);

    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut browser = Browser::new(node);
    start(&mut browser, "forgot-password", "EXAMPLE\\alice").await;
    browser.post(STEP, &ANSWERS).await;
    let page = browser.post(STEP, &NEW).await;
    assert_eq!(page.heading(), "Your password is changed", "{}", page.html);
    assert_eq!(world.second.user("alice").password, "Correct-Horse-7");
    assert_eq!(*world.directory.changes.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn two_people_of_one_name_are_never_guessed_between() {
    let world = world(&["bob"]);
    let stranger = {
        let mut users = world.second.user("bob");
        users.record.user.guid = ObjectGuid([77; 16]);
        users.record.account = "alice".into();
        users
    };
    world.second.add(stranger);
    let mut admin = administrator(&world).await;
    let explained = |name: &'static str| [("name", name)];
    let page = admin.post("/admin/policies/explain", &explained("alice")).await;
    assert!(page.html.contains("More than one"), "{}", page.html);
    let page = admin.post("/admin/policies/explain", &explained("EXAMPLE\\alice")).await;
    assert!(page.html.contains("<strong>Everyone</strong>"), "{}", page.html);
    let page = admin.post("/admin/policies/explain", &explained("OTHER\\alice")).await;
    assert!(page.html.contains("<strong>Strict</strong>"), "{}", page.html);
}

#[tokio::test]
async fn whoever_names_no_domain_while_one_cannot_be_asked_is_told_to_name_theirs() {
    let world = world(&[]);
    world.second.set_controller(Controller::Down);
    let mut browser = Browser::new(world.node("n1"));
    for name in ["alice", "nobody-at-all"] {
        let page = start(&mut browser, "forgot-password", name).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert!(page.html.contains("type its domain before your name"), "{name}: {}", page.html);
    }
    let page = start(&mut browser, "forgot-password", "OTHER\\alice").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page.html.contains("type its domain"), "{}", page.html);
}

#[tokio::test]
async fn a_role_is_held_by_whichever_way_the_group_is_in() {
    let world = world(&["root", "hilda"]);
    let mut config = (**world.consensus.state().config().unwrap()).clone();
    config.helpdesk[0].connection = SECOND;
    config.helpdesk[0].group = dn("CN=Strict,DC=example,DC=com");
    world.consensus.configure(ConfigChange::Replace(Box::new(config)));
    administrator(&world).await;
    let mut browser = Browser::new(world.node("n1"));
    let page = sign_in(&mut browser, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    assert_eq!(location(&page), "/helpdesk/", "{}", page.html);
}

#[tokio::test]
async fn an_operator_has_the_roles_of_every_way_to_them() {
    let world = world(&["hilda"]);
    let mut config = (**world.consensus.state().config().unwrap()).clone();
    let realms = std::mem::take(&mut config.helpdesk);
    let everyone = config.policies.iter_mut().find(|policy| policy.id == POLICY).unwrap();
    everyone.helpdesk.groups =
        vec![RoleScope { connection: SECOND, group: dn("CN=Strict,DC=example,DC=com") }];
    let strict = config.policies.iter_mut().find(|policy| policy.id == STRICT).unwrap();
    strict.helpdesk.groups = realms;
    world.consensus.configure(ConfigChange::Replace(Box::new(config)));
    let mut alice = world.directory.user("alice");
    alice.record.user.connection = SECOND;
    alice.groups = vec![dn("CN=Strict,DC=example,DC=com")];
    world.second.add(alice);

    let mut browser = Browser::new(world.node("n1"));
    sign_in(&mut browser, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    browser.get("/helpdesk/").await;
    for name in ["alice", "bob"] {
        let page = browser.submit("/helpdesk/find", &[("name", name)]).await;
        assert!(
            page.html.contains(&format!("EXAMPLE\\{name}")) || page.html.contains(&format!("OTHER\\{name}")),
            "{}",
            page.html
        );
    }
}

#[tokio::test]
async fn whom_two_connections_show_is_counted_once_and_for_the_first_policy() {
    let world = world(&["alice"]);
    let mut admin = administrator(&world).await;
    admin.get("/admin/policies").await;
    let page = admin.submit(&format!("/admin/policies/{STRICT}/count"), &[]).await;
    assert!(page.html.contains("1 users, 0 of them registered."), "{}", page.html);
    admin.get("/admin/policies").await;
    let page = admin.submit(&format!("/admin/policies/{POLICY}/count"), &[]).await;
    assert!(page.html.contains("2 users, 0 of them registered."), "without alice: {}", page.html);
}

/// The connection behind LDAPS, with a second policy that uses it.
fn shared() -> World {
    let world = World::raised();
    let mut connection = world.consensus.state().config().unwrap().connections[0].clone();
    let sealed = world.vault.seal(Purpose::ServiceAccount, CONNECTION.0.as_bytes(), b"Svc-0ld-Secret");
    connection.endpoint = DirectoryEndpoint::Ldaps(LdapsSettings {
        servers: vec!["ldaps://dc1.example.com".into()],
        base: dn("DC=example,DC=com"),
        authorities: "-----BEGIN CERTIFICATE-----".into(),
        bind_name: "svc".into(),
        bind_password: sealed.unwrap(),
        push_sites: Vec::new(),
    });
    world.consensus.configure(ConfigChange::PutConnection(Box::new(connection)));
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(strict(CONNECTION))));
    world
}

#[tokio::test]
async fn a_connection_is_changed_for_all_or_copied_for_one_policy() {
    let world = shared();
    let mut admin = administrator(&world).await;
    let path = format!("/admin/connections/{CONNECTION}");
    let page = admin.get(&path).await;
    assert!(page.html.contains("Only for the policy Strict"), "{}", page.html);
    let before = world.consensus.state().config().unwrap().clone();

    let mut fields = fields_of(&page);
    set(&mut fields, &format!("only.{STRICT}"), "on");
    set(&mut fields, "servers", "ldaps://dc2.example.com");
    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "the copy has another server");
    assert!(page.html.contains("f-servers-problem") && page.html.contains("enter it again"), "{}", page.html);
    set(&mut fields, "bind_password", "Svc-0ld-Secret");
    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "the copy needs an alias of its own");
    assert!(page.html.contains("another connection has this alias"), "{}", page.html);
    let same = {
        let mut same = fields.clone();
        set(&mut same, "servers", "ldaps://dc1.example.com");
        same
    };
    set(&mut fields, "alias", "STRICT");
    let unchanged = {
        let mut same = same;
        set(&mut same, "alias", "STRICT");
        same
    };
    let page = send(&mut admin, &path, &unchanged).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("reaches the same users"), "{}", page.html);

    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    let after = world.consensus.state().config().unwrap().clone();
    assert_eq!(after.connections[0], before.connections[0], "the others' stays as it was");
    let copy = &after.connections[1];
    assert_eq!(copy.alias, "STRICT");
    let DirectoryEndpoint::Ldaps(ldaps) = &copy.endpoint else { panic!() };
    assert_eq!(ldaps.servers, ["ldaps://dc2.example.com"]);
    let clear = world.vault.open(Purpose::ServiceAccount, copy.id.0.as_bytes(), &ldaps.bind_password);
    assert_eq!(clear.unwrap().as_slice(), b"Svc-0ld-Secret", "its password is sealed for it");
    assert_eq!(after.policy(STRICT).unwrap().scope[0].connection, copy.id);
    assert_eq!(after.policy(POLICY).unwrap(), before.policy(POLICY).unwrap());

    let page = admin.get(&path).await;
    let mut fields = fields_of(&page);
    set(&mut fields, "servers", "ldaps://dc3.example.com");
    set(&mut fields, "bind_password", "Svc-0ld-Secret");
    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    let config = world.consensus.state().config().unwrap().clone();
    assert_eq!(config.connections.len(), 2);
    let DirectoryEndpoint::Ldaps(ldaps) = &config.connections[0].endpoint else { panic!() };
    assert_eq!(ldaps.servers, ["ldaps://dc3.example.com"]);
}

#[tokio::test]
async fn a_copy_is_offered_for_the_policies_that_serve_its_users_alone() {
    let world = world(&[]);
    let mut config = (**world.consensus.state().config().unwrap()).clone();
    let desk = RoleScope { connection: CONNECTION, group: dn("CN=Desk,DC=example,DC=com") };
    config.policies[0].helpdesk.groups = vec![desk];
    world.consensus.configure(ConfigChange::Replace(Box::new(config)));
    let mut admin = administrator(&world).await;
    let page = admin.get(&format!("/admin/connections/{CONNECTION}")).await;
    assert!(page.html.contains("Only for the policy Everyone"), "{}", page.html);
    assert!(!page.html.contains("Only for the policy Strict"), "{}", page.html);
}

#[tokio::test]
async fn a_copy_that_does_not_look_where_profiles_are_is_refused() {
    let world = shared();
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    let mut admin = administrator(&world).await;
    let path = format!("/admin/connections/{CONNECTION}");
    let page = admin.get(&path).await;
    let mut fields = fields_of(&page);
    for (name, value) in [
        (format!("only.{STRICT}").as_str(), "on"),
        ("alias", "STRICT"),
        ("servers", "ldaps://dc2.example.com"),
        ("bind_password", "Svc-0ld-Secret"),
        ("profile_attribute", "carLicense"),
    ] {
        set(&mut fields, name, value);
    }
    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.html);
    let told = "Profile attribute: at least 1 profiles are still in comment: name it as the former one";
    assert!(page.html.contains(told), "{}", page.html);
    assert_eq!(world.consensus.state().config().unwrap().connections.len(), 1);

    set(&mut fields, "former_profile_attribute", "comment");
    let page = send(&mut admin, &path, &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    assert_eq!(world.consensus.state().config().unwrap().connections.len(), 2);
}
