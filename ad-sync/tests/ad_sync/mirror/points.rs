//! What the mirror's loop does about service connection points.

use super::*;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::points::{FoundPoint, Point, REFRESH};

/// Points in memory, with each write that was made and each object that was removed.
#[derive(Default)]
pub(super) struct FakePoints {
    held: Mutex<Vec<FoundPoint>>,
    written: Mutex<Vec<(String, Timestamp)>>,
    removed: Mutex<Vec<String>>,
}

#[async_trait]
impl ConnectionPoints for FakePoints {
    async fn mark(&self) -> Result<Mark, PointsError> {
        Ok(Mark::of(&format!("{:?}", self.held.lock().unwrap())))
    }

    async fn list(&self) -> Result<Vec<FoundPoint>, PointsError> {
        Ok(self.held.lock().unwrap().clone())
    }

    async fn publish(
        &self,
        seen: Option<&FoundPoint>,
        point: &Point,
        stamp: Timestamp,
        fence: Fence,
    ) -> Result<(), PointsError> {
        let mut held = self.held.lock().unwrap();
        let present = held.iter().position(|held| held.name == point.name());
        assert_eq!(present.map(|place| held[place].clone()).as_ref(), seen, "nobody else writes here");
        present.map(|place| held.remove(place));
        held.push(FoundPoint {
            dn: DistinguishedName::parse(&format!("CN={},DC=x", point.name())).unwrap(),
            name: point.name(),
            keywords: point.keywords(stamp),
            bindings: vec![point.url.clone()],
            token: Some(Blob::from(fence.to_string().as_bytes())),
            fence: Some(fence),
        });
        self.written.lock().unwrap().push((point.url.clone(), stamp));
        Ok(())
    }

    async fn remove(&self, point: &FoundPoint) -> Result<(), PointsError> {
        self.held.lock().unwrap().retain(|held| held != point);
        self.removed.lock().unwrap().push(point.name.clone());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn points_are_published_refreshed_when_old_and_moved_with_the_url() {
    let mut world = World::start();
    world.realm.lead(NODE, 2);
    world.until_written(2, 1).await;
    world.until_published(2).await;
    let written = || world.points.written.lock().unwrap().clone();
    assert_eq!(written().len(), 1);
    assert_eq!(written()[0].0, "https://one.example/PMUser/");
    let hour = Duration::from_millis(REFRESH.0);
    world.pass(hour / 2).await;
    assert_eq!(written().len(), 1, "nothing is written while all is young and true");
    world.pass(hour / 2 + TIMING.recheck).await;
    assert_eq!(written().len(), 2);
    assert!(written()[1].1.since(written()[0].1) >= REFRESH);
    let url = "https://elsewhere.example".parse().unwrap();
    world.realm.apply(Action::SetSiteUrl { node: NODE, seen: "https://one.example".into(), url });
    world.pass(TIMING.retry_min).await;
    assert_eq!(written()[2].0, "https://elsewhere.example/PMUser/");
}

#[tokio::test(start_paused = true)]
async fn points_of_nodes_that_left_go_and_strangers_stay() {
    let mut world = World::start();
    let stranger = |name: &str| FoundPoint {
        dn: DistinguishedName::parse(&format!("CN={name},DC=x")).unwrap(),
        name: name.to_owned(),
        keywords: vec!["CONFIGURATION.SERVER_URLS=https://old.example/".to_owned()],
        bindings: Vec::new(),
        token: None,
        fence: None,
    };
    let left = format!("passquorum-{}-7", RealmId(uuid::Uuid::from_u128(1)));
    world.points.held.lock().unwrap().extend([stranger("old"), stranger(&left)]);
    world.realm.lead(NODE, 2);
    world.until_published(2).await;
    assert_eq!(*world.points.removed.lock().unwrap(), [left]);
    assert!(world.points.held.lock().unwrap().contains(&stranger("old")));
}

#[tokio::test(start_paused = true)]
async fn a_new_reign_raises_the_fence_of_each_point_and_meddling_is_put_right() {
    let mut world = World::start();
    world.realm.lead(NODE, 2);
    world.until_published(2).await;
    world.realm.lead(NODE, 4);
    world.until_published(4).await;
    let fence = |world: &World| world.points.held.lock().unwrap()[0].fence.unwrap();
    assert_eq!(fence(&world).term, 4);
    world.pass(TIMING.poll * 2).await;
    world.points.held.lock().unwrap()[0].keywords.clear();
    world.pass(TIMING.poll + Duration::from_millis(1)).await;
    assert_eq!(world.points.held.lock().unwrap()[0].keywords.len(), 5);
    world.points.held.lock().unwrap().clear();
    world.pass(TIMING.poll * 2).await;
    assert_eq!(world.points.held.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_container_is_not_this_leaders_no_point_is_touched() {
    let mut world = World::start();
    let found = Fence { term: 9, index: 1 };
    *world.container.held.lock().unwrap() = Some(Held { fence: found, document: Blob::from(&b"newer"[..]) });
    world.realm.lead(NODE, 2);
    world.until(|status| *status == MirrorStatus::SteppedBack { found }).await;
    world.pass(TIMING.recheck * 2).await;
    assert!(world.points.held.lock().unwrap().is_empty());
    assert_eq!(*world.published.borrow(), MirrorStatus::SteppedBack { found });
}
