//! Several members in one process: real TLS over loopback sockets, an authority made on the spot, and waiting on
//! conditions with a deadline.

use async_trait::async_trait;
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::{JoinTokenId, KeyedHash, NodeId, RealmId, RequestId};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::outcome::{Effect, Outcome};
use passquorum_domain::ports::{Clock, Consensus, ProposeError};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use passquorum_raft::net::{BoxStream, Listener, Net, TcpNet};
use passquorum_raft::{Cluster, ClusterSettings, PeerIdentity, PeerTls, StartError, Store, Tuning};
use passquorum_storage::MemoryDisk;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519, SanType,
};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use uuid::Uuid;

/// No condition of these tests takes longer on a slow machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const EPOCH: u32 = 1;

pub(crate) fn realm() -> RealmId {
    RealmId(Uuid::from_u128(0x7ea1))
}

/// An authority and the certificates that it makes.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "passquorum test realm");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key, PEM.
    pub(crate) fn issue(&self, identity: &PeerIdentity) -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(vec![identity.dns_name()]).unwrap();
        params.subject_alt_names.push(SanType::URI(identity.uri().try_into().unwrap()));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn tls(&self, node: NodeId, role: Role) -> Arc<PeerTls> {
        let (chain, key) = self.issue(&identity(node, role));
        Arc::new(PeerTls::new(&chain, &key, &self.pem, realm(), EPOCH).unwrap())
    }
}

pub(crate) fn identity(node: NodeId, role: Role) -> PeerIdentity {
    PeerIdentity { realm: realm(), epoch: EPOCH, node, role }
}

/// Gives out a socket that is bound already, so that its port is known and kept. Nothing is dialed from the perimeter.
struct Bound(Mutex<Option<TcpListener>>, Role);

#[async_trait]
impl Net for Bound {
    async fn dial(&self, address: &str) -> io::Result<BoxStream> {
        if self.1 == Role::DmzLearner {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        TcpNet.dial(address).await
    }

    async fn listen(&self, _address: &str) -> io::Result<Box<dyn Listener>> {
        let bound = self.0.lock().unwrap().take();
        Ok(Box::new(bound.ok_or(io::ErrorKind::AddrInUse)?))
    }
}

pub(crate) struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(u64::try_from(since.as_millis()).unwrap())
    }
}

/// The host's clock, so far off; members of one rig may share one.
#[derive(Default)]
pub(crate) struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    pub(crate) fn shift(&self, milliseconds: i64) {
        self.0.store(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp(HostClock.now().0.saturating_add_signed(self.0.load(Ordering::SeqCst)))
    }
}

/// Where a member keeps its data.
#[derive(Clone)]
pub(crate) enum Disk {
    Memory(MemoryDisk),
    Directory(PathBuf),
}

impl Disk {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryDisk::default())
    }

    async fn open(&self) -> Store {
        match self {
            Self::Memory(disk) => Store::memory(disk).unwrap(),
            // The member before may still be letting it go.
            Self::Directory(path) => eventually("the directory is free", || Store::open(path).ok()).await,
        }
    }
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) role: Role,
    pub(crate) address: String,
    pub(crate) disk: Disk,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) tls: Arc<PeerTls>,
    pub(crate) clock: Arc<ShiftedClock>,
}

/// A realm's members.
pub(crate) struct Rig {
    pub(crate) authority: Authority,
    pub(crate) tuning: Tuning,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
}

pub(crate) fn tuning() -> Tuning {
    Tuning {
        heartbeat: Duration::from_millis(60),
        election_min: Duration::from_millis(300),
        election_max: Duration::from_millis(600),
        ..Tuning::default()
    }
}

impl Rig {
    /// One member that has made the realm.
    pub(crate) async fn first(tuning: Tuning, disk: Disk) -> Self {
        let mut rig = Self { authority: Authority::new(), tuning, nodes: BTreeMap::new() };
        let id = NodeId(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        rig.start(id, Role::Voter, listener, disk).await;
        let cluster = rig.node(1);
        cluster.initialize(&address).await.unwrap();
        let create = Action::CreateRealm(Box::new(CreateRealm {
            realm: realm(),
            authority: rig.authority.pem.clone(),
            authority_key: Sealed(Blob::from(&b"sealed"[..])),
            first: new_node(id, &address),
            wrap: wrap(),
            config: RealmConfig::empty(),
        }));
        assert_eq!(cluster.propose(command(create)).await, Ok(Ok(Effect::Admitted(id))));
        rig
    }

    /// Three voters on memory.
    pub(crate) async fn three() -> Self {
        Self::voters(tuning()).await
    }

    /// Three voters on memory with these times.
    pub(crate) async fn voters(tuning: Tuning) -> Self {
        let mut rig = Self::first(tuning, Disk::memory()).await;
        for _ in 0..2 {
            let id = rig.join(Role::Voter, Disk::memory()).await;
            rig.wait_for_voter(id).await;
        }
        rig
    }

    /// Admits a node and starts it; the leader adds it by itself.
    pub(crate) async fn join(&mut self, role: Role, disk: Disk) -> NodeId {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let id = self.admit(role, &address).await;
        self.start(id, role, listener, disk).await;
        self.any().add_learner(id, &address).await.unwrap();
        id
    }

    /// Lets a voter in that takes another's place.
    pub(crate) async fn join_in_place_of(&mut self, replaces: NodeId) -> NodeId {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let token = token(Role::Voter);
        let id =
            self.admit_with(&address, &token, Action::CreateReplacement { token: token.clone(), replaces });
        let id = id.await;
        self.start(id, Role::Voter, listener, Disk::memory()).await;
        id
    }

    pub(crate) async fn admit(&self, role: Role, address: &str) -> NodeId {
        let token = token(role);
        self.admit_with(address, &token, Action::CreateJoinToken(token.clone())).await
    }

    async fn admit_with(&self, address: &str, token: &JoinToken, create: Action) -> NodeId {
        let cluster = self.any();
        assert_eq!(cluster.propose(command(create)).await, Ok(Ok(Effect::Done)));
        let admit = AdmitNode {
            token: token.id,
            secret: token.secret,
            node: new_node(NodeId(0), address),
            wrap: token.role.holds_keys().then(wrap),
        };
        match cluster.propose(command(Action::AdmitNode(Box::new(admit)))).await {
            Ok(Ok(Effect::Admitted(id))) => id,
            other => panic!("not admitted: {other:?}"),
        }
    }

    pub(crate) async fn start(&mut self, id: NodeId, role: Role, listener: TcpListener, disk: Disk) {
        self.try_start(id, role, listener, disk).await.unwrap();
    }

    async fn try_start(
        &mut self,
        id: NodeId,
        role: Role,
        listener: TcpListener,
        disk: Disk,
    ) -> Result<(), StartError> {
        let address = listener.local_addr().unwrap().to_string();
        let settings = ClusterSettings {
            node: id,
            listen: address.clone(),
            address: address.parse().unwrap(),
            tuning: self.tuning.clone(),
            elections: role == Role::Voter,
        };
        let net = Arc::new(Bound(Mutex::new(Some(listener)), role));
        let tls = self.authority.tls(id, role);
        let store = disk.open().await;
        let clock = Arc::new(ShiftedClock::default());
        let cluster = Cluster::start(settings, store, net, Arc::clone(&tls), Arc::clone(&clock) as _).await?;
        self.nodes.insert(id, Node { id, role, address, disk, cluster, tls, clock });
        Ok(())
    }

    /// Stops a member at once, as a crash would.
    pub(crate) async fn crash(&mut self, id: NodeId) -> Node {
        let node = self.nodes.remove(&id).unwrap();
        node.cluster.halt().await;
        node
    }

    /// Starts a member again on its disk and its address.
    pub(crate) async fn restart(&mut self, node: Node) {
        self.try_restart(node).await.unwrap();
    }

    /// As [`Self::restart`], for a member that may be refused.
    pub(crate) async fn try_restart(&mut self, node: Node) -> Result<(), StartError> {
        let Node { id, role, address, disk, cluster, .. } = node;
        drop(cluster);
        let listener = loop {
            match TcpListener::bind(&address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.try_start(id, role, listener, disk).await
    }

    /// Starts a member again on its disk, at another address.
    pub(crate) async fn restart_elsewhere(&mut self, node: Node) -> String {
        let Node { id, role, disk, cluster, .. } = node;
        drop(cluster);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.start(id, role, listener, disk).await;
        self.nodes[&id].address.clone()
    }

    pub(crate) fn node(&self, id: u64) -> Arc<Cluster> {
        Arc::clone(&self.nodes[&NodeId(id)].cluster)
    }

    pub(crate) fn any(&self) -> Arc<Cluster> {
        Arc::clone(&self.nodes.values().next().unwrap().cluster)
    }

    /// The leader that a majority of the running members agrees on and that has a quorum.
    pub(crate) async fn leader(&self) -> NodeId {
        eventually("there is a leader", || {
            self.nodes.values().find_map(|node| {
                let status = node.cluster.status();
                (status.leader == Some(node.id) && status.quorum).then_some(node.id)
            })
        })
        .await
    }

    pub(crate) async fn follower(&self) -> NodeId {
        let leader = self.leader().await;
        *self.nodes.keys().find(|id| **id != leader).unwrap()
    }

    pub(crate) async fn wait_for_voter(&self, id: NodeId) {
        eventually("the node votes", || {
            let all = self.nodes.values().all(|node| {
                let status = node.cluster.status();
                let votes = status.members.iter().any(|member| {
                    member.id == id && member.role == passquorum_domain::ports::MemberRole::Voter
                });
                let promoted = AuditEvent::NodeRoleChanged(id, Role::Voter);
                votes && node.cluster.local().audit().any(|record| record.event == promoted)
            });
            all.then_some(())
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        for node in self.nodes.values() {
            node.cluster.halt().await;
        }
    }
}

fn token(role: Role) -> JoinToken {
    JoinToken {
        id: JoinTokenId(Uuid::new_v4()),
        secret: KeyedHash([7; 32]),
        role,
        expires_at: Timestamp(u64::MAX),
        used_by: None,
    }
}

pub(crate) fn new_node(id: NodeId, address: &str) -> NewNode {
    NewNode {
        name: format!("node {id}"),
        cluster_address: address.to_owned(),
        site_url: "https://localhost".into(),
        wrap_key: [0; 32],
    }
}

fn wrap() -> KeyWrap {
    KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) }
}

pub(crate) fn command(action: Action) -> Command {
    Command {
        request: RequestId::Internal(Uuid::new_v4()),
        at: HostClock.now(),
        actor: Actor::Realm,
        detail: None,
        action,
    }
}

pub(crate) fn key(name: &str) -> LabelKey {
    LabelKey::parse(name).unwrap()
}

pub(crate) fn put(name: &str, value: &str) -> Command {
    command(Action::PutLabel {
        key: key(name),
        value: Blob::from(value.as_bytes()),
        condition: LabelCondition::Always,
    })
}

pub(crate) fn record() -> Command {
    command(Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None })
}

pub(crate) fn label(state: &State, name: &str) -> Option<String> {
    state.label(&key(name)).map(|label| String::from_utf8(label.value.as_bytes().to_vec()).unwrap())
}

/// Proposes until it is committed: through elections, always under one request id.
pub(crate) async fn commit(cluster: &Cluster, command: Command) -> Outcome {
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        match cluster.propose(command.clone()).await {
            Ok(outcome) => return outcome,
            Err(ProposeError::NoQuorum | ProposeError::Unknown) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "not committed in time");
    }
}

/// Looks again and again, giving other tasks their turn, until a condition holds or the limit has passed.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut turns = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            turns.tick().await;
        }
    };
    match tokio::time::timeout(LIMIT, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("not in time: {what}"),
    }
}
