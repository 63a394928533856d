//! The settings of this host only: addresses, timing, logging. Everything about the realm is replicated instead.
//!
//! Kept in `node.toml` under the data directory; [`mod@file`] reads and writes it. Who the node is stands in its
//! certificate, not here.

pub mod file;

pub use crate::log_file::LogFileSettings;
pub use crate::otlp::{BadCollector, CollectorUrl, OtlpSettings, Signals};
pub use passquorum_domain::address::{BadAddress, HostPort, SiteUrl};
pub use passquorum_domain::directory::AdSite;

use crate::data_dir::DataDir;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The settings of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Where its data is.
    pub data: DataDir,
    /// What the operator calls it.
    pub name: String,
    /// Where peers reach it.
    pub cluster_address: HostPort,
    /// Where it listens for peers, when that differs.
    pub cluster_listen: Option<HostPort>,
    /// Where it listens for browsers, operators and probes.
    pub site_address: HostPort,
    /// How browsers reach it.
    pub site_url: SiteUrl,
    /// Another certificate for browsers than the node's own.
    pub site_certificate: Option<SiteCertificate>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// A directory with the operator's own texts of the pages.
    pub site_locales: Option<PathBuf>,
    /// How many connections it holds.
    pub site_connections: SiteConnections,
    /// How long a node that is told to stop goes on serving while it says that it is not ready, so that load balancers
    /// notice before it is gone.
    pub drain: Duration,
    /// Raft timing.
    pub timing: Timing,
    /// What this node does about voters by itself while it leads.
    pub voters: VoterPolicy,
    /// Logging.
    pub log: LogSettings,
    /// The collector that gets the log and traces too.
    pub otlp: Option<OtlpSettings>,
    /// Name servers that know the domains, when the host's own do not.
    pub name_servers: Vec<SocketAddr>,
    /// The AD site that this host is in.
    pub directory_site: Option<AdSite>,
    /// The file of the embedded demonstration directory.
    pub demo_directory: Option<PathBuf>,
    /// Where the replaced product's status file is kept for scripts that read it.
    pub local_storage: Option<PathBuf>,
    /// For drills only: how far this node's clock is set wrong, in milliseconds.
    pub drill_clock_offset_ms: i64,
}

impl NodeConfig {
    /// The settings that `init` and `join` start from.
    #[must_use]
    pub fn new(
        data: DataDir,
        name: String,
        cluster: HostPort,
        site: HostPort,
        site_url: Option<SiteUrl>,
    ) -> Self {
        let own_url = SiteUrl::from(&site);
        Self {
            data,
            name,
            cluster_address: cluster,
            cluster_listen: None,
            site_address: site,
            site_url: site_url.unwrap_or(own_url),
            site_certificate: None,
            trusted_proxies: Vec::new(),
            site_locales: None,
            site_connections: SiteConnections::default(),
            drain: Duration::ZERO,
            timing: Timing::default(),
            voters: VoterPolicy::default(),
            log: LogSettings::default(),
            otlp: None,
            name_servers: Vec::new(),
            directory_site: None,
            demo_directory: None,
            local_storage: None,
            drill_clock_offset_ms: 0,
        }
    }
}

/// A certificate and its key in PEM files, for browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteCertificate {
    /// The certificate, then those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key; mode 0600.
    pub key: PathBuf,
}

/// Connections to the HTTPS port that are held at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteConnections {
    /// In all; more have to wait.
    pub in_all: usize,
    /// Of one address that is no trusted proxy, and requests of one client behind a trusted proxy.
    pub per_source: usize,
}

impl Default for SiteConnections {
    fn default() -> Self {
        Self { in_all: 4096, per_source: 512 }
    }
}

/// Raft timing. A leader sends heartbeats; a voter that misses them for the election time stands for election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// Shortest time without a leader before an election.
    pub election_min: Duration,
    /// Longest such time.
    pub election_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(150),
            election_min: Duration::from_millis(500),
            election_max: Duration::from_millis(1000),
        }
    }
}

/// What a leader does about other nodes by itself. Each node acts on its own settings when it leads, so give all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoterPolicy {
    /// How long a new node must have kept up before it gets its vote.
    pub stabilisation: Duration,
    /// A voter that was silent for so long is removed; none is when this is not set.
    pub dead_voter_after: Option<Duration>,
    /// The same for a node that does not vote.
    pub dead_learner_after: Option<Duration>,
    /// So many voters stay at least when one is removed for its silence.
    pub fewest: usize,
}

impl Default for VoterPolicy {
    fn default() -> Self {
        Self {
            stabilisation: Duration::from_secs(2),
            dead_voter_after: None,
            dead_learner_after: None,
            fewest: 3,
        }
    }
}

/// How the node logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// A filter such as `info,openraft=error`, as `tracing` takes it. The realm's rules stand over it.
    pub filter: String,
    /// Into files instead of standard error.
    pub file: Option<LogFileSettings>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,openraft=error".to_owned(), file: None }
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}
