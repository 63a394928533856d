//! The one place where a node is wired together. It reads from top to bottom as a picture of the system:
//! storage → cluster → key ring → admission and directories → sites, API and health → listeners, mirror and mail. What is
//! served, and with what, differs with the role: see `Parts::inner` and `Parts::perimeter`.

use crate::admission::{Learners, RealmAdmission};
use crate::backup::RealmBackups;
use crate::certifier::RealmCertifier;
use crate::config::NodeConfig;
use crate::data_dir::DataDir;
use crate::directories::{NoDirectories, RealmDirectories};
use crate::env::Env;
use crate::gateway::{Visitors, Voters};
use crate::health::{self, Health, Scraped};
use crate::key_care::NodeKeyCare;
use crate::keyring::Keyring;
use crate::keys::{KeyFolder, KeysError, NodeKeys};
use crate::mail::{Postman, Smtp};
use crate::metrics::Metrics;
use crate::metrics::gauges::Surroundings;
use crate::observed::{ObservedConsensus, ObservedDirectories};
use crate::pid_file::{ClaimError, PidFile};
use crate::renewal::{Plan, Renewal};
use crate::rotation::{KeyArrival, RealmKeyCare};
use crate::site_door::SiteDoor;
use crate::site_tls::SiteTls;
use crate::stop::{self, Stopper};
use crate::systemd::{self, Manager, Progress};
use crate::telemetry::LogControl;
use crate::{admin_socket, audit_log, listen, local_storage, request_count};
use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderValue, Method, header};
use passquorum_ad_sync::Names;
use passquorum_ad_sync::mirror::{Mirror, MirrorStatus, Timing};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Consensus, Directories, Membership, MembershipError};
use passquorum_raft::{Cluster, ClusterSettings, PeerTls, Store, Tuning, coded, storage_code};
use passquorum_sites::{LocaleError, Locales, Ports, SiteSettings, Sites};
use passquorum_storage::StoreError;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

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
    /// The operator's own texts of the pages.
    #[error("site.locales: {0}")]
    Locales(#[from] LocaleError),
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
    pub(crate) drain: Duration,
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
        let locales = config
            .site_locales
            .as_deref()
            .map_or_else(|| Ok(Locales::built_in()), Locales::with_directory)?;
        let key_folder = KeyFolder { path: config.data.keys(), protection: env.protection.clone() };
        let keys = NodeKeys::load(&key_folder)?;
        let identity = keys.tls.identity;
        let chain = keys.tls.chain(&keys.authority);
        let site_tls = SiteTls::open(&chain, &keys.tls.key, config.site_certificate.as_ref())?;
        let tls = site_tls.config()?;
        let peer_tls = peer_tls(&keys)?;
        let site_listener = listen::bind(config.site_address.as_str()).await?;
        let socket = admin_socket::bind(&config.data.socket())?;

        let cluster = start_cluster(&config, Arc::clone(&peer_tls), &env).await?;
        let metrics = Arc::new(Metrics::default());
        let consensus: Arc<dyn Consensus> =
            Arc::new(ObservedConsensus { inner: Arc::clone(&cluster) as _, metrics: Arc::clone(&metrics) });
        let keyring = Arc::new(Keyring::empty(Arc::clone(&env.entropy)));
        let certifier = Arc::new(RealmCertifier {
            keyring: Arc::clone(&keyring),
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
        });
        cluster.certify_with(Arc::clone(&certifier) as _);
        let renewal = Arc::new(Renewal {
            folder: key_folder,
            authority: keys.authority,
            source: Arc::clone(&cluster) as _,
            peers: peer_tls,
            site: Arc::clone(&site_tls),
            clock: Arc::clone(&env.clock),
            plan: Mutex::new(Plan::of(keys.tls.valid, env.entropy.as_ref())),
        });
        let key_care = Arc::new(RealmKeyCare {
            consensus: Arc::clone(&cluster) as _,
            keyring: Arc::clone(&keyring),
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
        });
        let (told, mirrored) = watch::channel(MirrorStatus::Waiting);
        let (told_points, published) = watch::channel(MirrorStatus::Waiting);
        let health = Health::new(
            Arc::clone(&cluster) as _,
            Arc::clone(&keyring),
            identity.role,
            [mirrored, published],
            cluster.refusals(),
            site_tls,
        );
        let parts = Parts {
            config: &config,
            cluster: &cluster,
            consensus: &consensus,
            metrics: &metrics,
            keyring: &keyring,
            certifier: &certifier,
            renewal: &renewal,
            key_care: &key_care,
            env: &env,
            locales: &locales,
        };
        let (served, duties) = match identity.role {
            Role::DmzLearner => (parts.perimeter(Arc::new(health.behind(cluster.lenders()))), None),
            Role::Voter | Role::SiteLearner => {
                let (served, duties) = parts.inner(Arc::new(health), [told, told_points]);
                (served, Some(duties))
            }
        };
        let Served { health, public, local } = served;
        let trusted = config.trusted_proxies.iter().copied().collect();
        let door = SiteDoor::new(config.site_connections, trusted, cluster.refusals());
        let count = |router| request_count::wrap(router, Arc::clone(&metrics), cluster.refusals());
        let (public, local) = (count(public), count(local));

        let (stopper, stop) = stop::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(named(
            "the HTTPS listener",
            listen::serve(site_listener, door, tls, public, stop.clone()),
        ));
        tasks.spawn(named("the local socket", admin_socket::serve(socket, local, stop.clone())));
        tasks.spawn(named("the metrics", keep_metrics(metrics, stop.clone())));
        if let Some(path) = config.local_storage {
            let consensus = Arc::clone(&cluster) as _;
            let keep = local_storage::keep(path, config.name.clone(), consensus, stop.clone());
            tasks.spawn(named("Local.storage", keep));
        }
        if let Some((mirror, postman)) = duties {
            tasks.spawn(named("the mirror", until_stop(mirror.run(), stop.clone())));
            tasks.spawn(named("the mail", until_stop(postman.run(), stop.clone())));
            let arrival = KeyArrival { realm: identity.realm, own: keys.wrap, keyring };
            let arrival = arrival.run(Arc::clone(&key_care), cluster.states(), stop.clone());
            tasks.spawn(named("the key ring", arrival));
            let rotation = key_care.run(cluster.leadership(), stop.clone());
            tasks.spawn(named("the rotation of keys", rotation));
        }
        tasks.spawn(named("the certificates", renewal.run(env.entropy, stop)));
        let (site, peers) = (config.site_url.as_str(), config.cluster_address.as_str());
        tracing::info!(node = %identity.node, role = %identity.role, site, peers, "the node runs");
        let drain = config.drain;
        Ok(Self { data: config.data, cluster, health, stopper, drain, tasks, _claim: claim })
    }

    /// Lets what is logged follow the realm's rules, and the audit be in it.
    pub fn log_with(&mut self, log: LogControl) {
        let follow = log.follow(self.cluster.node(), self.cluster.states(), self.stopper.listen());
        self.tasks.spawn(named("the log", follow));
        let records = audit_log::follow(self.cluster.states(), self.stopper.listen());
        self.tasks.spawn(named("the audit's log", records));
    }

    /// Tells systemd how the node is, if systemd started this process.
    ///
    /// # Errors
    /// systemd's socket cannot be reached.
    pub fn tell_systemd(&mut self) -> io::Result<()> {
        let Some(manager) = Manager::of_this_process()? else { return Ok(()) };
        let (health, heart) = (Arc::clone(&self.health), Progress::of(Arc::clone(&self.cluster)));
        let told = systemd::keep_told(manager, health, heart, self.stopper.listen());
        self.tasks.spawn(named("systemd's watch", told));
        Ok(())
    }
}

/// TLS between nodes, with this node's keys.
pub(crate) fn peer_tls(keys: &NodeKeys) -> Result<Arc<PeerTls>, StartError> {
    let (identity, chain) = (keys.tls.identity, keys.tls.chain(&keys.authority));
    let tls = PeerTls::new(&chain, &keys.tls.key, &keys.authority, identity.realm, identity.epoch)?;
    Ok(Arc::new(tls))
}

/// What the sites are made of.
struct Parts<'a> {
    config: &'a NodeConfig,
    cluster: &'a Arc<Cluster>,
    /// The same, observed by the metrics.
    consensus: &'a Arc<dyn Consensus>,
    metrics: &'a Arc<Metrics>,
    keyring: &'a Arc<Keyring>,
    certifier: &'a Arc<RealmCertifier>,
    renewal: &'a Arc<Renewal>,
    key_care: &'a Arc<RealmKeyCare>,
    env: &'a Env,
    locales: &'a Locales,
}

/// What a node serves: to everyone who reaches its port, and to whoever may open its local socket.
struct Served {
    health: Arc<Health>,
    public: Router,
    local: Router,
}

impl Parts<'_> {
    fn ports(&self, directories: Arc<dyn Directories>) -> Ports {
        let env = self.env;
        Ports {
            consensus: Arc::clone(self.consensus),
            directories: Arc::new(ObservedDirectories {
                inner: directories,
                metrics: Arc::clone(self.metrics),
            }),
            vault: Arc::clone(self.keyring) as _,
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
            membership: Arc::clone(self.cluster) as Arc<dyn Membership>,
            admission: Arc::new(RealmAdmission {
                consensus: Arc::clone(self.consensus),
                keyring: Arc::clone(self.keyring),
                certifier: Arc::clone(self.certifier),
                learners: Arc::clone(self.cluster) as _,
                clock: Arc::clone(&env.clock),
                entropy: Arc::clone(&env.entropy),
            }),
            backups: Arc::new(RealmBackups::new(
                Arc::clone(self.cluster),
                Arc::clone(self.keyring),
                Arc::clone(&env.clock),
                Arc::clone(&env.entropy),
            )),
            key_care: Arc::new(NodeKeyCare {
                renewal: Arc::clone(self.renewal),
                keys: Arc::clone(self.key_care),
                entropy: Arc::clone(&env.entropy),
            }),
            upgrades: Arc::clone(self.cluster) as _,
        }
    }

    fn settings(&self) -> SiteSettings {
        let mut settings = SiteSettings::new(self.config.name.clone());
        settings.locales = self.locales.clone();
        settings.trusted_proxies = self.config.trusted_proxies.iter().copied().collect();
        settings.requests_per_source = self.config.site_connections.per_source;
        settings
    }

    fn scraped(&self, health: &Arc<Health>) -> Scraped {
        let around = Surroundings { data: self.config.data.clone(), started: self.env.clock.now() };
        Scraped { health: Arc::clone(health), metrics: Arc::clone(self.metrics), around }
    }

    /// A node that holds the realm key: every site, the API, and the mirror and the mail when it leads.
    fn inner(
        &self,
        health: Arc<Health>,
        told: [watch::Sender<MirrorStatus>; 2],
    ) -> (Served, (Mirror, Postman)) {
        let [status, points] = told;
        let cluster = self.cluster;
        let names = match self.config.name_servers.as_slice() {
            [] => Names::of_host(),
            servers => Names::of_servers(servers),
        };
        let directories = Arc::new(RealmDirectories::new(
            Arc::clone(cluster) as _,
            Arc::clone(self.keyring) as _,
            self.config.demo_directory.clone(),
            names.in_site(self.config.directory_site.clone()),
        ));
        let mirror = Mirror {
            node: cluster.node(),
            leadership: cluster.leadership(),
            states: cluster.states(),
            reads: Arc::clone(cluster) as _,
            containers: Arc::clone(&directories) as _,
            timing: Timing::default(),
            clock: Arc::clone(&self.env.clock),
            status,
            points,
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
        let monitoring = health::monitoring(self.scraped(&health));
        let router = sites.router_with(monitoring).merge(health::probes(Arc::clone(&health)));
        (Served { health, public: router.clone(), local: router }, (mirror, self.postman()))
    }

    fn postman(&self) -> Postman {
        let (cluster, env) = (self.cluster, self.env);
        let site = self.config.site_url.as_str().parse::<http::Uri>().ok();
        let host = site.as_ref().and_then(http::Uri::host).unwrap_or("localhost").to_owned();
        Postman {
            node: cluster.node(),
            leadership: cluster.leadership(),
            states: cluster.states(),
            reads: Arc::clone(cluster) as _,
            consensus: Arc::clone(self.consensus),
            keyring: Arc::clone(self.keyring),
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
            transport: Arc::new(Smtp { host }),
        }
    }

    /// A node in the perimeter: the Self-Service site, whose work voters do, and what its load balancer asks. Only the
    /// host's operator sees its status and metrics.
    fn perimeter(&self, health: Arc<Health>) -> Served {
        let ports = self.ports(Arc::new(NoDirectories));
        let work = Arc::new(Voters(Arc::clone(self.cluster)));
        let local = health::monitoring(self.scraped(&health))
            .merge(health::probes(Arc::clone(&health)))
            .merge(passquorum_sites::perimeter_api(&ports));
        let public = passquorum_sites::perimeter_router(ports, self.settings(), work)
            .layer(from_fn(part_after_a_form))
            .merge(health::probes(Arc::clone(&health)));
        Served { health, public, local }
    }
}

/// Opens the storage and starts the Raft member on it.
pub(crate) async fn start_cluster(
    config: &NodeConfig,
    tls: Arc<PeerTls>,
    env: &Env,
) -> Result<Arc<Cluster>, StartError> {
    let identity = tls.identity();
    let store = Store::open(&config.data.store())?;
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
            dead_learner_after: config.voters.dead_learner_after,
            fewest_voters: config.voters.fewest,
            ..Tuning::default()
        },
        address: config.cluster_address.clone(),
        elections: identity.role == Role::Voter,
    };
    let clock = Arc::clone(&env.clock);
    Ok(Cluster::start(settings, store, Arc::clone(&env.net), tls, clock).await?)
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

/// Does a leader's duty until the word to stop, which cuts it off.
async fn until_stop(duty: impl Future<Output = ()>, mut stop: stop::Stop) {
    tokio::select! {
        biased;
        () = stop.stopped() => {}
        () = duty => stop.stopped().await,
    }
}

/// Tidies the metrics until the word to stop.
async fn keep_metrics(metrics: Arc<Metrics>, mut stop: stop::Stop) {
    tokio::select! {
        () = stop.stopped() => {}
        () = metrics.tidy() => {}
    }
}

#[async_trait]
impl Learners for Cluster {
    async fn add_learner(&self, node: NodeId, cluster_address: &str) -> Result<(), MembershipError> {
        Self::add_learner(self, node, cluster_address).await
    }
}
