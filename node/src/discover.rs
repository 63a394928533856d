//! Where a realm's sites are, by DNS: the SRV records (RFC 2782) of `_passquorum._tcp.DOMAIN`.
//!
//! It says only whom to ask. Whoever answers there still has to prove itself against the pin in the token.

use crate::config::SiteUrl;
use passquorum_ad_sync::{Names, NamesError, Service};

/// The service's name (RFC 6335).
const SERVICE: &str = "_passquorum._tcp";

/// No sites were found.
#[derive(Debug, thiserror::Error)]
#[error("{0}; correct that, or use --server")]
pub(crate) struct DiscoveryError(#[from] NamesError);

/// The sites of a domain, in the order in which they are to be asked, as this host's name servers say. A node joins once,
/// so that no load is to be spread.
pub(crate) async fn sites(domain: &str) -> Result<Vec<SiteUrl>, DiscoveryError> {
    let name = format!("{SERVICE}.{}.", domain.trim_end_matches('.'));
    let sites: Vec<_> = Names::of_host().services(&name).await?.iter().filter_map(url).collect();
    if sites.is_empty() { Err(NamesError::Empty(name).into()) } else { Ok(sites) }
}

fn url(service: &Service) -> Option<SiteUrl> {
    format!("https://{}:{}", service.host, service.port).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_reached_at_the_port_that_its_record_tells() {
        let service = |host: &str| Service { host: host.to_owned(), port: 8443 };
        assert_eq!(url(&service("one.example.com")).unwrap().as_str(), "https://one.example.com:8443");
        assert_eq!(url(&service("not a host")), None);
    }
}
