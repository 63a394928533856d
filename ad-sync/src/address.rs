//! Where a domain controller listens: `ldaps://host` or `ldaps://host:port`, and nothing else.

use std::fmt;

/// The port of LDAP over TLS.
const LDAPS_PORT: u16 = 636;

/// A domain controller's address. The host is what its certificate must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

/// The text is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use ldaps://host or ldaps://host:port, with a DNS name or an IPv4 address")]
pub(crate) struct AddressError;

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("ldaps://").ok_or(AddressError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| AddressError)?),
            None => (rest, LDAPS_PORT),
        };
        let named = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if named && port != 0 { Ok(Self { host: host.to_lowercase(), port }) } else { Err(AddressError) }
    }

    /// The address as the LDAP client takes it.
    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            LDAPS_PORT => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_maybe_a_port() {
        let shown = |text| Address::parse(text).map(|address| (address.to_string(), address.url()));
        assert_eq!(
            shown("ldaps://DC1.corp.example").unwrap(),
            ("dc1.corp.example".into(), "ldaps://dc1.corp.example:636".into())
        );
        assert_eq!(
            shown("ldaps://127.0.0.1:1636/").unwrap(),
            ("127.0.0.1:1636".into(), "ldaps://127.0.0.1:1636".into())
        );
        for bad in
            ["ldap://dc1", "ldaps://", "ldaps:///x", "ldaps://a:0", "ldaps://a:b", "ldaps://a@b", "dc1"]
        {
            assert_eq!(shown(bad), Err(AddressError), "{bad}");
        }
    }
}
