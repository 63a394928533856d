//! The mirror's loop over a cluster and a container that do as they are told. What it does about service connection points
//! is in `points`.

mod points;

use async_trait::async_trait;
use passquorum_ad_sync::mirror::{Containers, Mirror, MirrorStatus, Timing};
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::{ConfigChange, GeneralSettings, RealmConfig};
use passquorum_domain::ids::{NodeId, RealmId, RequestId};
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::mirror::Projection;
use passquorum_domain::ports::{
    Clock, ConnectionPoints, Container, ContainerError, DirectoryError, DirectoryReason, Fence, Held,
    LeaderRead, LeaderReads, Leadership, Mark, PointsError, ReadError, Retry,
};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use points::FakePoints;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const NODE: NodeId = NodeId(1);
const OTHER: NodeId = NodeId(2);
const TIMING: Timing = Timing {
    retry_min: Duration::from_secs(1),
    retry_max: Duration::from_secs(4),
    poll: Duration::from_secs(7),
    recheck: Duration::from_secs(100),
};

/// What the next call to the container comes to.
enum Turn {
    Fail,
    Hang,
}

#[derive(Default)]
struct FakeContainer {
    held: Mutex<Option<Held>>,
    writes: Mutex<Vec<Fence>>,
    calls: Mutex<Vec<Instant>>,
    turns: Mutex<VecDeque<Turn>>,
}

impl FakeContainer {
    async fn turn(&self) -> Result<(), ContainerError> {
        self.calls.lock().unwrap().push(Instant::now());
        let turn = self.turns.lock().unwrap().pop_front();
        match turn {
            None => Ok(()),
            Some(Turn::Hang) => std::future::pending().await,
            Some(Turn::Fail) => Err(ContainerError::Unreachable(DirectoryError {
                dc: "dc".to_owned(),
                operation: "read container",
                reason: DirectoryReason::Unreachable,
                ad_code: None,
                retry: Retry::Safe,
            })),
        }
    }
}

#[async_trait]
impl Container for FakeContainer {
    async fn read(&self) -> Result<Option<Held>, ContainerError> {
        self.turn().await?;
        Ok(self.held.lock().unwrap().clone())
    }

    async fn mark(&self) -> Result<Mark, ContainerError> {
        let held = self.held.lock().unwrap();
        Ok(Mark::of(&held.as_ref().map(|held| (held.fence, held.document.as_bytes()))))
    }

    async fn remove(&self) -> Result<(), ContainerError> {
        *self.held.lock().unwrap() = None;
        Ok(())
    }

    async fn swap(&self, seen: Option<Fence>, fence: Fence, document: &Blob) -> Result<(), ContainerError> {
        fence.may_replace(seen)?;
        self.turn().await?;
        let mut held = self.held.lock().unwrap();
        if held.as_ref().map(|held| held.fence) != seen {
            return Err(ContainerError::Changed);
        }
        *held = Some(Held { fence, document: document.clone() });
        self.writes.lock().unwrap().push(fence);
        Ok(())
    }
}

/// Time as tokio has it.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000 + self.0.elapsed().as_millis() as u64)
    }
}

struct Always(Arc<FakeContainer>, Arc<FakePoints>);

impl Containers for Always {
    fn container(&self, _: &State) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        Ok(Some(Arc::clone(&self.0) as _))
    }

    fn points(&self, _: &State) -> Result<Option<Arc<dyn ConnectionPoints>>, PointsError> {
        Ok(Some(Arc::clone(&self.1) as _))
    }
}

/// The cluster.
struct Realm {
    leadership: watch::Sender<Leadership>,
    states: watch::Sender<Arc<State>>,
    index: Arc<AtomicU64>,
    quorum: watch::Sender<bool>,
}

/// The cluster, as the node sees it.
struct Reads {
    leadership: watch::Receiver<Leadership>,
    states: watch::Receiver<Arc<State>>,
    index: Arc<AtomicU64>,
    quorum: watch::Receiver<bool>,
}

#[async_trait]
impl LeaderReads for Reads {
    async fn read_as_leader(&self) -> Result<LeaderRead, ReadError> {
        let leadership = *self.leadership.borrow();
        if leadership.leader != Some(NODE) || !*self.quorum.borrow() {
            return Err(ReadError::NoQuorum);
        }
        let (term, index) = (leadership.term, self.index.load(Ordering::SeqCst));
        Ok(LeaderRead { term, index, state: self.states.borrow().clone() })
    }
}

impl Realm {
    fn reads(&self) -> Reads {
        Reads {
            leadership: self.leadership.subscribe(),
            states: self.states.subscribe(),
            index: Arc::clone(&self.index),
            quorum: self.quorum.subscribe(),
        }
    }

    fn lead(&self, leader: NodeId, term: u64) {
        self.leadership.send_replace(Leadership { leader: Some(leader), term });
    }

    fn apply(&self, action: Action) {
        let index = self.index.fetch_add(1, Ordering::SeqCst) + 1;
        let command = Command {
            request: RequestId::Internal(uuid::Uuid::from_u128(u128::from(index))),
            at: Timestamp(1_800_000_000_000 + index),
            actor: Actor::Realm,
            detail: None,
            action,
        };
        let mut state = State::clone(&self.states.borrow());
        state.apply(command).outcome.unwrap();
        self.states.send_replace(Arc::new(state));
    }

    fn rename(&self, organisation: &str) {
        let config = Arc::clone(self.states.borrow().config().unwrap());
        let general = GeneralSettings { organisation: organisation.to_owned(), ..config.general.clone() };
        let change = ConfigChange::SetGeneral(general);
        self.apply(Action::change_config(config.revision, change));
    }

    fn document(&self) -> Blob {
        Projection::of(&self.states.borrow(), NODE).unwrap().to_document()
    }
}

struct World {
    realm: Realm,
    container: Arc<FakeContainer>,
    points: Arc<FakePoints>,
    status: watch::Receiver<MirrorStatus>,
    published: watch::Receiver<MirrorStatus>,
    run: JoinHandle<()>,
}

impl World {
    fn start() -> Self {
        let realm = Realm {
            leadership: watch::Sender::default(),
            states: watch::Sender::new(Arc::default()),
            index: Arc::default(),
            quorum: watch::Sender::new(true),
        };
        realm.apply(birth());
        let (container, points) = (Arc::new(FakeContainer::default()), Arc::new(FakePoints::default()));
        let (told, status) = watch::channel(MirrorStatus::Waiting);
        let (told_points, published) = watch::channel(MirrorStatus::Waiting);
        let mirror = Mirror {
            node: NODE,
            leadership: realm.leadership.subscribe(),
            states: realm.states.subscribe(),
            reads: Arc::new(realm.reads()),
            containers: Arc::new(Always(Arc::clone(&container), Arc::clone(&points))),
            timing: TIMING,
            clock: Arc::new(PausedClock(Instant::now())),
            status: told,
            points: told_points,
        };
        Self { realm, container, points, status, published, run: tokio::spawn(mirror.run()) }
    }

    async fn until(&mut self, what: impl FnMut(&MirrorStatus) -> bool) {
        let seen = self.status.wait_for(what);
        drop(tokio::time::timeout(Duration::from_secs(3600), seen).await.unwrap().unwrap());
    }

    async fn until_written(&mut self, term: u64, index: u64) {
        let fence = Fence { term, index };
        self.until(|status| *status == MirrorStatus::Current { fence }).await;
        let held = self.container.held.lock().unwrap().clone().unwrap();
        assert_eq!(held, Held { fence, document: self.realm.document() });
    }

    async fn until_published(&mut self, term: u64) {
        let is =
            |status: &MirrorStatus| matches!(status, MirrorStatus::Current { fence } if fence.term == term);
        let seen = self.published.wait_for(is);
        drop(tokio::time::timeout(Duration::from_secs(3600), seen).await.unwrap().unwrap());
    }

    fn writes(&self) -> Vec<(u64, u64)> {
        self.container.writes.lock().unwrap().iter().map(|fence| (fence.term, fence.index)).collect()
    }

    /// Lets everything happen that is due within this time.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn birth() -> Action {
    let first = NewNode {
        name: "one".into(),
        cluster_address: "host:1".into(),
        site_url: "https://one.example".into(),
        wrap_key: [1; 32],
    };
    Action::CreateRealm(Box::new(CreateRealm {
        realm: RealmId(uuid::Uuid::from_u128(1)),
        authority: "PEM".into(),
        authority_key: Sealed(Blob::from(&b"sealed"[..])),
        first,
        wrap: KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) },
        config: RealmConfig::empty(),
    }))
}

fn put_label(value: &str) -> Action {
    Action::PutLabel {
        key: LabelKey::parse("key").unwrap(),
        value: Blob::from(value.as_bytes()),
        condition: LabelCondition::Always,
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_writes_and_only_what_is_news() {
    let mut world = World::start();
    world.realm.lead(OTHER, 1);
    world.realm.rename("while another leads");
    world.pass(TIMING.recheck).await;
    assert_eq!(world.writes(), []);
    world.realm.lead(NODE, 2);
    world.until_written(2, 2).await;
    world.realm.apply(put_label("not shown"));
    world.pass(TIMING.recheck * 3).await;
    assert_eq!(world.writes(), [(2, 2)]);
    world.realm.rename("news");
    world.until_written(2, 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_reign_raises_the_fence_though_it_shows_the_same() {
    let mut world = World::start();
    world.realm.lead(NODE, 2);
    world.until_written(2, 1).await;
    world.realm.lead(OTHER, 3);
    world.until(|status| *status == MirrorStatus::Waiting).await;
    world.realm.lead(NODE, 4);
    world.until_written(4, 1).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_nothing_is_written() {
    let mut world = World::start();
    world.realm.quorum.send_replace(false);
    world.realm.lead(NODE, 2);
    world.until(|status| matches!(status, MirrorStatus::Failing { .. })).await;
    world.pass(TIMING.recheck).await;
    assert!(world.container.calls.lock().unwrap().is_empty());
    world.realm.quorum.send_replace(true);
    world.until_written(2, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_leadership_ends_a_write_that_hangs() {
    let mut world = World::start();
    world.container.turns.lock().unwrap().push_back(Turn::Hang);
    world.realm.lead(NODE, 2);
    world.pass(TIMING.recheck).await;
    assert_eq!(world.container.calls.lock().unwrap().len(), 1);
    world.realm.lead(OTHER, 3);
    world.realm.rename("of the other");
    world.pass(TIMING.recheck).await;
    assert_eq!(world.container.calls.lock().unwrap().len(), 1);
    world.realm.lead(NODE, 4);
    world.until_written(4, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_higher_fence_makes_this_node_step_back() {
    let mut world = World::start();
    let found = Fence { term: 9, index: 1 };
    *world.container.held.lock().unwrap() = Some(Held { fence: found, document: Blob::from(&b"newer"[..]) });
    world.realm.lead(NODE, 2);
    world.until(|status| *status == MirrorStatus::SteppedBack { found }).await;
    world.realm.rename("not to be seen");
    world.pass(TIMING.recheck * 3).await;
    assert_eq!(world.writes(), []);
    world.realm.lead(NODE, 10);
    world.until_written(10, 2).await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_growing_pauses() {
    let mut world = World::start();
    world.container.turns.lock().unwrap().extend((0..5).map(|_| Turn::Fail));
    world.realm.lead(NODE, 2);
    world.until_written(2, 1).await;
    let calls = world.container.calls.lock().unwrap().clone();
    let pauses: Vec<_> = calls.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    // The last two are the read and the write that worked.
    assert_eq!(pauses, [1, 2, 4, 4, 4, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changed_is_put_right() {
    let mut world = World::start();
    world.realm.lead(NODE, 2);
    world.until_written(2, 1).await;
    world.container.held.lock().unwrap().as_mut().unwrap().document = Blob::from(&b"meddled"[..]);
    world.pass(TIMING.recheck + TIMING.retry_min).await;
    world.until_written(2, 1).await;
    *world.container.held.lock().unwrap() = None;
    world.pass(TIMING.recheck + TIMING.retry_min).await;
    world.until_written(2, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_meddler_is_noticed_by_the_next_question_and_not_only_at_the_next_look() {
    let mut world = World::start();
    world.realm.lead(NODE, 2);
    world.until_written(2, 1).await;
    // The leader's own write is looked at once more.
    world.pass(TIMING.poll * 2).await;
    for _ in 0..2 {
        *world.container.held.lock().unwrap() = None;
        let before = Instant::now();
        world.pass(TIMING.poll + Duration::from_millis(1)).await;
        world.until_written(2, 1).await;
        assert!(before.elapsed() < TIMING.poll * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_cluster() {
    let World { realm, run, .. } = World::start();
    realm.lead(NODE, 2);
    drop(realm);
    run.await.unwrap();
}
