//! Where a realm's sites are, by DNS: the SRV records (RFC 2782) of `_passquorum._tcp.DOMAIN`.
//!
//! It says only whom to ask. Whoever answers there still has to prove itself against the pin in the token.

use crate::config::SiteUrl;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use std::cmp::Reverse;

/// The service's name (RFC 6335).
const SERVICE: &str = "_passquorum._tcp";

/// No sites were found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// The host has no resolver.
    #[error("this host's name servers are not known: {0}")]
    NoResolver(String),
    /// DNS has no answer.
    #[error("the SRV records of {name} cannot be looked up: {reason}; add them, or use --server")]
    Lookup {
        /// What was asked for.
        name: String,
        /// What was answered.
        reason: String,
    },
    /// The records name nobody.
    #[error("the SRV records of {0} name no host; correct them, or use --server")]
    Empty(String),
}

/// The sites of a domain, in the order in which they are to be asked, as this host's name servers say.
pub(crate) async fn sites(domain: &str) -> Result<Vec<SiteUrl>, DiscoveryError> {
    let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
    sites_by(&resolver.map_err(|error| DiscoveryError::NoResolver(error.to_string()))?, domain).await
}

async fn sites_by(resolver: &TokioResolver, domain: &str) -> Result<Vec<SiteUrl>, DiscoveryError> {
    let name = format!("{SERVICE}.{}.", domain.trim_end_matches('.'));
    let found = resolver
        .srv_lookup(name.as_str())
        .await
        .map_err(|error| DiscoveryError::Lookup { name: name.clone(), reason: error.to_string() })?;
    let records = found.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(record) => Some(record),
        _ => None,
    });
    let sites = in_order(records.collect());
    if sites.is_empty() { Err(DiscoveryError::Empty(name)) } else { Ok(sites) }
}

/// The lowest priority first, and the greatest weight first among equals: a node joins once, so that no load is to be
/// spread. A record for the root says that there is no service.
fn in_order(mut records: Vec<&SRV>) -> Vec<SiteUrl> {
    records.sort_by_key(|record| (record.priority, Reverse(record.weight)));
    let url = |record: &&SRV| {
        let host = record.target.to_utf8();
        format!("https://{}:{}", host.trim_end_matches('.'), record.port).parse().ok()
    };
    records.iter().filter_map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
    use hickory_resolver::proto::rr::{Name, Record};
    use tokio::net::UdpSocket;

    fn srv(priority: u16, weight: u16, port: u16, host: &str) -> RData {
        RData::SRV(SRV::new(priority, weight, port, host.parse().unwrap()))
    }

    /// A name server that knows one name.
    async fn name_server(name: &str, records: Vec<RData>) -> TokioResolver {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let known: Name = name.parse().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut message = Message::from_vec(&buffer[..length]).unwrap();
                message.metadata.message_type = MessageType::Response;
                if message.queries[0].name() == &known {
                    let answers =
                        records.iter().map(|data| Record::from_rdata(known.clone(), 60, data.clone()));
                    message.add_answers(answers);
                } else {
                    message.metadata.response_code = ResponseCode::NXDomain;
                }
                socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
            }
        });
        let mut udp = ConnectionConfig::udp();
        udp.port = at.port();
        let server = NameServerConfig::new(at.ip(), true, vec![udp]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
    }

    #[tokio::test]
    async fn sites_come_in_the_order_of_priority_and_weight() {
        let records = vec![
            srv(20, 9, 443, "last.example.com."),
            srv(10, 1, 8443, "second.example.com."),
            srv(10, 5, 443, "first.example.com."),
            srv(0, 0, 443, "."),
        ];
        let resolver = name_server("_passquorum._tcp.corp.example.", records).await;
        let sites = sites_by(&resolver, "corp.example").await.unwrap();
        let sites: Vec<_> = sites.iter().map(SiteUrl::as_str).collect();
        assert_eq!(
            sites,
            [
                "https://first.example.com:443",
                "https://second.example.com:8443",
                "https://last.example.com:443"
            ]
        );
    }

    #[tokio::test]
    async fn a_domain_without_the_service_says_what_was_looked_for() {
        let resolver = name_server("_passquorum._tcp.corp.example.", vec![srv(0, 0, 443, ".")]).await;
        let nobody = sites_by(&resolver, "corp.example").await.unwrap_err();
        assert!(matches!(&nobody, DiscoveryError::Empty(name) if name == "_passquorum._tcp.corp.example."));
        let unknown = sites_by(&resolver, "other.example").await.unwrap_err();
        assert!(unknown.to_string().contains("_passquorum._tcp.other.example."), "{unknown}");
    }
}
