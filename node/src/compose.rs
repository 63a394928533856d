//! The one place where a node is wired together. It reads from top to bottom as a picture of the system:
//! storage → cluster → key ring → admission and directories → sites, API and health → listeners and the mirror. What is
//! served, and with what, differs with the role: see `Parts::inner` and `Parts::perimeter`.

use crate::admission::{Learners, RealmAdmission};
use crate::config::NodeConfig;
use crate::data_dir::DataDir;
use crate::directories::{NoDirectories, RealmDirectories};
use crate::env::Env;
use crate::gateway::{Visitors, Voters};
use crate::health::{self, Health};
use crate::keyring::Keyring;
use crate::keys::{KeysError, NodeKeys};
use crate::pid_file::{ClaimError, PidFile};
use crate::site_door::SiteDoor;
use crate::stop::{self, Stopper};
use crate::{admin_socket, listen, request_count};
use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderValue, Method, header};
use passquorum_ad_sync::mirror::{Mirror, MirrorStatus, Timing};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Consensus as _, Directories, Membership, MembershipError};
use passquorum_domain::time::Span;
use passquorum_raft::{Cluster, ClusterSettings, PeerTls, Store, Tuning, coded, storage_code};
use passquorum_sites::{Ports, SiteSettings, Sites};
use passquorum_storage::StoreError;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A node warns this long before its certificate ends.
const EXPIRY_WARNING: Span = Span::hours(24 * 14);

/// A node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the data directory.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Its storage.
    #[error("{}", coded(.0))]
    Storage(#[from] StoreError),
    /// TLS between nodes.
    #[error(transparent)]
    PeerTls(#[from] passquorum_raft::TlsError),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] passquorum_raft::StartError),
    /// The listener.
    #[error(transparent)]
    Listen(#[from] listen::ListenError),
    /// The local socket.
    #[error(transparent)]
    Socket(#[from] admin_socket::SocketError),
}

impl StartError {
    /// Whether the same command may work later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Storage(error) | Self::Cluster(passquorum_raft::StartError::Storage(error)) => {
                storage_code(error) == Some(ErrorCode::DiskFailed)
            }
            _ => false,
        }
    }
}

/// A running node.
pub struct Node {
    pub(crate) data: DataDir,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) health: Arc<Health>,
    pub(crate) stopper: Stopper,
    pub(crate) tasks: JoinSet<&'static str>,
    pub(crate) _claim: PidFile,
}

impl Node {
    /// Starts a node that `init` or `join` has made. Returns once it listens; it is ready when a leader is known and
    /// the realm key has come through the log.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    pub async fn start(config: NodeConfig, env: Env) -> Result<Self, StartError> {
        let claim = PidFile::claim(&config.data.pid())?;
        let keys = NodeKeys::load(&config.data.keys())?;
        let identity = keys.identity;
        if env.clock.now().plus(EXPIRY_WARNING) >= keys.expires_at {
            tracing::warn!(
                expires_at_ms = keys.expires_at.0,
                "the node's certificate ends soon; let it join anew"
            );
        }
        let tls = listen::tls(&keys.chain, &keys.tls_key, config.site_certificate.as_ref())?;
        let site_listener = listen::bind(config.site_address.as_str()).await?;
        let socket = admin_socket::bind(&config.data.socket())?;

        let cluster = start_cluster(&config, &keys, &env).await?;
        let keyring = Arc::new(Keyring::empty(Arc::clone(&env.entropy)));
        let (told, mirrored) = watch::channel(MirrorStatus::Waiting);
        let refusals = cluster.refusals();
        let health =
            Health::new(Arc::clone(&cluster) as _, Arc::clone(&keyring), identity.role, mirrored, refusals);
        let parts = Parts { config: &config, cluster: &cluster, keyring: &keyring, env: &env };
        let (served, mirror) = match identity.role {
            Role::DmzLearner => (parts.perimeter(Arc::new(health.behind(cluster.lenders()))), None),
            Role::Voter | Role::SiteLearner => {
                let (served, mirror) = parts.inner(Arc::new(health), told);
                (served, Some(mirror))
            }
        };
        let Served { health, public, local } = served;
        let trusted = config.trusted_proxies.iter().copied().collect();
        let door = SiteDoor::new(config.site_connections, trusted, cluster.refusals());
        let public = request_count::wrap(public, Arc::clone(&health));
        let local = request_count::wrap(local, Arc::clone(&health));

        let (stopper, stop) = stop::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(named(
            "the HTTPS listener",
            listen::serve(site_listener, door, tls, public, stop.clone()),
        ));
        tasks.spawn(named("the local socket", admin_socket::serve(socket, local, stop.clone())));
        if let Some(mirror) = mirror {
            tasks.spawn(named("the mirror", keep_mirror(mirror, stop.clone())));
            let wraps = key_arrival(Arc::clone(&cluster), keyring, keys, stop);
            tasks.spawn(named("the key ring", wraps));
        }
        let (site, peers) = (config.site_url.as_str(), config.cluster_address.as_str());
        tracing::info!(node = %identity.node, role = %identity.role, site, peers, "the node runs");
        Ok(Self { data: config.data, cluster, health, stopper, tasks, _claim: claim })
    }
}

/// What the sites are made of.
struct Parts<'a> {
    config: &'a NodeConfig,
    cluster: &'a Arc<Cluster>,
    keyring: &'a Arc<Keyring>,
    env: &'a Env,
}

/// What a node serves: to everyone who reaches its port, and to whoever may open its local socket.
struct Served {
    health: Arc<Health>,
    public: Router,
    local: Router,
}

impl Parts<'_> {
    fn ports(&self, directories: Arc<dyn Directories>) -> Ports {
        Ports {
            consensus: Arc::clone(self.cluster) as _,
            directories,
            vault: Arc::clone(self.keyring) as _,
            clock: Arc::clone(&self.env.clock),
            entropy: Arc::clone(&self.env.entropy),
            membership: Arc::clone(self.cluster) as Arc<dyn Membership>,
            admission: Arc::new(RealmAdmission {
                consensus: Arc::clone(self.cluster) as _,
                keyring: Arc::clone(self.keyring),
                learners: Arc::clone(self.cluster) as _,
                clock: Arc::clone(&self.env.clock),
                entropy: Arc::clone(&self.env.entropy),
            }),
        }
    }

    fn settings(&self) -> SiteSettings {
        let mut settings = SiteSettings::new(self.config.name.clone());
        settings.trusted_proxies = self.config.trusted_proxies.iter().copied().collect();
        settings.requests_per_source = self.config.site_connections.per_source;
        settings
    }

    /// A node that holds the realm key: every site, the API, and the mirror when it leads.
    fn inner(&self, health: Arc<Health>, told: watch::Sender<MirrorStatus>) -> (Served, Mirror) {
        let cluster = self.cluster;
        let directories = Arc::new(RealmDirectories::new(
            Arc::clone(cluster) as _,
            Arc::clone(self.keyring) as _,
            self.config.demo_directory.clone(),
        ));
        let mirror = Mirror {
            node: cluster.node(),
            leadership: cluster.leadership(),
            states: cluster.states(),
            reads: Arc::clone(cluster) as _,
            containers: Arc::clone(&directories) as _,
            timing: Timing::default(),
            status: told,
        };
        let sites = Sites::new(self.ports(directories), self.settings());
        let keyring = Arc::clone(self.keyring);
        let clock = Arc::clone(&self.env.clock);
        let can_serve = move || keyring.holds_key();
        cluster.open_gateway(Arc::new(Visitors::new(
            sites.self_service(),
            can_serve,
            clock,
            cluster.refusals(),
        )));
        let router = sites.router().merge(health::router(Arc::clone(&health)));
        (Served { health, public: router.clone(), local: router }, mirror)
    }

    /// A node in the perimeter: the Self-Service site, whose work voters do, and what its load balancer asks. Only the
    /// host's operator sees its status and metrics.
    fn perimeter(&self, health: Arc<Health>) -> Served {
        let ports = self.ports(Arc::new(NoDirectories));
        let work = Arc::new(Voters(Arc::clone(self.cluster)));
        let local = health::router(Arc::clone(&health)).merge(passquorum_sites::perimeter_api(&ports));
        let public = passquorum_sites::perimeter_router(ports, self.settings(), work)
            .layer(from_fn(part_after_a_form))
            .merge(health::probes(Arc::clone(&health)));
        Served { health, public, local }
    }
}

/// Opens the storage and starts the Raft member on it.
pub(crate) async fn start_cluster(
    config: &NodeConfig,
    keys: &NodeKeys,
    env: &Env,
) -> Result<Arc<Cluster>, StartError> {
    let identity = keys.identity;
    let store = Store::open(&config.data.store())?;
    let tls = PeerTls::new(&keys.chain, &keys.tls_key, &keys.authority, identity.realm, identity.epoch)?;
    let settings = ClusterSettings {
        node: identity.node,
        listen: config.cluster_listen.as_ref().unwrap_or(&config.cluster_address).to_string(),
        tuning: Tuning {
            heartbeat: config.timing.heartbeat,
            election_min: config.timing.election_min,
            election_max: config.timing.election_max,
            patience: Tuning::default().patience.max(config.timing.election_max.saturating_mul(3)),
            stabilisation: config.voters.stabilisation,
            dead_voter_after: config.voters.dead_voter_after,
            fewest_voters: config.voters.fewest,
            ..Tuning::default()
        },
        elections: identity.role == Role::Voter,
    };
    let clock = Arc::clone(&env.clock);
    Ok(Cluster::start(settings, store, Arc::clone(&env.net), Arc::new(tls), clock).await?)
}

/// Ends a connection over which a form came, so that the buffers that it passed through are freed and overwritten.
async fn part_after_a_form(request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST;
    let mut response = next.run(request).await;
    if is_form {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

/// Mirrors the realm until the word to stop, which cuts a write off.
async fn keep_mirror(mirror: Mirror, mut stop: stop::Stop) {
    tokio::select! {
        biased;
        () = stop.stopped() => {}
        () = mirror.run() => stop.stopped().await,
    }
}

/// Takes the realm key out of this node's wrap whenever the state brings one.
async fn key_arrival(cluster: Arc<Cluster>, keyring: Arc<Keyring>, keys: NodeKeys, mut stop: stop::Stop) {
    let (realm, node) = (keys.identity.realm, keys.identity.node);
    let mut states = cluster.states();
    drop(cluster);
    let mut seen = None;
    loop {
        let wrap = states.borrow_and_update().wrap(node).cloned();
        if wrap != seen {
            match wrap.as_ref().map(|wrap| keyring.unwrap_from(&keys.wrap, realm, wrap)) {
                Some(Ok(())) => tracing::info!("the realm key is here"),
                Some(Err(error)) => {
                    tracing::error!(%error, "the realm key's wrap does not open with this node's key")
                }
                None => {}
            }
            seen = wrap;
        }
        tokio::select! {
            changed = states.changed() => if changed.is_err() { break },
            () = stop.stopped() => return,
        }
    }
    stop.stopped().await;
}

#[async_trait]
impl Learners for Cluster {
    async fn add_learner(&self, node: NodeId, cluster_address: &str) -> Result<(), MembershipError> {
        Self::add_learner(self, node, cluster_address).await
    }
}
