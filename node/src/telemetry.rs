//! Logging: to standard error, or to files that cannot fill the disk, and to a collector besides ([`crate::otlp`]).
//! Nothing is redacted here, because nothing secret can get here: secret types have no revealing `Debug`, and no log
//! statement takes a request body, a header or a query.
//!
//! What is written follows the rules of the replicated configuration on top of the node's own filter, while the node runs.

use crate::config::{LogFormat, LogSettings, NodeConfig};
use crate::log_file::LogFile;
use crate::otlp::{self, CollectorError, Exporter};
use crate::stop::Stop;
use passquorum_domain::ids::NodeId;
use passquorum_domain::log_rule::{Component, LogRule, level_of};
use passquorum_domain::state::State;
use passquorum_raft::PeerIdentity;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tracing::Subscriber;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

static LINES_LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that this process could not write into its log file.
pub(crate) fn lines_lost() -> u64 {
    LINES_LOST.load(Ordering::Relaxed)
}

pub(crate) fn count_lost_line() {
    LINES_LOST.fetch_add(1, Ordering::Relaxed);
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file.
    #[error("log.file: {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The collector.
    #[error(transparent)]
    Collector(#[from] CollectorError),
}

/// Changes what is logged while the process runs.
pub struct LogControl {
    base: String,
    traces: bool,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Installs the subscriber for this process. A second call changes nothing.
///
/// # Errors
/// See [`LogError`].
pub fn install(
    config: &NodeConfig,
    identity: &PeerIdentity,
) -> Result<(LogControl, Option<Exporter>), LogError> {
    let settings = &config.log;
    let traces = config.otlp.as_ref().is_some_and(|otlp| otlp.send.traces);
    let (filter, handle) = reload::Layer::new(filter(&settings.filter, &[], NodeId(0), traces));
    let resource = || otlp::resource(&config.name, identity);
    let otlp = config.otlp.as_ref().map(|otlp| Exporter::start(otlp, resource())).transpose()?;
    let (exporter, to_collector) = otlp.unzip();
    let lines = lines(settings)?.with_filter(filter_fn(|metadata| metadata.target() != otlp::TRACE));
    if let Err(error) = tracing_subscriber::registry().with(filter).with(lines).with(to_collector).try_init()
    {
        tracing::debug!(%error, "logging was set up before");
    }
    Ok((LogControl { base: settings.filter.clone(), traces, filter: handle }, exporter))
}

/// The layer that writes lines.
fn lines<S>(settings: &LogSettings) -> Result<Box<dyn Layer<S> + Send + Sync>, LogError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = match &settings.file {
        Some(file) => {
            let opened = LogFile::open(file.clone());
            let opened = opened.map_err(|source| LogError::File { path: file.path.clone(), source })?;
            BoxMakeWriter::new(Mutex::new(opened))
        }
        None => BoxMakeWriter::new(io::stderr),
    };
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    Ok(match settings.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    })
}

impl LogControl {
    /// Follows the realm's rules for one node until the word to stop.
    pub async fn follow(self, node: NodeId, mut states: watch::Receiver<Arc<State>>, mut stop: Stop) {
        let mut in_force = Vec::new();
        loop {
            let state = states.borrow_and_update().clone();
            let rules = state.config().map(|config| config.general.logging.clone()).unwrap_or_default();
            if rules != in_force {
                tracing::info!(rules = ?rules.iter().map(ToString::to_string).collect::<Vec<_>>(), "the realm's rules for logging");
                if let Err(error) = self.filter.reload(filter(&self.base, &rules, node, self.traces)) {
                    tracing::warn!(%error, "the rules for logging are not in force");
                }
                in_force = rules;
            }
            let changed = tokio::select! {
                changed = states.changed() => changed.is_ok(),
                () = stop.stopped() => return,
            };
            if !changed {
                stop.stopped().await;
                return;
            }
        }
    }
}

/// The names under which a component logs.
fn target(component: Component) -> &'static str {
    match component {
        Component::Node => "passquorum_node",
        Component::Raft => "passquorum_raft",
        Component::Openraft => "openraft",
        Component::Storage => "passquorum_storage",
        Component::Directory => "passquorum_ad_sync",
        Component::Sites => "passquorum_sites",
    }
}

/// Who logs under a name.
pub(crate) fn component_of(name: &str) -> Option<Component> {
    let first = name.split("::").next();
    Component::ALL.into_iter().find(|component| first == Some(target(*component)))
}

/// The node's own filter with what the rules say of each component put over it. Traces are there or not, whatever is
/// logged.
fn filter(base: &str, rules: &[LogRule], node: NodeId, traces: bool) -> EnvFilter {
    let mut text = base.to_owned();
    for component in Component::ALL {
        if let Some(level) = level_of(rules, node, component) {
            text.push_str(&format!(",{}={}", target(component), level.as_str()));
        }
    }
    text.push_str(&format!(",{}={}", otlp::TRACE, if traces { "info" } else { "off" }));
    EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new("info"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::level_filters::LevelFilter;

    /// What is let through of one component, at each of three levels.
    fn lets(base: &str, rules: &[&str], node: u64) -> [bool; 3] {
        let rules: Vec<LogRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let subscriber = Registry::default().with(filter(base, &rules, NodeId(node), false));
        tracing::subscriber::with_default(subscriber, || {
            [
                tracing::enabled!(target: "passquorum_raft::election", tracing::Level::DEBUG),
                tracing::enabled!(target: "passquorum_raft::election", tracing::Level::INFO),
                tracing::enabled!(target: "passquorum_sites::api", tracing::Level::DEBUG),
            ]
        })
    }

    #[test]
    fn rules_stand_over_the_nodes_own_filter_for_their_component_and_node() {
        assert_eq!(lets("info", &[], 1), [false, true, false]);
        assert_eq!(lets("info", &["raft=debug"], 1), [true, true, false]);
        assert_eq!(lets("info", &["2:debug"], 1), [false, true, false], "meant for another node");
        assert_eq!(lets("info", &["2:debug"], 2), [true, true, true]);
        assert_eq!(lets("trace", &["warn", "sites=debug"], 1), [false, false, true]);
        assert!(filter("no such=filter=", &[], NodeId(1), false).max_level_hint() >= Some(LevelFilter::INFO));
    }
}
