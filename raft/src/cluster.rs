//! A running member of the cluster, and the ports that it stands behind.

use crate::election::Pulse;
use crate::error::StartError;
use crate::gateway::Turnstile;
use crate::integrity::books::{self, Books, Standing};
use crate::integrity::evidence::Evidence;
use crate::integrity::lives::Lives;
use crate::integrity::witness::{Introduction, Reach, Witnesses};
use crate::integrity::{self, Integrity};
use crate::leadership;
use crate::member::Member;
use crate::net::Net;
use crate::raft_network::{HeldBack, Network};
use crate::renewal::Certifier;
use crate::state_machine::Replica;
use crate::transport::client::Peers;
use crate::transport::door::Door;
use crate::transport::server::{self, Service};
use crate::transport::tls::PeerTls;
use crate::tuning::Tuning;
use crate::types::{NodeInfo, TypeConfig};
use crate::wire::{Change, Renew};
use crate::{announce, duties, election, lender, proposals, read_index, status};
use async_trait::async_trait;
use openraft::Raft;
use openraft::error::{InitializeError, RaftError};
use openraft::storage::RaftLogStorage as _;
use passquorum_domain::address::HostPort;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Command;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::limit::Refusals;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::{
    Clock, ClusterStatus, Consensus, Consistency, LeaderRead, LeaderReads, Leadership, Membership,
    MembershipError, ProposeError, ReadError, Removal,
};
use passquorum_domain::state::State;
use passquorum_storage::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A leader that stops takes this long at most to hand over.
const HAND_OVER: Duration = Duration::from_secs(5);
/// The storage is let go within this after Raft has ended.
const RELEASE: Duration = Duration::from_secs(5);

/// What a member is started with.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// This node.
    pub node: NodeId,
    /// `host:port` to listen on for peers.
    pub listen: String,
    /// Times and sizes; the same on every node.
    pub tuning: Tuning,
    /// Where peers reach this node.
    pub address: HostPort,
    /// Whether this node may stand for election: a voter's may, a learner's must not.
    pub elections: bool,
}

/// How a member is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It takes part.
    Running,
    /// It was removed from the realm and takes no part any more. Its id is never used again.
    Removed,
    /// Its storage failed; Raft has stopped. The log says why.
    Failed,
    /// Its disk is an old copy: others remember more of it than it has. It never takes part again on this disk.
    Outdated,
    /// The realm's feature level is above what this program supports.
    ProgramTooOld,
    /// Its state was not what the majority has. It never takes part again; see [`Cluster::evidence`].
    Diverged,
    /// It was stopped.
    Stopped,
}

impl From<Standing> for Phase {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Diverged(_) => Self::Diverged,
            Standing::Outdated => Self::Outdated,
        }
    }
}

/// Names an entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Applied {
    /// The term in which it was written.
    pub term: u64,
    /// The leader that wrote it.
    pub leader: NodeId,
    /// Where it stands.
    pub index: u64,
}

/// What a member has applied, as of one moment.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The state.
    pub state: Arc<State>,
    /// The last entry in it.
    pub applied: Option<Applied>,
    /// Who votes, by that entry.
    pub voters: BTreeSet<NodeId>,
    /// Who belongs to the cluster, by that entry.
    pub members: BTreeSet<NodeId>,
}

/// A member of the cluster. Ends with [`Cluster::stop`].
pub struct Cluster {
    pub(crate) member: Arc<Member>,
    states: watch::Receiver<Arc<State>>,
    phase: watch::Sender<Phase>,
    tasks: StdMutex<JoinSet<()>>,
}

impl Cluster {
    /// Starts a member on its storage and listens for peers. It takes part once a leader has added it, or after
    /// [`Cluster::initialize`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        settings: ClusterSettings,
        mut store: Store<TypeConfig, Replica>,
        net: Arc<dyn Net>,
        tls: Arc<PeerTls>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StartError> {
        let ClusterSettings { node, listen, tuning, address, elections } = settings;
        let config = tuning.config()?;
        let identity = tls.identity();
        if identity.node != node {
            return Err(StartError::OtherNode { node, certified: identity.node });
        }
        let published = store.state.subscribe();
        let state = published.borrow().machine.state();
        if state.instance(node).is_some_and(|own| own.is_removed()) {
            return Err(StartError::Removed(node));
        }
        if state.level() > FeatureLevel::CURRENT {
            return Err(StartError::ProgramTooOld { level: state.level() });
        }
        let records = store.log.records();
        match books::standing(&records)? {
            None => {}
            Some(Standing::Diverged(index)) => return Err(StartError::Diverged { index }),
            Some(Standing::Outdated) => return Err(StartError::Outdated),
        }
        let listener = net
            .listen(&listen)
            .await
            .map_err(|source| StartError::Listen { address: listen.clone(), source })?;
        store.log.belong_to(node.0);
        let lives = Lives::begin(&records)?;
        let witnesses = Witnesses::load(&records)?;
        drop(records);
        // Read before Raft starts, which may add an entry of its own.
        let vote = store.log.read_vote().await.map_err(|e| StartError::Raft(e.to_string()))?;
        let reach = Reach::of_disk(vote, store.log.last_log_id(), published.borrow().last_applied);
        let introduction = Introduction { lives, reach };
        let refusals = Refusals::new(Arc::clone(&clock));
        let peers = Arc::new(Peers::new(net, Arc::clone(&tls), witnesses, Arc::clone(&refusals)));
        let durable = store.log.durable();
        let held_back = HeldBack::new();
        let network = Network {
            peers: Arc::clone(&peers),
            durable: durable.clone(),
            held_back: Arc::clone(&held_back),
        };
        let books = Books::open(&mut store.log).await;
        let raft = Raft::new(node.0, Arc::new(config), network, store.log, store.state)
            .await
            .map_err(|e| StartError::Raft(e.to_string()))?;
        let (leaders, leadership) = watch::channel(Leadership::default());
        let door = Door::new(Arc::clone(&refusals), Arc::clone(&clock));
        let (reads, rounds) = read_index::gate(Arc::clone(&refusals));
        let (queued, entries) = proposals::queue(Arc::clone(&refusals));
        let member = Arc::new(Member {
            node,
            certified_role: identity.role,
            metrics: raft.metrics(),
            raft: raft.clone(),
            published,
            leadership,
            peers: Arc::clone(&peers),
            durable: durable.clone(),
            pulse: Pulse::new(),
            turnstile: Turnstile::new(Arc::clone(&clock), Arc::clone(&refusals)),
            clock,
            tuning,
            elections,
            reads,
            proposals: queued,
            refusals,
            heard: watch::Sender::new(None),
            arriving: Default::default(),
            handing_over: AtomicBool::new(false),
            changing: Default::default(),
            admitting: Default::default(),
            integrity: Integrity::new(books, peers),
            certifier: OnceLock::new(),
        });
        let (state_sender, states) = watch::channel(state);
        let phase = watch::Sender::new(Phase::Running);
        let mut tasks = JoinSet::new();
        tasks.spawn(held_back.announce(Arc::downgrade(&member), durable));
        tasks.spawn(election::run(Arc::downgrade(&member)));
        tasks.spawn(leadership::follow(raft, leaders));
        tasks.spawn(rounds.run(Arc::downgrade(&member)));
        tasks.spawn(entries.run(Arc::downgrade(&member)));
        tasks.spawn(status::follow_leader(Arc::downgrade(&member)));
        tasks.spawn(duties::run(Arc::downgrade(&member)));
        tasks.spawn(announce::run(Arc::downgrade(&member), address));
        tasks.spawn(lender::run(Arc::downgrade(&member)));
        tasks.spawn(integrity::entry::run(Arc::downgrade(&member), introduction));
        tasks.spawn(integrity::rounds::run(Arc::downgrade(&member)));
        tasks.spawn(integrity::rounds::take_notes(Arc::downgrade(&member)));
        tasks.spawn(follow_states(Arc::clone(&member), state_sender));
        tasks.spawn(watch_phase(Arc::clone(&member), phase.clone()));
        let service: Arc<dyn Service> = Arc::clone(&member) as Arc<dyn Service>;
        tasks.spawn(server::listen(listener, door, tls, service));
        Ok(Arc::new(Self { member, states, phase, tasks: StdMutex::new(tasks) }))
    }

    /// Makes a cluster of this node alone, which others then join. Returns once it leads.
    ///
    /// # Errors
    /// [`StartError::AlreadyInitialized`], or Raft refuses.
    pub async fn initialize(&self, cluster_address: &str) -> Result<(), StartError> {
        let info = NodeInfo { cluster_address: cluster_address.to_owned() };
        let members = BTreeMap::from([(self.member.node.0, info)]);
        match self.member.raft.initialize(members).await {
            Ok(()) => {}
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {
                return Err(StartError::AlreadyInitialized);
            }
            Err(error) => return Err(StartError::Raft(error.to_string())),
        }
        let mut leadership = self.leadership();
        let leads = leadership.wait_for(|now| now.leader == Some(self.member.node));
        match timeout(self.member.tuning.patience, leads).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(StartError::Raft("the first node did not become leader in time".into())),
        }
    }

    /// Adds a registered node as a member that does not vote. May be called on any voter, and again.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn add_learner(&self, node: NodeId, cluster_address: &str) -> Result<(), MembershipError> {
        let change = Change::AddLearner { node, cluster_address: cluster_address.to_owned() };
        self.member.change(change).await.map(drop)
    }

    /// From now on this member certifies nodes while it leads. Only the first call counts.
    pub fn certify_with(&self, certifier: Arc<dyn Certifier>) {
        self.member.certifier.get_or_init(|| certifier);
    }

    /// Has the leader certify this node's new key (a signing request, PKCS#10 in PEM) for the name that it has; answers
    /// the certificate, PEM.
    ///
    /// # Errors
    /// See [`MembershipError`]; nothing was changed, but an audit record may be there.
    pub async fn renew_certificate(&self, csr: String, actor: Actor) -> Result<String, MembershipError> {
        self.member.renew(Renew { csr, actor }).await
    }

    /// The state after each applied batch.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<Arc<State>> {
        self.states.clone()
    }

    /// What this member has applied, and the membership as of then.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let published = self.member.published.borrow().clone();
        let membership = published.membership.membership();
        Progress {
            state: published.machine.state(),
            applied: published.last_applied.map(|id| Applied {
                term: id.leader_id.term,
                leader: NodeId(id.leader_id.node_id),
                index: id.index,
            }),
            voters: membership.voter_ids().map(NodeId).collect(),
            members: membership.nodes().map(|(id, _)| NodeId(*id)).collect(),
        }
    }

    /// What this node refused for want of room. Its other parts count here too.
    #[must_use]
    pub fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.member.refusals)
    }

    /// Who leads.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.member.leadership.clone()
    }

    /// How this member is doing. The process should end when it is anything but running.
    #[must_use]
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// What is known of this member's divergence, once there is one.
    #[must_use]
    pub fn evidence(&self) -> Option<Arc<Evidence>> {
        self.member.integrity.evidence.borrow().clone()
    }

    /// Why the storage failed, once it has.
    #[must_use]
    pub fn storage_failure(&self) -> Option<String> {
        self.member.metrics.borrow().running_state.as_ref().err().map(ToString::to_string)
    }

    /// Whether Raft answers here within a time; it need not have a leader. One that does not is stuck or has ended.
    pub async fn answers(&self, within: Duration) -> bool {
        matches!(timeout(within, self.member.raft.with_raft_state(|_| ())).await, Ok(Ok(())))
    }

    /// Stops in good order: a leader hands over first, if there is somebody to take over.
    pub async fn stop(&self) {
        if self.member.leads() && self.member.voters().len() > 1 {
            match timeout(HAND_OVER, self.member.hand_over(None)).await {
                Ok(Ok(leader)) => tracing::info!(%leader, "leadership was handed over"),
                Ok(Err(error)) => tracing::warn!(%error, "leadership was not handed over"),
                Err(_) => tracing::warn!("leadership was not handed over in time"),
            }
        }
        self.halt().await;
    }

    /// Stops at once, as far as the others can tell by a crash.
    pub async fn halt(&self) {
        self.phase.send_if_modified(|phase| std::mem::replace(phase, Phase::Stopped) != Phase::Stopped);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        self.member.peers.close();
        if let Err(error) = self.member.raft.shutdown().await {
            tracing::warn!(%error, "Raft did not end in order");
        }
        self.member.integrity.books.close().await;
        // The state's store is gone when nobody publishes any more.
        let mut published = self.member.published.clone();
        let released = async { while published.changed().await.is_ok() {} };
        if timeout(RELEASE, released).await.is_err() {
            tracing::warn!("the storage is still in use");
        }
    }
}

/// Passes the state on after each applied batch.
async fn follow_states(member: Arc<Member>, states: watch::Sender<Arc<State>>) {
    let mut published = member.published.clone();
    loop {
        let state = published.borrow_and_update().machine.state();
        states.send_replace(state);
        if published.changed().await.is_err() {
            return;
        }
    }
}

/// Takes a member out of service when it was removed or its storage failed.
async fn watch_phase(member: Arc<Member>, phase: watch::Sender<Phase>) {
    let mut metrics = member.metrics.clone();
    let mut published = member.published.clone();
    let mut outcast = member.peers.outcast();
    let mut condemned = member.integrity.condemned.subscribe();
    // The state's store goes with Raft, and may be gone before the metrics say why.
    let mut gone = false;
    loop {
        let (removed_here, too_old) = {
            let published = published.borrow_and_update();
            let state = published.machine.view();
            let removed = state.instance(member.node).is_some_and(|own| own.is_removed());
            (removed, state.level() > FeatureLevel::CURRENT)
        };
        let standing = *condemned.borrow_and_update();
        let next = if let Some(standing) = standing {
            Some(standing.into())
        } else if removed_here || *outcast.borrow_and_update() {
            Some(Phase::Removed)
        } else if too_old {
            Some(Phase::ProgramTooOld)
        } else if gone || metrics.borrow_and_update().running_state.is_err() {
            Some(Phase::Failed)
        } else {
            None
        };
        if let Some(next) = next {
            phase.send_if_modified(|phase| {
                let running = *phase == Phase::Running;
                if running {
                    *phase = next;
                }
                running
            });
            tracing::error!(phase = ?next, "this member takes no part any more");
            drop(member.raft.shutdown().await);
            return;
        }
        gone = tokio::select! {
            biased;
            changed = published.changed() => changed.is_err(),
            changed = metrics.changed() => changed.is_err(),
            changed = outcast.changed() => changed.is_err(),
            changed = condemned.changed() => changed.is_err(),
        };
    }
}

#[async_trait]
impl Consensus for Cluster {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        self.member.propose(command).await
    }

    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        match consistency {
            Consistency::Linearizable => self.member.read_linearizable().await,
            Consistency::Local => Ok(self.member.state()),
        }
    }

    fn local(&self) -> Arc<State> {
        self.member.state()
    }

    fn node(&self) -> NodeId {
        self.member.node
    }

    fn status(&self) -> ClusterStatus {
        self.member.status()
    }
}

#[async_trait]
impl LeaderReads for Cluster {
    async fn read_as_leader(&self) -> Result<LeaderRead, ReadError> {
        self.member.read_as_leader().await
    }
}

#[async_trait]
impl Membership for Cluster {
    async fn promote(&self, node: NodeId, actor: Actor) -> Result<(), MembershipError> {
        self.member.change(Change::Promote { node, actor }).await.map(drop)
    }

    async fn remove(&self, node: NodeId, removal: Removal, actor: Actor) -> Result<(), MembershipError> {
        let change = match removal {
            Removal::Careful => Change::Remove { node, actor },
            Removal::Forced => Change::ForceRemove { node, actor },
        };
        self.member.change(change).await.map(drop)
    }

    async fn move_node(&self, node: NodeId, to: HostPort, actor: Actor) -> Result<(), MembershipError> {
        self.member.change(Change::Move { node, to, actor }).await.map(drop)
    }

    async fn transfer_leader(&self, to: Option<NodeId>, actor: Actor) -> Result<NodeId, MembershipError> {
        self.member.change(Change::Transfer { to, actor }).await
    }
}
