//! The list of policies: their order, copies, and why one of them serves somebody.

use crate::fakes::{POLICY, World};
use crate::staff::{administrator, save};
use http::StatusCode;
use passquorum_domain::config::ConfigChange;

#[tokio::test]
async fn policies_are_moved_copied_and_explained() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    let revision = || world.consensus.state().config().unwrap().revision.to_string();
    let names = || -> Vec<String> {
        world.consensus.state().config().unwrap().policies.iter().map(|policy| policy.name.clone()).collect()
    };
    let act = |verb: &str| format!("/admin/policies/{POLICY}/{verb}");
    browser.get("/admin/policies").await;
    let first = revision();
    let page = save(&mut browser, &act("clone"), &[("revision", &first)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    assert_eq!(names(), ["Everyone", "Copy of Everyone"]);
    let config = world.consensus.state().config().unwrap().clone();
    let [original, copy] = &config.policies[..] else { panic!() };
    assert!(copy.scope.is_empty() && copy.id != original.id && copy.qa == original.qa);
    assert!(copy.workflows.iter().all(|one| original.workflows.iter().all(|other| one.id != other.id)));

    let page = browser.submit(&act("later"), &[("revision", &first)]).await;
    assert_eq!((page.status, names().len()), (StatusCode::CONFLICT, 2), "{}", page.html);
    assert_eq!(names()[0], "Everyone");
    save(&mut browser, &act("later"), &[("revision", &revision())]).await;
    assert_eq!(names(), ["Copy of Everyone", "Everyone"]);
    let there = revision();
    browser.submit(&act("later"), &[("revision", &there)]).await;
    assert_eq!(revision(), there, "it is the last already");
    save(&mut browser, &act("earlier"), &[("revision", &there)]).await;
    assert_eq!(names(), ["Everyone", "Copy of Everyone"]);

    let mut wide = world.consensus.state().config().unwrap().policies[1].clone();
    wide.scope = original.scope.clone();
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(wide)));
    let page = browser.post("/admin/policies/explain", &[("name", "alice")]).await;
    for text in
        ["<strong>Everyone</strong>", "serves: member of CN=Staff", "Copy of Everyone: would serve too"]
    {
        assert!(page.html.contains(text), "{text} is missing in {}", page.html);
    }
    let page = browser.post("/admin/policies/explain", &[("name", "olga")]).await;
    assert!(page.html.contains("No policy serves this user."), "{}", page.html);
    assert!(page.html.contains("Everyone: not in its scope"));
    let page = browser.post("/admin/policies/explain", &[("name", "nobody")]).await;
    assert!(page.html.contains("No user of a domain has this name."), "{}", page.html);
}
