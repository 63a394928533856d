//! Wrong answers are counted for the realm, not for a node.

use crate::World;
use crate::visitor::Visitor;
use passquorum_tests::rig::samba::seeded_password;

const RIGHT: [&str; 2] = ["Sycamore Street", "Bartholomew"];
const WRONG: [&str; 2] = ["Nowhere Lane", "Nobody at all"];

/// What the page says once a user is locked.
const LOCKED: &str = "PQ-LOCKED";

async fn registered(world: &World, name: &str) {
    Visitor::new().register(&world.base(1), name, &seeded_password(name), RIGHT).await;
}

/// Gives a wrong set of answers to a node, and tells whether the user is locked now.
async fn guess(world: &World, node: u64, name: &str, answers: [&str; 2]) -> bool {
    let mut visitor = Visitor::new();
    let base = world.base(node);
    visitor.identify(&base, "forgot-password", name).await;
    if visitor.page().contains(LOCKED) {
        return true;
    }
    visitor.answer(&base, answers).await;
    visitor.page().contains(LOCKED)
}

#[tokio::test]
async fn five_wrong_answers_lock_alike_on_one_node_and_over_three_with_the_leader_killed_between() {
    let mut world = World::start().await;
    for name in ["bob", "dave"] {
        registered(&world, name).await;
    }

    for _ in 0..5 {
        guess(&world, 1, "bob", WRONG).await;
    }
    assert!(guess(&world, 1, "bob", RIGHT).await, "bob is locked after five on one node");

    for node in [1, 2, 3] {
        assert!(!guess(&world, node, "dave", WRONG).await, "not locked after {node}");
    }
    let leader = world.leader(1).await;
    world.realm.cluster.kill9(leader).await.unwrap();
    let (fourth, fifth) =
        (world.other_than(&[leader]), world.other_than(&[leader, world.other_than(&[leader])]));
    let new_leader =
        passquorum_tests::wait::until("another leader", std::time::Duration::from_secs(20), || async {
            world.realm.leader(fourth).await.filter(|id| *id != leader)
        });
    new_leader.await.unwrap();
    assert!(!guess(&world, fourth, "dave", WRONG).await, "four wrong answers do not lock");
    guess(&world, fifth, "dave", WRONG).await;
    assert!(guess(&world, fourth, "dave", RIGHT).await, "dave is locked after five over three nodes");
    world.realm.cluster.restart(leader).await.unwrap();
    assert!(guess(&world, leader, "dave", RIGHT).await, "the node that was dead knows of the lock");
    world.stop().await;
}

#[tokio::test]
async fn an_unknown_user_is_asked_and_locked_like_a_known_one() {
    let world = World::start().await;
    let mut visitor = Visitor::new();
    let base = world.base(2);
    let status = visitor.identify(&base, "forgot-password", "nobody-here").await;
    assert!(
        status.is_success() && visitor.page().contains("Answer your security questions"),
        "{}",
        visitor.page()
    );
    for node in [1, 2, 3, 1, 2] {
        guess(&world, node, "nobody-here", WRONG).await;
    }
    assert!(guess(&world, 3, "nobody-here", WRONG).await);
    let mut shared = Visitor::new();
    shared.identify(&base, "forgot-password", "shared@corp.example.test").await;
    assert!(
        shared.page().contains("Answer your security questions"),
        "an ambiguous name tells nothing either"
    );
    world.stop().await;
}
