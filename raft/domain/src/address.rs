//! Where things are on the network, as operators write it. Nothing here resolves a name.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort(String);

impl From<HostPort> for String {
    fn from(address: HostPort) -> Self {
        address.0
    }
}

impl TryFrom<String> for HostPort {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl HostPort {
    /// `host:port`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, when it is an address and no name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        let (host, _) = self.0.rsplit_once(':')?;
        host.trim_matches(['[', ']']).parse().map(|ip: IpAddr| ip.to_canonical()).ok()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an address or a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(&'static str);

impl FromStr for HostPort {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = BadAddress("use HOST:PORT, such as 10.0.0.1:7400, node1.example.com:7400 or [::1]:7400");
        let (host, port) = text.rsplit_once(':').ok_or(bad)?;
        if port.parse::<u16>().ok().filter(|port| *port != 0).is_none() {
            return Err(bad);
        }
        let name = |host: &str| {
            !host.is_empty()
                && host.len() <= 253
                && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        };
        let v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let good = v6.map_or_else(|| name(host), |v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
        if good { Ok(Self(text.to_owned())) } else { Err(bad) }
    }
}

/// `https://host` or `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteUrl(String);

impl From<&HostPort> for SiteUrl {
    fn from(address: &HostPort) -> Self {
        Self(format!("https://{address}"))
    }
}

impl From<SiteUrl> for String {
    fn from(url: SiteUrl) -> Self {
        url.0
    }
}

impl TryFrom<String> for SiteUrl {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl SiteUrl {
    /// The URL, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `host:port`, with HTTPS's own port when none is named.
    #[must_use]
    pub fn authority(&self) -> String {
        let rest = self.0.trim_start_matches("https://");
        if HostPort::from_str(rest).is_ok() { rest.to_owned() } else { format!("{rest}:443") }
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SiteUrl {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = BadAddress("use https://HOST or https://HOST:PORT, without a path");
        let rest = text.trim_end_matches('/').strip_prefix("https://").ok_or(bad)?;
        if HostPort::from_str(rest).is_err() && HostPort::from_str(&format!("{rest}:443")).is_err() {
            return Err(bad);
        }
        Ok(Self(format!("https://{rest}")))
    }
}

/// An address, or the network of a prefix: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address in IPv6 form counts as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u128::from(own.to_bits() ^ other.to_bits());
                differ.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    fn longest_prefix(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == Self::longest_prefix(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

impl FromStr for Network {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = BadAddress("use an IP address or a network, such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(one, two)| (one, Some(two)));
        let address: IpAddr = address.parse().map_err(|_| bad)?;
        let longest = Self::longest_prefix(address);
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            None => longest,
            Some(text) => Some(text).filter(digits).and_then(|text| text.parse().ok()).ok_or(bad)?,
        };
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(bad) }
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_urls_are_taken_only_in_their_form() {
        for good in ["10.0.0.1:1", "[::1]:7400", "a-b.example:65535"] {
            assert_eq!(good.parse::<HostPort>().unwrap().as_str(), good);
        }
        let ip = |text: &str| text.parse::<HostPort>().unwrap().ip().map(|ip| ip.to_string());
        assert_eq!(ip("[::1]:7400").as_deref(), Some("::1"));
        assert_eq!((ip("10.0.0.1:1").as_deref(), ip("n1.example:1")), (Some("10.0.0.1"), None));
        for bad in ["", "host", "host:", "host:0", "host:65536", "::1:7400", "[x]:1", "a b:1", "user@host:1"]
        {
            assert!(bad.parse::<HostPort>().is_err(), "{bad}");
        }
        assert_eq!("https://pw.example.com/".parse::<SiteUrl>().unwrap().authority(), "pw.example.com:443");
        assert_eq!("https://[::1]:8443".parse::<SiteUrl>().unwrap().authority(), "[::1]:8443");
        for bad in ["http://a", "https://", "https://a/b", "a"] {
            assert!(bad.parse::<SiteUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_inside_the_networks_that_hold_it() {
        let inside = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(inside("10.1.2.3", "10.1.2.3") && !inside("10.1.2.3", "10.1.2.4"));
        assert!(inside("10.1.0.0/16", "10.1.255.255") && !inside("10.1.0.0/16", "10.2.0.0"));
        assert!(inside("0.0.0.0/0", "203.0.113.9") && !inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("2001:db8::/33", "2001:db8:7fff::") && !inside("2001:db8::/33", "2001:db8:8000::"));
        assert!(inside("10.1.2.3", "::ffff:10.1.2.3"), "the same address in IPv6 form");
        for bad in ["", "host", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "10.0.0.1/8/8"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        for text in ["10.1.2.3", "10.1.0.0/16", "::1", "2001:db8::/33"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }
}
