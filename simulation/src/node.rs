//! A simulated node: the production cluster member on a disk in memory, with its own clock and randomness. Its disk,
//! clock and address outlive its process; everything else is made anew at each start and gone with a crash.
//!
//! Others speak to it by jobs, which run on the node and die with it. A guest (a site, a loop of the node) is started
//! with each process on the node's ports.

use crate::authority::Authority;
use crate::container::Controller;
use crate::invariant::Broken;
use crate::net::SimulatedNet;
use crate::stage::Stage;
use crate::time::{NodeClock, SeededEntropy};
use crate::trace::{Trace, What};
use crate::watch;
use futures::future::BoxFuture;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Clock, Entropy};
use passquorum_domain::state::State;
use passquorum_raft::{Cluster, ClusterSettings, Phase, Store, Tuning};
use passquorum_storage::MemoryDisk;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The port of every node for its peers.
const PEER_PORT: u16 = 7000;

/// What a running node gives to those who use it.
#[derive(Clone)]
pub struct Ports {
    /// The node.
    pub node: NodeId,
    /// Its member of the cluster: `Consensus` and `Membership`.
    pub cluster: Arc<Cluster>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Something that runs on each node as long as its process lives.
pub trait Guest: Send + Sync {
    /// Runs on a node.
    fn run(&self, ports: Ports) -> BoxFuture<'static, ()>;

    /// Takes part in the run beside the clients, until the faults end.
    fn perform(&self, _stage: Arc<Stage>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    /// Judges the run once everything has come together in this state.
    fn judge(&self, _stage: &Stage, _state: &Arc<State>) -> Result<(), Broken> {
        Ok(())
    }
}

type Job = Box<dyn FnOnce(Ports) -> BoxFuture<'static, ()> + Send>;

/// What all nodes of a run share.
pub struct Surroundings {
    /// The realm's authority.
    pub authority: Authority,
    /// The cluster's times and sizes.
    pub tuning: Tuning,
    /// What happened.
    pub trace: Arc<Trace>,
    /// What is watched while the run goes on.
    pub watch: Arc<watch::Watch>,
    /// The domain controller that the realm is mirrored on.
    pub controller: Arc<Controller>,
    /// What runs on each node beside the cluster.
    pub guests: Vec<Arc<dyn Guest>>,
}

/// A node, whether it runs or not.
pub struct SimulatedNode {
    /// Its id, once and for all.
    pub id: NodeId,
    /// The role that its certificate names.
    pub role: Role,
    /// Its name in the simulated network.
    pub host: String,
    /// Its disk.
    pub disk: MemoryDisk,
    /// Its clock.
    pub clock: Arc<NodeClock>,
    entropy: Arc<SeededEntropy>,
    surroundings: Arc<Surroundings>,
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    starts: AtomicU32,
}

impl SimulatedNode {
    /// A node on an empty disk.
    #[must_use]
    pub fn new(
        id: NodeId,
        role: Role,
        host: String,
        clock: NodeClock,
        seed: u64,
        surroundings: Arc<Surroundings>,
    ) -> Self {
        Self {
            id,
            role,
            host,
            disk: MemoryDisk::default(),
            clock: Arc::new(clock),
            entropy: Arc::new(SeededEntropy::new(seed)),
            surroundings,
            jobs: Mutex::default(),
            starts: AtomicU32::new(0),
        }
    }

    /// Where a host's peers reach it.
    #[must_use]
    pub fn address_of(host: &str) -> String {
        format!("{host}:{PEER_PORT}")
    }

    /// Whether its process runs and takes jobs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Runs something on the node. The answer is lost when the node's process ends before.
    pub fn ask<T, F>(&self, job: impl FnOnce(Ports) -> F + Send + 'static) -> oneshot::Receiver<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let job: Job = Box::new(move |ports| {
            let running = job(ports);
            Box::pin(async move {
                // Whoever asked may have given up.
                answer.send(running.await).ok();
            })
        });
        if let Some(jobs) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            jobs.send(job).ok();
        }
        receiver
    }

    /// Notes that the process was ended from outside.
    pub fn was_crashed(&self) {
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// One life of the process.
    pub async fn live(self: Arc<Self>) {
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        let mut delay = [0];
        self.entropy.fill(&mut delay);
        // Processes do not start in step with one another, or elections would.
        tokio::time::sleep(Duration::from_millis(u64::from(delay[0]))).await;
        self.surroundings.trace.record(What::Up(self.id, start + 1));
        let why = match self.start().await {
            Ok(cluster) => format!("{:?}", self.serve(cluster).await),
            Err(why) => why,
        };
        self.was_crashed();
        self.surroundings.watch.ended(self.id, &why);
        self.surroundings.trace.record(What::Down(self.id, why));
    }

    async fn start(&self) -> Result<Arc<Cluster>, String> {
        let store = Store::memory(&self.disk).map_err(|e| format!("the store does not open: {e}"))?;
        let tls = self.surroundings.authority.tls(self.id, self.role).map_err(|e| e.to_string())?;
        let settings = ClusterSettings {
            node: self.id,
            listen: format!("0.0.0.0:{PEER_PORT}"),
            address: Self::address_of(&self.host).parse().map_err(|e| format!("{e}"))?,
            tuning: self.surroundings.tuning.clone(),
            elections: self.role == Role::Voter,
        };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Cluster::start(settings, store, Arc::new(SimulatedNet), Arc::new(tls), clock)
            .await
            .map_err(|e| format!("the member does not start: {e}"))
    }

    async fn serve(&self, cluster: Arc<Cluster>) -> Phase {
        let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        let ports = Ports {
            node: self.id,
            cluster: Arc::clone(&cluster),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.entropy) as Arc<dyn Entropy>,
        };
        tokio::spawn(watch::follow(
            Arc::clone(&cluster),
            Arc::clone(&self.surroundings.watch),
            Arc::clone(&self.surroundings.trace),
        ));
        for guest in &self.surroundings.guests {
            tokio::spawn(guest.run(ports.clone()));
        }
        let mut phase = cluster.phase();
        loop {
            tokio::select! {
                biased;
                ended = phase.wait_for(|phase| *phase != Phase::Running) => {
                    let ended = ended.map_or(Phase::Failed, |phase| *phase);
                    cluster.halt().await;
                    return ended;
                }
                job = jobs.recv() => match job {
                    Some(job) => drop(tokio::spawn(job(ports.clone()))),
                    None => return Phase::Stopped,
                },
            }
        }
    }
}
