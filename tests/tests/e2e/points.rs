//! Service connection points of a living realm: they follow its nodes, are mended when somebody meddles, and strangers'
//! are shown and left alone until an operator says otherwise.

use crate::World;
use crate::mirror::{LONG, container, mirror};
use passquorum_tests::rig::samba::{BASE, Object};
use passquorum_tests::wait;

impl World {
    async fn points(&self) -> Vec<Object> {
        self.domain.objects_as("ivan", BASE, "(objectClass=serviceConnectionPoint)").await.unwrap()
    }

    /// Waits until node `id` has a whole point, or none.
    async fn point_of(&self, id: u64, there: bool) {
        wait::until(&format!("the point of node {id} is there: {there}"), LONG, || async {
            let points = self.points().await;
            let keyword = format!("passquorum.node={id}");
            let is = |point: &&Object| {
                point.values("keywords").contains(&keyword) && point.values("keywords").len() == 5
            };
            (points.iter().any(|point| is(&point)) == there).then_some(())
        })
        .await
        .unwrap();
    }

    async fn dn_of_point(&self, id: u64) -> String {
        let points = self.points().await;
        let own =
            points.iter().find(|point| point.values("keywords").contains(&format!("passquorum.node={id}")));
        own.unwrap().value("distinguishedName").unwrap()
    }
}

#[tokio::test]
async fn points_follow_the_nodes_are_mended_and_strangers_stay() {
    let world = World::start().await;
    let foreign = format!("CN=Old,CN=One Identity,CN=System,{BASE}");
    let add = format!(
        "dn: {foreign}\nchangetype: add\nobjectClass: serviceConnectionPoint\n\
         keywords: CONFIGURATION.SERVER_URLS=https://old.example/PMUser/\n\
         keywords: CONFIGURATION.TIME_STAMP=2020-01-01T00:00:00Z\n"
    );
    world.domain.modify(&add).await.unwrap();
    let leader = world.leader(1).await;
    world.reconfigure(leader, mirror).await;
    for id in 1..=3 {
        world.point_of(id, true).await;
    }

    // Meddling.
    let meddled = world.dn_of_point(2).await;
    let change =
        "changetype: modify\nreplace: keywords\nkeywords: CONFIGURATION.SERVER_URLS=https://attacker/";
    world.domain.modify(&format!("dn: {meddled}\n{change}\n")).await.unwrap();
    world.point_of(2, true).await;
    world.domain.modify(&format!("dn: {meddled}\nchangetype: delete\n")).await.unwrap();
    world.point_of(2, true).await;
    let last = world.shows("the realm is mirrored", (0, 0), |_| true).await;
    let nothing = format!("dn: {}\nchangetype: modify\ndelete: serviceBindingInformation\n", container());
    world.domain.modify(&nothing).await.unwrap();
    world.shows("what was taken out is there again", (0, 0), |document| document["leader"] == leader).await;
    world.domain.modify(&format!("dn: {}\nchangetype: delete\n", container())).await.unwrap();
    world
        .shows("what was deleted is there again", (last.0 - 1, u64::MAX), |document| {
            document["leader"] == leader
        })
        .await;

    // A node leaves.
    let leaving = world.other_than(&[leader]);
    let removal = ["node", "remove", &leaving.to_string()];
    world.realm.passquorum(leader, &removal).await.unwrap();
    world.point_of(leaving, false).await;
    let left = world.points().await;
    let names: Vec<_> = left.iter().filter_map(|point| point.value("cn")).collect();
    assert_eq!(left.len(), 4, "the container, two nodes and the stranger: {names:?}");

    let listed = world.realm.passquorum(leader, &["directory", "points", "list", "--json"]).await.unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let verdict = |dn: &str| {
        let row = listed["points"].as_array().unwrap().iter().find(|row| row["dn"] == dn).unwrap();
        row["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(&foreign), "foreign-stale", "{listed}");
    assert_eq!(verdict(&world.dn_of_point(leader).await), "kept", "{listed}");

    // Not by itself, not without its name, and then it is gone and told of.
    let nothing =
        world.realm.passquorum(leader, &["directory", "points", "remove", &container(), "--yes"]).await;
    assert!(nothing.is_err(), "the container is no point");
    let own = world.dn_of_point(leader).await;
    let kept = world.realm.passquorum(leader, &["directory", "points", "remove", &own, "--yes"]).await;
    assert!(kept.is_err(), "what the realm keeps would be there again");
    world.realm.passquorum(leader, &["directory", "points", "remove", &foreign, "--yes"]).await.unwrap();
    assert_eq!(world.points().await.len(), 3);

    let shown = world.realm.passquorum(leader, &["directory", "mirror", "show", "--json"]).await.unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["container"], &shown["true"]), (&container().into(), &true.into()), "{shown}");
    world.realm.passquorum(leader, &["directory", "mirror", "rebuild"]).await.unwrap();
    world.shows("the container is made anew", (0, 0), |document| document["leader"] == leader).await;
    world.stop().await;
}
