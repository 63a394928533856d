//! The feature level: what needs a higher one is refused until every node supports it and somebody says so.

use crate::rig::{Disk, Rig, command, eventually, new_node, realm, tuning};
use crate::stranger::Taken;
use openraft::storage::{RaftLogStorage as _, RaftLogStorageExt as _};
use openraft::{CommittedLeaderId, Entry, EntryPayload, LogId, Membership as RaftMembership, Vote};
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::drill::DrillName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{
    Consensus, Consistency, Membership, MembershipError, ProposeError, Removal, Support, Upgrades,
};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_raft::types::{Batch, NodeInfo, TypeConfig};
use passquorum_raft::{Phase, Reached, Store, coded};
use passquorum_storage::{MemoryDisk, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use tokio::net::TcpListener;

/// The question what a node supports, on the wire.
const LEVEL: u8 = 20;

fn drill() -> Command {
    let drill = DrillName::try_from("kill-leader".to_owned()).unwrap();
    command(Action::Record { event: AuditEvent::DrillBegun { drill }, subject: None })
}

fn too_low() -> ProposeError {
    ProposeError::LevelTooLow { needs: FeatureLevel::SECOND, level: FeatureLevel::FIRST }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_next_level_is_refused_on_every_node_until_the_level_was_raised() {
    let mut rig = Rig::three().await;
    let site = rig.join(Role::SiteLearner, Disk::memory()).await;
    let dmz = rig.join(Role::DmzLearner, Disk::memory()).await;
    let leader = rig.leader().await;
    let follower = rig.follower().await;
    for node in [leader, follower, site] {
        assert_eq!(rig.node(node.0).propose(drill()).await, Err(too_low()), "node {node}");
    }
    let status = rig.node(follower.0).upgrade_status().await.unwrap();
    assert_eq!(status.level, FeatureLevel::FIRST);
    assert_eq!(status.obstacles(), Vec::<String>::new(), "{status:?}");
    let asked: BTreeSet<NodeId> = status.nodes.iter().map(|node| node.node).collect();
    assert_eq!(asked, [1, 2, 3].map(NodeId).into_iter().chain([site, dmz]).collect());
    for learner in [site, dmz] {
        let refused = rig.node(learner.0).upgrade_status().await;
        let forbidden = matches!(refused, Err(MembershipError::Propose(ProposeError::Forbidden { .. })));
        assert!(forbidden, "{refused:?}");
    }

    let actor = Actor::LocalOperator(follower);
    for _ in 0..2 {
        let raised = rig.node(follower.0).finalise_upgrade(actor.clone()).await;
        assert_eq!(raised, Ok(FeatureLevel::CURRENT));
    }
    for node in [leader, follower, site] {
        assert_eq!(rig.node(node.0).propose(drill()).await, Ok(Ok(Effect::Done)), "node {node}");
    }
    let state = rig.node(leader.0).read(Consistency::Linearizable).await.unwrap();
    let raised: Vec<(&AuditEvent, &Actor)> = state
        .audit()
        .filter(|record| matches!(record.event, AuditEvent::LevelRaised(_)))
        .map(|record| (&record.event, &record.actor))
        .collect();
    let steps =
        [FeatureLevel::SECOND, FeatureLevel::THIRD, FeatureLevel::FOURTH].map(AuditEvent::LevelRaised);
    assert_eq!(raised, steps.each_ref().map(|step| (step, &actor)), "by one level at a time, each once");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_closes_the_stream_or_is_not_there_is_named_and_does_no_harm_once_it_was_removed() {
    let rig = Rig::three().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let earlier = rig.admit(Role::SiteLearner, &listener.local_addr().unwrap().to_string()).await;
    let taken = Taken::over(listener, &rig.authority, earlier, Role::SiteLearner);
    let closes = tokio::spawn(async move {
        loop {
            drop(taken.stream_that_begins_with(LEVEL).await);
        }
    });
    let silent = rig.admit(Role::SiteLearner, "127.0.0.1:1").await;
    let node = rig.node(rig.follower().await.0);
    let status = node.upgrade_status().await.unwrap();
    let supports = |id| status.nodes.iter().find(|node| node.node == id).unwrap().supports.clone();
    assert_eq!((supports(earlier), supports(silent)), (Support::KnowsNoLevels, Support::Silent));
    for gone in [earlier, silent] {
        let refused = node.finalise_upgrade(Actor::Realm).await.unwrap_err();
        let MembershipError::NotReady(text) = &refused else { panic!("{refused:?}") };
        assert!(text.contains(&format!("node {gone} ")), "{text}");
        node.remove(gone, Removal::Careful, Actor::Realm).await.unwrap();
    }
    assert_eq!(node.finalise_upgrade(Actor::Realm).await, Ok(FeatureLevel::CURRENT));
    closes.abort();
    rig.stop().await;
}

fn too_high() -> FeatureLevel {
    FeatureLevel::CURRENT.next()
}

#[tokio::test]
async fn a_program_that_is_too_old_for_the_disk_does_not_start_on_it() {
    assert_eq!(passquorum_storage::format::NEWEST, FeatureLevel::CURRENT.number(), "FORMAT says the level");
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::default();
    state.restore_cell(CellKey::Level, Cell::Level(too_high())).unwrap();
    let reached = Reached { term: 1, index: 1 };
    passquorum_raft::found(folder.path(), state, NodeId(1), "host:1", reached).await.unwrap();
    let refused = Store::open(folder.path()).err().unwrap();
    assert!(matches!(refused, StoreError::FormatTooNew { .. }), "{refused}");
    assert!(coded(&refused).starts_with("PQ-PROGRAM-TOO-OLD"), "{refused}");
}

fn entry(index: u64, payload: EntryPayload<TypeConfig>) -> Entry<TypeConfig> {
    Entry { log_id: LogId::new(CommittedLeaderId::new(1, 1), index), payload }
}

/// The disk of a realm of one whose log rises above this program.
async fn a_log_that_rises_too_high(address: &str) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let Store { mut log, .. } = Store::memory(&disk).unwrap();
    let raise =
        |from: FeatureLevel| command(Action::RaiseLevel { from, to: from.next(), asked: vec![NodeId(1)] });
    let create = command(Action::CreateRealm(Box::new(CreateRealm {
        realm: realm(),
        authority: "PEM".into(),
        authority_key: Sealed(Blob::from(&b"sealed"[..])),
        first: new_node(NodeId(1), address),
        wrap: KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) },
        config: RealmConfig::empty(),
    })));
    let member = (1, NodeInfo { cluster_address: address.to_owned() });
    let membership = RaftMembership::new(vec![BTreeSet::from([1])], BTreeMap::from([member]));
    let steps = (1..=FeatureLevel::CURRENT.number()).map(|from| raise(FeatureLevel::from(from)));
    let commands = std::iter::once(create).chain(steps).collect();
    let entries =
        vec![entry(0, EntryPayload::Membership(membership)), entry(1, EntryPayload::Normal(Batch(commands)))];
    log.blocking_append(entries).await.unwrap();
    log.save_vote(&Vote::new_committed(1, 1)).await.unwrap();
    disk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_realm_rises_above_its_program_leaves_and_does_not_come_back() {
    let mut rig = Rig::first(tuning(), Disk::memory()).await;
    let mut node = rig.crash(NodeId(1)).await;
    node.disk = Disk::Memory(a_log_that_rises_too_high(&node.address).await);
    rig.restart(node).await;
    let phase = rig.node(1).phase();
    eventually("it leaves", || (*phase.borrow() == Phase::ProgramTooOld).then_some(())).await;
    assert_eq!(rig.node(1).local().level(), too_high());
    rig.stop().await;
}
