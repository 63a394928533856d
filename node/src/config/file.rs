//! `node.toml` and back. Reading answers with every problem at once, each with its key; an unknown key is a problem.

mod otlp;
mod write;

pub use write::render;

use super::{
    AdSite, HostPort, LogFileSettings, LogFormat, LogSettings, NodeConfig, SiteCertificate, SiteConnections,
    SiteUrl, Timing, VoterPolicy,
};
use crate::cli::span;
use crate::data_dir::DataDir;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Value;

/// A connection costs some tens of KiB.
const MOST_CONNECTIONS: usize = 65_536;
/// Of one log file, in MiB.
const MOST_LOG_MIB: usize = 1024;
const MOST_LOG_FILES: usize = 100;
const DNS: u16 = 53;
const MIB: u64 = 1024 * 1024;
const MINUTE: Duration = Duration::from_secs(60);
const DAYS_90: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// `node.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there or cannot be read.
    #[error("{path}: {source}; make a node with `passquorum init` or `passquorum join`")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{path} is not valid TOML: {message}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// Some keys.
    #[error("{path} has {} problems:\n{}", problems.len(), list(problems))]
    Keys {
        /// Which file.
        path: PathBuf,
        /// Each.
        problems: Vec<KeyProblem>,
    },
}

/// One key's problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    /// The key, such as `site.address`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

fn list(problems: &[KeyProblem]) -> String {
    problems
        .iter()
        .map(|problem| format!("  {}: {}", problem.key, problem.message))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Reads the settings of the node in a data directory.
pub fn load(data: &DataDir) -> Result<NodeConfig, FileError> {
    let path = data.settings();
    let text = std::fs::read_to_string(&path)
        .map_err(|source| FileError::Unreadable { path: path.clone(), source })?;
    from_toml(data, &text)
}

/// Reads the text of the settings.
pub(crate) fn from_toml(data: &DataDir, text: &str) -> Result<NodeConfig, FileError> {
    let path = data.settings();
    let table = text
        .parse::<toml::Table>()
        .map_err(|error| FileError::Syntax { path: path.clone(), message: error.to_string() })?;
    parse(data.clone(), table).map_err(|problems| FileError::Keys { path, problems })
}

fn parse(data: DataDir, table: toml::Table) -> Result<NodeConfig, Vec<KeyProblem>> {
    let mut reader = Reader::new(table);
    let name = reader.required("name", |text| {
        let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned()).ok_or("use 1 to 100 characters".to_owned())
    });
    let cluster_address = reader.required("cluster.address", from_text::<HostPort>);
    let cluster_listen = reader.optional("cluster.listen", from_text::<HostPort>);
    let site_address = reader.required("site.address", from_text::<HostPort>);
    let site_url = reader.required("site.url", from_text::<SiteUrl>);
    let certificate = reader.optional("site.certificate", path);
    let key = reader.optional("site.key", path);
    let site_certificate = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(SiteCertificate { certificate, key }),
        (None, None) => None,
        _ => {
            reader.problem(
                "site.certificate",
                "give both site.certificate and site.key, or neither".to_owned(),
            );
            None
        }
    };
    let trusted_proxies = reader.list("site.trusted_proxies", |text| {
        text.parse().map_err(|_| format!("{text} is not an IP address"))
    });
    let site_locales = reader.optional("site.locales", path);
    let site_connections = reader.site_connections();
    let drain = reader.optional("site.drain", within(Duration::ZERO, MINUTE, "use 0s to 60s, such as 5s"));
    let timing = reader.timing();
    let voters = reader.voters();
    let default = LogSettings::default();
    let format = reader.optional("log.format", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("use text or json".to_owned()),
    });
    let filter = reader.optional("log.filter", |text| {
        text.parse::<tracing_subscriber::EnvFilter>()
            .map(|_| text.to_owned())
            .map_err(|_| "use a filter such as info or info,passquorum_raft=debug".to_owned())
    });
    let log = LogSettings {
        format: format.unwrap_or(default.format),
        filter: filter.unwrap_or(default.filter),
        file: reader.log_file(),
    };
    let otlp = reader.otlp();
    let local_storage = reader.optional("legacy.local_storage", path);
    let name_servers = reader.list("directory.name_servers", |text| {
        let with_port = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS)));
        with_port.map_err(|_| format!("{text} is not an address such as 10.0.0.10 or 10.0.0.10:53"))
    });
    let directory_site = reader.optional("directory.site", |text| {
        AdSite::parse(text).map_err(|error| format!("use the name of an AD site such as Berlin: {error}"))
    });
    let demo_directory = reader.optional("demo.directory", path);
    let drill_clock_offset_ms = reader.offset("drill.clock_offset_ms");
    let problems = reader.finish();
    match (name, cluster_address, site_address, site_url) {
        (Some(name), Some(cluster_address), Some(site_address), Some(site_url)) if problems.is_empty() => {
            Ok(NodeConfig {
                data,
                name,
                cluster_address,
                cluster_listen,
                site_address,
                site_url,
                site_certificate,
                trusted_proxies,
                site_locales,
                site_connections,
                drain: drain.unwrap_or_default(),
                timing,
                voters,
                log,
                otlp,
                name_servers,
                directory_site,
                demo_directory,
                local_storage,
                drill_clock_offset_ms,
            })
        }
        _ => Err(problems),
    }
}

fn from_text<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// A span between two others.
fn within(
    least: Duration,
    most: Duration,
    message: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let span = Duration::from_millis(span(text)?.0);
        if (least..=most).contains(&span) { Ok(span) } else { Err(message.to_owned()) }
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if Path::new(text).is_absolute() { Ok(text.into()) } else { Err("use an absolute path".to_owned()) }
}

/// Takes keys out one by one; what is left at the end is unknown.
struct Reader {
    values: BTreeMap<String, Value>,
    problems: Vec<KeyProblem>,
}

impl Reader {
    fn new(table: toml::Table) -> Self {
        let mut values = BTreeMap::new();
        for (section, value) in table {
            match value {
                Value::Table(keys) => {
                    values.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
                }
                value => drop(values.insert(section, value)),
            }
        }
        Self { values, problems: Vec::new() }
    }

    fn problem(&mut self, key: &str, message: String) {
        self.problems.push(KeyProblem { key: key.to_owned(), message });
    }

    fn optional<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let result = match self.values.remove(key)? {
            Value::String(text) => read(&text),
            other => Err(format!("use a string, not {}", other.type_str())),
        };
        result.map_err(|message| self.problem(key, message)).ok()
    }

    fn required<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if !self.values.contains_key(key) {
            self.problem(key, "this key is needed".to_owned());
        }
        self.optional(key, read)
    }

    fn list<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(value) = self.values.remove(key) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.problem(key, "use a list of strings".to_owned());
            return Vec::new();
        };
        let read = |item: &Value| item.as_str().ok_or("use a list of strings".to_owned()).and_then(&read);
        let (good, bad): (Vec<_>, Vec<_>) = items.iter().map(read).partition(Result::is_ok);
        bad.into_iter().filter_map(Result::err).for_each(|message| self.problem(key, message));
        good.into_iter().filter_map(Result::ok).collect()
    }

    fn millis(&mut self, key: &str, default: Duration) -> Duration {
        let value = match self.values.remove(key) {
            None => return default,
            Some(value) => value.as_integer().and_then(|ms| u64::try_from(ms).ok()),
        };
        match value.filter(|ms| (10..=60_000).contains(ms)) {
            Some(ms) => Duration::from_millis(ms),
            None => {
                self.problem(key, "use 10 to 60000 milliseconds".to_owned());
                default
            }
        }
    }

    fn offset(&mut self, key: &str) -> i64 {
        let value = self.values.remove(key).map_or(Some(0), |value| value.as_integer());
        value.unwrap_or_else(|| {
            self.problem(key, "use a whole number of milliseconds, such as 90000 or -90000".to_owned());
            0
        })
    }

    fn count(&mut self, key: &str, default: usize, most: usize) -> usize {
        let value = match self.values.remove(key) {
            None => return default,
            Some(value) => value.as_integer().and_then(|count| usize::try_from(count).ok()),
        };
        value.filter(|count| (1..=most).contains(count)).unwrap_or_else(|| {
            self.problem(key, format!("use a whole number from 1 to {most}"));
            default
        })
    }

    fn site_connections(&mut self) -> SiteConnections {
        let default = SiteConnections::default();
        let in_all = self.count("site.connections", default.in_all, MOST_CONNECTIONS);
        let per_source =
            self.count("site.connections_per_source", default.per_source.min(in_all), MOST_CONNECTIONS);
        if per_source > in_all {
            self.problem("site.connections_per_source", "use no more than site.connections".to_owned());
        }
        SiteConnections { in_all, per_source }
    }

    fn log_file(&mut self) -> Option<LogFileSettings> {
        let most_mib = self.count("log.file_mib", 16, MOST_LOG_MIB);
        let keep = self.count("log.files_kept", 4, MOST_LOG_FILES);
        let path = self.optional("log.file", path)?;
        Some(LogFileSettings { path, most_bytes: most_mib as u64 * MIB, keep })
    }

    fn timing(&mut self) -> Timing {
        let default = Timing::default();
        let timing = Timing {
            heartbeat: self.millis("raft.heartbeat_ms", default.heartbeat),
            election_min: self.millis("raft.election_min_ms", default.election_min),
            election_max: self.millis("raft.election_max_ms", default.election_max),
        };
        if timing.election_min < timing.heartbeat.saturating_mul(3) {
            self.problem("raft.election_min_ms", "use at least three times raft.heartbeat_ms".to_owned());
        }
        if timing.election_max <= timing.election_min {
            self.problem("raft.election_max_ms", "use more than raft.election_min_ms".to_owned());
        }
        timing
    }

    fn voters(&mut self) -> VoterPolicy {
        let default = VoterPolicy::default();
        let message = "use 0s to 90d, such as 10s";
        let stabilisation = self.optional("cluster.stabilisation", within(Duration::ZERO, DAYS_90, message));
        let message = "use 1m to 90d, such as 24h";
        let dead_voter_after = self.optional("cluster.dead_voter_after", within(MINUTE, DAYS_90, message));
        let dead_learner_after =
            self.optional("cluster.dead_learner_after", within(MINUTE, DAYS_90, message));
        let fewest = self.values.remove("cluster.fewest_voters").map(|value| {
            let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
            number.filter(|number| (3..=99).contains(number)).unwrap_or_else(|| {
                self.problem("cluster.fewest_voters", "use a whole number from 3 to 99".to_owned());
                default.fewest
            })
        });
        VoterPolicy {
            stabilisation: stabilisation.unwrap_or(default.stabilisation),
            dead_voter_after,
            dead_learner_after,
            fewest: fewest.unwrap_or(default.fewest),
        }
    }

    fn finish(mut self) -> Vec<KeyProblem> {
        for key in std::mem::take(&mut self.values).into_keys() {
            self.problem(&key, "there is no such key".to_owned());
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> NodeConfig {
        let mut config = NodeConfig::new(
            DataDir::at(Path::new("data")),
            "one \"quoted\"".to_owned(),
            "127.0.0.1:7400".parse().unwrap(),
            "127.0.0.1:8443".parse().unwrap(),
            None,
        );
        config.cluster_listen = Some("0.0.0.0:7400".parse().unwrap());
        config.site_certificate = Some(SiteCertificate { certificate: "/c".into(), key: "/k".into() });
        config.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        config.site_locales = Some("/locales".into());
        config.site_connections = SiteConnections { in_all: 100, per_source: 10 };
        config.drain = Duration::from_secs(5);
        config.voters = VoterPolicy {
            stabilisation: Duration::ZERO,
            dead_voter_after: Some(DAYS_90),
            dead_learner_after: Some(MINUTE),
            fewest: 5,
        };
        config.log.format = LogFormat::Json;
        config.log.file = Some(LogFileSettings { path: "/log".into(), most_bytes: 3 * MIB, keep: 7 });
        config.otlp = Some(otlp::full());
        config.name_servers = vec!["10.0.0.10:53".parse().unwrap(), "[::1]:5353".parse().unwrap()];
        config.directory_site = Some(AdSite::parse("Berlin").unwrap());
        config.local_storage = Some("/Local.storage".into());
        config.demo_directory = Some("/demo.json".into());
        config.drill_clock_offset_ms = -90_000;
        config
    }

    #[test]
    fn settings_read_back_as_they_were_written() {
        let table = render(&full()).parse::<toml::Table>().unwrap();
        assert_eq!(parse(full().data, table), Ok(full()));
    }

    #[test]
    fn every_problem_is_named_at_once_with_its_key() {
        let text = "nmae = 'x'\n[cluster]\naddress = 'host'\ndead_voter_after = '30s'\ndead_learner_after = 7\n\
                    stabilisation = 'x'\nfewest_voters = 2\n[site]\naddress = 5\nurl = 'http://x'\nkey = '/k'\n\
                    trusted_proxies = ['x']\nlocales = 'x'\nconnections = 0\nconnections_per_source = 5000\ndrain = '2m'\n\
                    [raft]\nheartbeat_ms = 1\nelection_min_ms = 20\n[log]\nformat = 'xml'\nfile = 'log'\nfile_mib = 0\n\
                    [otlp]\nendpoint = 'grpc://x'\nca = 'ca.pem'\nheaders = 7\nsend = ['metrics']\nurl = 'x'\n";
        let problems = parse(full().data, text.parse().unwrap()).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        for key in [
            "name",
            "nmae",
            "cluster.address",
            "cluster.dead_voter_after",
            "cluster.dead_learner_after",
            "cluster.stabilisation",
            "cluster.fewest_voters",
            "site.address",
            "site.url",
            "site.certificate",
            "site.trusted_proxies",
            "site.locales",
            "site.connections",
            "site.connections_per_source",
            "site.drain",
            "raft.heartbeat_ms",
            "raft.election_min_ms",
            "log.format",
            "log.file",
            "log.file_mib",
            "otlp.endpoint",
            "otlp.ca",
            "otlp.headers",
            "otlp.send",
            "otlp.url",
        ] {
            assert!(keys.contains(&key), "{key} not in {keys:?}");
        }
    }
}
