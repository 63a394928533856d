//! How a connection names its domain controllers: each by its address, `ldaps://host` or `ldaps://host:port`, or those
//! that the domain's DNS names, `dns://domain` or `dns://domain/site`, where those of the AD site come first; and, in the
//! connection's own domain, `client` and `default`.

use passquorum_domain::config::{CLIENT_CONTROLLER, DEFAULT_CONTROLLER};
use passquorum_domain::directory::{AdSite, DistinguishedName};
use std::fmt;

/// The port of LDAP over TLS.
const LDAPS_PORT: u16 = 636;

/// One entry in a connection's list of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Server {
    /// This one.
    At(Address),
    /// Those of a domain, the ones of a site first.
    Of { domain: String, site: Option<AdSite> },
    /// Those of the connection's own domain, the ones of this host's site first.
    Default { domain: String },
    /// The one that the visitor's computer uses, when it is listed or of the connection's own domain.
    Client { domain: String },
    /// Those of a site of a domain, and no others.
    InSite { domain: String, site: AdSite },
    /// The one that holds a domain's PDC emulator role.
    PrimaryOf { domain: String },
}

impl Server {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let Some(rest) = text.strip_prefix("dns://") else { return Address::parse(text).map(Self::At) };
        let (domain, site) = match rest.strip_suffix('/').unwrap_or(rest).split_once('/') {
            Some((domain, site)) => (domain, Some(site)),
            None => (rest.strip_suffix('/').unwrap_or(rest), None),
        };
        let site = site.map(AdSite::parse).transpose().map_err(|_| AddressError)?;
        if !is_name(domain) {
            return Err(AddressError);
        }
        Ok(Self::Of { domain: domain.to_lowercase(), site })
    }

    /// An entry of a connection that searches below `base`, whose domain is the connection's own.
    pub(crate) fn of_connection(text: &str, base: &DistinguishedName) -> Result<Self, AddressError> {
        let own_domain = || base.dns_domain().ok_or(AddressError);
        match text {
            CLIENT_CONTROLLER => Ok(Self::Client { domain: own_domain()? }),
            DEFAULT_CONTROLLER => Ok(Self::Default { domain: own_domain()? }),
            other => Self::parse(other),
        }
    }

    /// The same, with one controller at most; `None` for what differs from visitor to visitor.
    pub(crate) fn single(self) -> Option<Self> {
        match self {
            Self::Of { domain, .. } | Self::Default { domain } => Some(Self::PrimaryOf { domain }),
            Self::Client { .. } => None,
            other => Some(other),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// A domain controller's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
    /// What its certificate must name: what an administrator wrote, and never what DNS answered (RFC 4513, 3.1.3), since any
    /// host of the company may have a certificate of the same authority for its own name.
    certified: String,
}

/// The text is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "use ldaps://host or ldaps://host:port, with a DNS name or an IPv4 address, or dns://domain or dns://domain/site; in a \
     connection whose base ends with DC= parts also client or default"
)]
pub(crate) struct AddressError;

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("ldaps://").ok_or(AddressError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| AddressError)?),
            None => (rest, LDAPS_PORT),
        };
        if !is_name(host) || port == 0 {
            return Err(AddressError);
        }
        let host = host.to_lowercase();
        Ok(Self { certified: host.clone(), host, port })
    }

    /// A controller of a domain that DNS names, at the port of LDAP over TLS.
    pub(crate) fn located(host: &str, domain: &str) -> Result<Self, AddressError> {
        Ok(Self { certified: domain.to_owned(), ..Self::parse(&format!("ldaps://{host}"))? })
    }

    /// Whether it is the same controller, however that was named.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }

    /// The DNS name or address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The name that the certificate must be for. Whom to connect to it does not say.
    pub(crate) fn certified(&self) -> &str {
        &self.certified
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
        let shown =
            |text| Address::parse(text).map(|address| (address.to_string(), address.certified().to_owned()));
        assert_eq!(
            shown("ldaps://DC1.corp.example").unwrap(),
            ("dc1.corp.example".into(), "dc1.corp.example".into())
        );
        assert_eq!(shown("ldaps://127.0.0.1:1636/").unwrap(), ("127.0.0.1:1636".into(), "127.0.0.1".into()));
        for bad in
            ["ldap://dc1", "ldaps://", "ldaps:///x", "ldaps://a:0", "ldaps://a:b", "ldaps://a@b", "dc1"]
        {
            assert_eq!(shown(bad), Err(AddressError), "{bad}");
        }
    }

    #[test]
    fn a_domain_is_named_with_or_without_a_site() {
        let of = |site: Option<&str>| {
            let site = site.map(|site| AdSite::parse(site).unwrap());
            Ok(Server::Of { domain: "corp.example".to_owned(), site })
        };
        assert_eq!(Server::parse("dns://Corp.Example"), of(None));
        assert_eq!(Server::parse("dns://corp.example/"), of(None));
        assert_eq!(Server::parse("dns://corp.example/Berlin-1"), of(Some("Berlin-1")));
        assert_eq!(Server::parse("ldaps://dc1"), Ok(Server::At(Address::parse("ldaps://dc1").unwrap())));
        for bad in
            ["dns://", "dns:///Berlin", "dns://corp.example/a.b", "dns://corp.example/a/b", "dns://a b"]
        {
            assert_eq!(Server::parse(bad), Err(AddressError), "{bad}");
        }
        let primary = Server::PrimaryOf { domain: "corp.example".to_owned() };
        assert_eq!(Server::parse("dns://corp.example/Berlin").unwrap().single(), Some(primary));
    }

    #[test]
    fn the_own_domain_is_that_of_the_base() {
        let base = DistinguishedName::parse("OU=People,DC=Corp,DC=example").unwrap();
        let domain = "corp.example".to_owned();
        let of = |text: &str| Server::of_connection(text, &base).unwrap();
        assert_eq!(of("default"), Server::Default { domain: domain.clone() });
        assert_eq!(of("client"), Server::Client { domain: domain.clone() });
        assert_eq!(of("default").single(), Some(Server::PrimaryOf { domain }));
        assert_eq!(of("client").single(), None);
        assert_eq!(
            Server::of_connection("default", &DistinguishedName::parse("O=corp").unwrap()),
            Err(AddressError)
        );
        assert_eq!(Server::parse("default"), Err(AddressError));
    }

    #[test]
    fn a_controller_that_dns_names_has_to_prove_that_it_is_the_domains() {
        let located = Address::located("DC1.elsewhere.example", "corp.example").unwrap();
        assert_eq!((located.host(), located.port()), ("dc1.elsewhere.example", 636));
        assert_eq!(located.certified(), "corp.example");
        let written = Address::parse("ldaps://dc1.elsewhere.example").unwrap();
        assert!(located.is_at(&written));
        assert_ne!(located, written);
    }
}
