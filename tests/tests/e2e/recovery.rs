//! Nodes that come back, and nodes that come anew.

use crate::World;
use passquorum_tests::wait;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_wiped_node_is_replaced_under_a_new_id_and_used_tokens_are_refused() {
    let mut world = World::start().await;
    world.realm.cluster.kill9(3).await.unwrap();
    world.realm.passquorum(1, &["node", "remove", "3"]).await.unwrap();
    let id = world.realm.rejoin_wiped(3).await.unwrap();
    assert!(id > 3, "a removed id is never used again, and this is {id}");
    wait::until("the new node is a voter that has caught up", LONG, || async {
        let status = world.realm.status(1).await.ok()?;
        let member = status["members"].as_array()?.iter().find(|member| member["id"] == id)?.clone();
        (member["role"] == "voter" && member["lag"] == 0).then_some(())
    })
    .await
    .unwrap();

    let again = world.realm.join_again_with_the_last_token().await;
    let refused = again.unwrap_err().to_string();
    assert!(refused.contains("PQ-TOKEN-INVALID"), "{refused}");
    world.stop().await;
}

#[tokio::test]
async fn a_lost_node_is_replaced_with_one_command_and_a_join() {
    let mut world = World::start().await;
    world.realm.cluster.kill9(3).await.unwrap();
    let token = world.realm.passquorum(1, &["replace", "3"]).await.unwrap();
    let id = world.realm.rejoin_wiped_with(3, token.trim().to_owned()).await.unwrap();
    wait::until("the new node votes and the lost one is gone", LONG, || async {
        let status = world.realm.status(1).await.ok()?;
        let members = status["members"].as_array()?;
        let votes = members.iter().any(|member| member["id"] == id && member["role"] == "voter");
        let gone = members.iter().all(|member| member["id"] != 3);
        (votes && gone).then_some(())
    })
    .await
    .unwrap();
    let refused = world.realm.passquorum(1, &["replace", "3"]).await.unwrap_err().to_string();
    assert!(refused.contains("PQ-NOT-FOUND"), "{refused}");
    world.stop().await;
}

#[tokio::test]
async fn leadership_moves_on_request_and_on_a_graceful_stop() {
    let mut world = World::start().await;
    let leader = world.leader(1).await;
    let next = world.other_than(&[leader]);
    world.realm.passquorum(next, &["node", "transfer-leader", "--to", &next.to_string()]).await.unwrap();
    wait::until("the named node leads", LONG, || async {
        (world.realm.leader(leader).await == Some(next)).then_some(())
    })
    .await
    .unwrap();
    world.realm.cluster.terminate(next).await.unwrap();
    wait::until("another node leads", LONG, || async {
        world.realm.leader(leader).await.filter(|id| *id != next)
    })
    .await
    .unwrap();
    world.stop().await;
}
