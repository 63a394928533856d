//! Logging: to standard error, or to files that cannot fill the disk. Nothing is redacted here, because nothing secret can
//! get here: secret types have no revealing `Debug`, and no log statement takes a request body, a header or a query.
//!
//! What is written follows the rules of the replicated configuration on top of the node's own filter, while the node runs.

use crate::config::{LogFormat, LogSettings};
use crate::log_file::LogFile;
use crate::stop::Stop;
use passquorum_domain::ids::NodeId;
use passquorum_domain::log_rule::{Component, LogRule, level_of};
use passquorum_domain::state::State;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

static LINES_LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that this process could not write into its log file.
pub(crate) fn lines_lost() -> u64 {
    LINES_LOST.load(Ordering::Relaxed)
}

pub(crate) fn count_lost_line() {
    LINES_LOST.fetch_add(1, Ordering::Relaxed);
}

/// Changes what is logged while the process runs.
pub struct LogControl {
    base: String,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Installs the subscriber for this process. A second call changes nothing.
///
/// # Errors
/// The log file cannot be opened.
pub fn install(settings: &LogSettings) -> io::Result<LogControl> {
    let (filter, handle) = reload::Layer::new(filter(&settings.filter, &[], NodeId(0)));
    let writer = match &settings.file {
        Some(file) => BoxMakeWriter::new(Mutex::new(LogFile::open(file.clone())?)),
        None => BoxMakeWriter::new(io::stderr),
    };
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    let layer = match settings.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    if let Err(error) = tracing_subscriber::registry().with(filter).with(layer).try_init() {
        tracing::debug!(%error, "logging was set up before");
    }
    Ok(LogControl { base: settings.filter.clone(), filter: handle })
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
                if let Err(error) = self.filter.reload(filter(&self.base, &rules, node)) {
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

/// The node's own filter with what the rules say of each component put over it.
fn filter(base: &str, rules: &[LogRule], node: NodeId) -> EnvFilter {
    let mut text = base.to_owned();
    for component in Component::ALL {
        if let Some(level) = level_of(rules, node, component) {
            text.push_str(&format!(",{}={}", target(component), level.as_str()));
        }
    }
    EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new("info"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::level_filters::LevelFilter;

    /// What is let through of one component, at each of three levels.
    fn lets(base: &str, rules: &[&str], node: u64) -> [bool; 3] {
        let rules: Vec<LogRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let subscriber = Registry::default().with(filter(base, &rules, NodeId(node)));
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
        assert!(filter("no such=filter=", &[], NodeId(1)).max_level_hint() >= Some(LevelFilter::INFO));
    }
}
