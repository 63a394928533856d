//! The realm in the directory's storage container, while its leaders are killed, frozen and woken up.

use crate::World;
use passquorum_tests::rig::samba::{BASE, Samba};
use passquorum_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const LONG: Duration = Duration::from_secs(60);
/// Leaders that are frozen in the middle of their work, one after another.
const FROZEN: u32 = 3;

/// Term and index.
pub(crate) type Fence = (u64, u64);

pub(crate) fn container() -> String {
    format!("CN=_QPMStorageContainer,OU=Svc,{BASE}")
}

/// The fence in the text that the product writes.
pub(crate) fn fence(text: &str) -> Option<Fence> {
    let (term, index) = text.rsplit_once(' ')?.1.split_once('.')?;
    Some((term.parse().ok()?, index.parse().ok()?))
}

/// What a legacy client reads: the fence and the document.
pub(crate) async fn shown(domain: &Samba) -> Option<(Fence, Value)> {
    let fence = domain.object_attribute(&container(), "adminDescription").await.ok()?;
    let document = domain.object_attribute(&container(), "serviceBindingInformation").await.ok()?;
    Some((self::fence(fence.first()?)?, serde_json::from_str(document.first()?).ok()?))
}

impl World {
    /// Waits until the container was written under a fence above `last` and shows what is asked for.
    pub(crate) async fn shows(&self, what: &str, last: Fence, is: impl Fn(&Value) -> bool) -> Fence {
        wait::until(what, LONG, || async {
            let (fence, document) = shown(&self.domain).await?;
            (fence > last && is(&document)).then_some(fence)
        })
        .await
        .unwrap()
    }

    pub(crate) async fn leader_but(&self, ask: u64, gone: u64) -> u64 {
        wait::until("another node leads", LONG, || async {
            let status = self.realm.status(ask).await.ok()?;
            let leader = status["leader"].as_u64().filter(|leader| *leader != gone)?;
            (status["quorum"] == true).then_some(leader)
        })
        .await
        .unwrap()
    }
}

pub(crate) fn mirror(config: &mut Value) {
    let connection = config["connections"][0]["id"].clone();
    config["general"]["mirror"] = json!({ "connection": connection, "container": container() });
}

#[tokio::test]
async fn the_container_follows_the_leaders_and_never_goes_back() {
    let mut world = World::start().await;
    let mut leader = world.leader(1).await;
    assert_eq!(shown(&world.domain).await, None, "nothing is mirrored unless it is asked for");
    let revision = world.reconfigure(leader, mirror).await;
    let mut last = world
        .shows("the realm is mirrored", (0, 0), |document| {
            document["revision"] == revision && document["leader"] == leader
        })
        .await;
    // It says so once the service connection points, which come after the container, are there too.
    wait::until("the leader says that it is", LONG, || async {
        let status = world.realm.status(leader).await.ok()?;
        (status["mirror"]["state"] == "current" && status["points"]["state"] == "current").then_some(())
    })
    .await
    .unwrap();

    // Killed.
    world.realm.cluster.kill9(leader).await.unwrap();
    let next = world.leader_but(world.other_than(&[leader]), leader).await;
    last = world.shows("the next leader has written", last, |document| document["leader"] == next).await;
    world.realm.cluster.restart(leader).await.unwrap();
    leader = next;

    // Frozen while it has something to write, and woken up after its successor has written.
    for round in 0..FROZEN {
        let organisation = format!("Round {round}");
        world.reconfigure(leader, |config| config["general"]["organisation"] = json!(organisation)).await;
        world.realm.cluster.pause(leader).unwrap();
        let next = world.leader_but(world.other_than(&[leader]), leader).await;
        let fence =
            world.shows("the next leader has written", last, |document| document["leader"] == next).await;
        world.realm.cluster.resume(leader).unwrap();
        wait::until("the woken leader follows", LONG, || async {
            let status = world.realm.status(leader).await.ok()?;
            (status["leader"] == next && status["mirror"]["state"] == "waiting").then_some(())
        })
        .await
        .unwrap();
        let (now, document) = shown(&world.domain).await.unwrap();
        assert!(now >= fence && document["leader"] == next, "{fence:?}, then {now:?}: {document}");
        (last, leader) = (now, next);
    }
    world.stop().await;
}

#[tokio::test]
async fn an_outage_of_the_domain_controller_is_told_and_made_up_for() {
    let world = World::start().await;
    let leader = world.leader(1).await;
    world.reconfigure(leader, mirror).await;
    let last = world.shows("the realm is mirrored", (0, 0), |_| true).await;
    world.domain.interrupt().await.unwrap();
    let revision =
        world.reconfigure(leader, |config| config["general"]["organisation"] = json!("In the dark")).await;
    wait::until("the leader tells that it cannot write", LONG, || async {
        (world.realm.status(leader).await.ok()?["mirror"]["state"] == "failing").then_some(())
    })
    .await
    .unwrap();
    world.domain.resume().await.unwrap();
    world.shows("the change is mirrored", last, |document| document["revision"] == revision).await;
    world.stop().await;
}
