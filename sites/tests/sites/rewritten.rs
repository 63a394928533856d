//! An earlier profile that another hand puts back: nobody gets in with it, and it shows to those who help.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::*;
use crate::fakes::*;
use crate::staff::sign_in;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::Action;
use passquorum_domain::config::ConfigChange;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;

fn world() -> World {
    let world = World::new();
    for (from, to) in
        [(FeatureLevel::FIRST, FeatureLevel::SECOND), (FeatureLevel::SECOND, FeatureLevel::THIRD)]
    {
        world.consensus.apply(Action::RaiseLevel { from, to, asked: vec![NodeId(1)] }).unwrap();
    }
    world
}

fn noticed(world: &World) -> usize {
    let state = world.consensus.state();
    state.audit().filter(|record| record.event == AuditEvent::ProfileRewritten).count()
}

#[tokio::test]
async fn a_profile_that_is_put_back_is_as_none_until_the_person_registers_anew() {
    let world = world();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let first = world.directory.user("alice").profile.unwrap();
    assert!(first.digest.is_some(), "at this level it says what it was made under");
    let passes = async || {
        let mut browser = Browser::new(node.clone());
        start(&mut browser, "forgot-password", "alice").await;
        browser.post(STEP, &ANSWERS).await
    };
    assert_eq!(passes().await.heading(), "Choose a new password");

    register(&node, "alice", "Alice-0ld-Secret").await;
    world.directory.edit("alice", |user| user.profile = Some(first));
    let page = passes().await;
    assert!(page.html.contains("could not verify you"), "{}", page.html);
    assert_eq!(noticed(&world), 1);
    let mut hilda = Browser::new(node.clone());
    sign_in(&mut hilda, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    let page = hilda.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(page.html.contains("another hand put it there"), "{}", page.html);

    register(&node, "alice", "Alice-0ld-Secret").await;
    assert_eq!(passes().await.heading(), "Choose a new password");
    assert_eq!(noticed(&world), 1);
}

#[tokio::test]
async fn a_profile_of_other_requirements_no_longer_meets_the_policy() {
    let world = world();
    let node = world.node("n1");
    register(&node, "alice", "Alice-0ld-Secret").await;
    let mut hilda = Browser::new(node);
    sign_in(&mut hilda, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    let standing =
        async |hilda: &mut Browser| hilda.submit("/helpdesk/find", &[("name", "alice")]).await.html;
    assert!(standing(&mut hilda).await.contains("<dd>Registered</dd>"));
    let mut policy = policy();
    policy.qa.min_answer_length += 1;
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    let html = standing(&mut hilda).await;
    assert!(html.contains("no longer meets the policy"), "{html}");
}
