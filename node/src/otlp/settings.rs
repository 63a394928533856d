//! Where the collector is and what it gets.

use http::Uri;
use http::uri::Scheme;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The settings of `[otlp]` in `node.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpSettings {
    /// The collector.
    pub endpoint: CollectorUrl,
    /// The authorities whose certificate it must have (PEM); those of the host when this is not set.
    pub ca: Option<PathBuf>,
    /// A file of mode 0600 with headers for each request, which may be secret.
    pub headers: Option<PathBuf>,
    /// What it gets.
    pub send: Signals,
}

/// What the collector gets; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// The records of the log.
    pub logs: bool,
    /// The spans of requests, commands and calls of directories.
    pub traces: bool,
}

impl Default for Signals {
    fn default() -> Self {
        Self { logs: true, traces: true }
    }
}

/// The base URL of a collector, below which `/v1/logs` and `/v1/traces` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorUrl {
    /// Without a slash at its end.
    text: String,
    is_secure: bool,
    host: String,
    port: u16,
}

/// A text is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use http://HOST:PORT or https://HOST:PORT, maybe with a path, but without user, query and fragment")]
pub struct BadCollector;

impl FromStr for CollectorUrl {
    type Err = BadCollector;

    fn from_str(text: &str) -> Result<Self, BadCollector> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| BadCollector)?;
        let authority = uri.authority().ok_or(BadCollector)?;
        let (is_secure, default) = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => (true, 443),
            Some(scheme) if *scheme == Scheme::HTTP => (false, 80),
            _ => return Err(BadCollector),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(default);
        let has_port = authority.as_str().len() > authority.host().len();
        let is_odd = authority.as_str().contains('@') || text.contains(['?', '#']);
        if is_odd || host.is_empty() || port == 0 || (has_port && authority.port_u16().is_none()) {
            return Err(BadCollector);
        }
        Ok(Self { text: text.to_owned(), is_secure, host, port })
    }
}

impl CollectorUrl {
    /// The URL, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whether what is sent there is for its eyes only: over TLS, or to this host itself.
    #[must_use]
    pub fn keeps_secrets(&self) -> bool {
        let (host, _) = self.address();
        let host = host.trim_matches(['[', ']']);
        self.is_secure()
            || host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// What to dial, and the name that its certificate must have.
    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// What follows scheme and host of a request, and what goes into its `Host`.
    pub(super) fn parts(&self, rest: &str) -> (String, String) {
        let after = self.text.split_once("://").map_or(self.text.as_str(), |(_, after)| after);
        let (host, path) =
            after.split_once('/').map_or((after, String::new()), |(host, path)| (host, format!("/{path}")));
        (host.to_owned(), format!("{path}{rest}"))
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_a_base_url_without_secrets() {
        for (text, host, port, secure, path) in [
            ("http://collector", "collector", 80, false, "/v1/logs"),
            ("https://collector.example/", "collector.example", 443, true, "/v1/logs"),
            ("https://[::1]:4318/otlp/", "::1", 4318, true, "/otlp/v1/logs"),
            ("http://10.0.0.1:4318/a/b", "10.0.0.1", 4318, false, "/a/b/v1/logs"),
        ] {
            let url: CollectorUrl = text.parse().unwrap();
            assert_eq!((url.address(), url.is_secure()), ((host, port), secure), "{text}");
            assert_eq!(url.parts("/v1/logs").1, path, "{text}");
        }
        let url: CollectorUrl = "http://[::1]:4318/x".parse().unwrap();
        assert_eq!(url.parts("").0, "[::1]:4318");
        for text in [
            "",
            "collector:4318",
            "grpc://collector:4317",
            "https://",
            "https://user:secret@collector",
            "https://collector?token=secret",
            "https://collector#x",
            "https://collector:99999",
            "https://collector:0",
            "https://collector:x",
            "/v1/logs",
        ] {
            assert_eq!(text.parse::<CollectorUrl>(), Err(BadCollector), "{text}");
        }
    }
}
