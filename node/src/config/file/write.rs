//! The text of `node.toml`.

use super::{MIB, otlp};
use crate::config::{LogFormat, NodeConfig, VoterPolicy};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use toml::Value;

/// The text of `node.toml` for these settings.
#[must_use]
pub fn render(config: &NodeConfig) -> String {
    let text = |text: &str| Value::String(text.to_owned()).to_string();
    let file = |path: &Path| text(&path.to_string_lossy());
    let seconds = |span: Duration| text(&format!("{}s", span.as_secs()));
    let mut out = String::from("# Settings of this host only. The realm's configuration is replicated.\n");
    let mut line = |key: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = if value.is_empty() { writeln!(out, "\n[{key}]") } else { writeln!(out, "{key} = {value}") };
    };
    line("name", text(&config.name));
    line("cluster", String::new());
    line("address", text(config.cluster_address.as_str()));
    if let Some(listen) = &config.cluster_listen {
        line("listen", text(listen.as_str()));
    }
    let VoterPolicy { stabilisation, dead_voter_after, dead_learner_after, fewest } = config.voters;
    line("stabilisation", seconds(stabilisation));
    if let Some(span) = dead_voter_after {
        line("dead_voter_after", seconds(span));
    }
    if let Some(span) = dead_learner_after {
        line("dead_learner_after", seconds(span));
    }
    line("fewest_voters", fewest.to_string());
    line("site", String::new());
    line("address", text(config.site_address.as_str()));
    line("url", text(config.site_url.as_str()));
    if let Some(site) = &config.site_certificate {
        line("certificate", file(&site.certificate));
        line("key", file(&site.key));
    }
    let proxies: Vec<String> = config.trusted_proxies.iter().map(|proxy| text(&proxy.to_string())).collect();
    line("trusted_proxies", format!("[{}]", proxies.join(", ")));
    if let Some(locales) = &config.site_locales {
        line("locales", file(locales));
    }
    line("connections", config.site_connections.in_all.to_string());
    line("connections_per_source", config.site_connections.per_source.to_string());
    line("drain", seconds(config.drain));
    line("raft", String::new());
    line("heartbeat_ms", config.timing.heartbeat.as_millis().to_string());
    line("election_min_ms", config.timing.election_min.as_millis().to_string());
    line("election_max_ms", config.timing.election_max.as_millis().to_string());
    line("log", String::new());
    line("format", text(if config.log.format == LogFormat::Json { "json" } else { "text" }));
    line("filter", text(&config.log.filter));
    if let Some(log) = &config.log.file {
        line("file", file(&log.path));
        line("file_mib", (log.most_bytes / MIB).to_string());
        line("files_kept", log.keep.to_string());
    }
    if let Some(settings) = &config.otlp {
        otlp::render(settings, &mut line);
    }
    if !config.name_servers.is_empty() || config.directory_site.is_some() {
        let servers: Vec<_> = config.name_servers.iter().map(|server| text(&server.to_string())).collect();
        line("directory", String::new());
        line("name_servers", format!("[{}]", servers.join(", ")));
    }
    if let Some(site) = &config.directory_site {
        line("site", text(site.as_str()));
    }
    if let Some(path) = &config.local_storage {
        line("legacy", String::new());
        line("local_storage", file(path));
    }
    if let Some(directory) = &config.demo_directory {
        line("demo", String::new());
        line("directory", file(directory));
    }
    if config.drill_clock_offset_ms != 0 {
        line("drill", String::new());
        line("clock_offset_ms", config.drill_clock_offset_ms.to_string());
    }
    out
}
