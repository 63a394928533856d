//! The URL of a site, as a client is given it.

use std::fmt;

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// A name or an address, in small letters; an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
}

impl Target {
    /// `http` and `https` only.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: http::Uri = url.trim().parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let behind_host = uri.authority()?.as_str().strip_prefix(uri.host()?);
        // The parser passes over a port that is no number; user names before the host are refused.
        if behind_host.is_none_or(|rest| !rest.is_empty() && uri.port_u16().is_none()) {
            return None;
        }
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return None;
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        Some(Self { is_tls, host, port, path })
    }

    /// Where a `Location` leads from here.
    pub(super) fn follow(&self, location: &str) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        if location.starts_with("//") {
            let scheme = if self.is_tls { "https:" } else { "http:" };
            return Self::parse(&format!("{scheme}{location}"));
        }
        let is_absolute =
            location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        if is_absolute {
            return Self::parse(location);
        }
        let path = if location.starts_with('/') {
            location.to_owned()
        } else {
            let folder = self.path.split('?').next().unwrap_or_default().rsplit_once('/');
            format!("{}/{location}", folder.map_or("", |(folder, _)| folder))
        };
        Some(Self { path, ..self.clone() })
    }

    /// `HOST:PORT`.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether it is the same server, if maybe in clear there and with TLS here.
    pub(super) fn is_same_host(&self, other: &Self) -> bool {
        self.host == other.host && (self.port == other.port || (!self.is_tls && other.is_tls))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_url_is_read_and_followed() {
        let target = Target::parse("https://PW.example/PMUser/?x=1").unwrap();
        assert_eq!(target.to_string(), "https://pw.example:443/PMUser/?x=1");
        let follow = |location| target.follow(location).unwrap().to_string();
        assert_eq!(follow("/logon-old/#top"), "https://pw.example:443/logon-old/");
        assert_eq!(follow("Login.aspx"), "https://pw.example:443/PMUser/Login.aspx");
        assert_eq!(follow("//b.example/"), "https://b.example:443/");
        assert!(!target.is_same_host(&target.follow("https://pw.example:8443/").unwrap()));
        assert!(Target::parse("http://pw.example/").unwrap().is_same_host(&target));
        for bad in ["", "pw.example", "ftp://a/", "https://", "https://u:p@a/", "https://a:x/"] {
            assert_eq!(Target::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(url in any::<String>(), location in any::<String>()) {
            Target::parse(&url);
            Target::parse("https://a/b").unwrap().follow(&location);
        }
    }
}
