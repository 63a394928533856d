//! DNS: where a service is (SRV records, RFC 2782), a domain's controllers among them (MS-ADTS 6.3.2.3), and the addresses
//! of a host.
//!
//! It says only whom to ask. Whoever answers proves who it is by a certificate, for a name that does not come from here.

use crate::address::Address;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use passquorum_domain::directory::AdSite;
use std::cmp::Reverse;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// How many controllers are taken of one answer: whoever writes it does not decide how long a request may look for one.
const MOST: usize = 12;
/// How many are known of one domain, to tell a visitor's controller among them: more than there may be.
const MOST_KNOWN: usize = 2000;

/// Where all controllers of a domain are.
const ALL: &str = "_ldap._tcp.dc._msdcs";

/// Where names are looked up.
#[derive(Debug)]
pub struct Names {
    resolver: Result<TokioResolver, String>,
    /// Whether hosts, too, are looked up there, and not as the host's other programs do.
    own_servers: bool,
    /// The AD site that this host is in, if that was said.
    site: Option<AdSite>,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The host, without a dot at its end.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// DNS did not say where a service is.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// The host has no resolver.
    #[error("this host's name servers are not known: {0}")]
    NoResolver(String),
    /// DNS has no answer.
    #[error("the SRV records of {name} cannot be looked up: {reason}")]
    Lookup {
        /// What was asked for.
        name: String,
        /// What was answered.
        reason: String,
    },
    /// The records name nobody.
    #[error("the SRV records of {0} name no host")]
    Empty(String),
}

impl Names {
    /// The host's own name servers.
    #[must_use]
    pub fn of_host() -> Self {
        let built = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        Self { resolver: built.map_err(|error| error.to_string()), own_servers: false, site: None }
    }

    /// These name servers, for hosts whose own do not know the domain.
    #[must_use]
    pub fn of_servers(servers: &[SocketAddr]) -> Self {
        let server = |at: &SocketAddr| {
            let with_port = |mut connection: ConnectionConfig| {
                connection.port = at.port();
                connection
            };
            let ways = vec![with_port(ConnectionConfig::udp()), with_port(ConnectionConfig::tcp())];
            NameServerConfig::new(at.ip(), true, ways)
        };
        let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
        let built = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build();
        Self { resolver: built.map_err(|error| error.to_string()), own_servers: true, site: None }
    }

    /// The same, on a host of an AD site.
    #[must_use]
    pub fn in_site(self, site: Option<AdSite>) -> Self {
        Self { site, ..self }
    }

    /// The AD site that this host is in.
    pub(crate) fn site(&self) -> Option<&AdSite> {
        self.site.as_ref()
    }

    fn resolver(&self) -> Result<&TokioResolver, NamesError> {
        self.resolver.as_ref().map_err(|reason| NamesError::NoResolver(reason.clone()))
    }

    /// The controllers of a domain: those of the site first, then the others.
    pub(crate) async fn controllers(
        &self,
        domain: &str,
        site: Option<&AdSite>,
    ) -> Result<Vec<Address>, NamesError> {
        let mut found = Vec::new();
        if let Some(site) = site {
            match self.of_site(domain, site).await {
                Ok(near) => found = near,
                Err(error) => tracing::warn!(%error, "no domain controller of the site is known"),
            }
        }
        match self.domain_controllers(domain, ALL, MOST).await {
            Ok(all) => found.extend(all),
            Err(error) if found.is_empty() => return Err(error),
            Err(error) => tracing::warn!(%error, "only the site's domain controllers are known"),
        }
        Ok(found)
    }

    /// The controllers of a site, and no others.
    pub(crate) async fn of_site(&self, domain: &str, site: &AdSite) -> Result<Vec<Address>, NamesError> {
        self.domain_controllers(domain, &format!("_ldap._tcp.{site}._sites.dc._msdcs"), MOST).await
    }

    /// Every controller of a domain, in no order that matters.
    pub(crate) async fn every_controller(&self, domain: &str) -> Result<Vec<Address>, NamesError> {
        self.domain_controllers(domain, ALL, MOST_KNOWN).await
    }

    /// The controller with the PDC emulator role.
    pub(crate) async fn primary(&self, domain: &str) -> Result<Vec<Address>, NamesError> {
        self.domain_controllers(domain, "_ldap._tcp.pdc._msdcs", 1).await
    }

    /// A record's port is that of LDAP in the clear, and not looked at.
    async fn domain_controllers(
        &self,
        domain: &str,
        service: &str,
        most: usize,
    ) -> Result<Vec<Address>, NamesError> {
        let name = format!("{service}.{domain}.");
        let services = self.services(&name).await?;
        let located = services.iter().filter_map(|service| Address::located(&service.host, domain).ok());
        let addresses: Vec<_> = located.take(most).collect();
        if addresses.is_empty() { Err(NamesError::Empty(name)) } else { Ok(addresses) }
    }

    /// Where a service is by its SRV records, in the order in which the hosts are to be asked.
    ///
    /// # Errors
    /// When they cannot be looked up, or there are none but that for the root, which says that there is no service.
    pub async fn services(&self, name: &str) -> Result<Vec<Service>, NamesError> {
        let found = self
            .resolver()?
            .srv_lookup(name)
            .await
            .map_err(|error| NamesError::Lookup { name: name.to_owned(), reason: error.to_string() })?;
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(record) => Some(record),
            _ => None,
        });
        let services = in_order(records.collect());
        if services.is_empty() { Err(NamesError::Empty(name.to_owned())) } else { Ok(services) }
    }

    /// Connects to a host by name or address.
    pub(crate) async fn connect(&self, address: &Address) -> io::Result<TcpStream> {
        if !self.own_servers {
            return TcpStream::connect((address.host(), address.port())).await;
        }
        let resolver = self.resolver().map_err(io::Error::other)?;
        let found = resolver.lookup_ip(address.host()).await.map_err(unresolved)?;
        let ways: Vec<_> = found.iter().map(|ip| SocketAddr::new(ip, address.port())).collect();
        TcpStream::connect(ways.as_slice()).await
    }
}

fn unresolved(error: NetError) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, error.to_string())
}

/// The lowest priority first, and the greatest weight first among equals; then by name, so that a node asks the same one
/// as long as it is there.
fn in_order(mut records: Vec<&SRV>) -> Vec<Service> {
    let service = |record: &&SRV| {
        let host = record.target.to_utf8().trim_end_matches('.').to_owned();
        (!host.is_empty()).then_some(Service { host, port: record.port })
    };
    records.sort_by_key(|record| (record.priority, Reverse(record.weight), record.target.to_utf8()));
    records.iter().filter_map(service).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
    use hickory_resolver::proto::rr::{Name, Record};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tokio::net::UdpSocket;

    pub(crate) type Records = Arc<Mutex<BTreeMap<&'static str, Vec<RData>>>>;

    pub(crate) fn srv(priority: u16, weight: u16, host: &str) -> RData {
        RData::SRV(SRV::new(priority, weight, 389, host.parse().unwrap()))
    }

    /// A name server that knows these records, as they are when it is asked.
    pub(crate) async fn name_server(records: Records) -> Names {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut message = Message::from_vec(&buffer[..length]).unwrap();
                message.metadata.message_type = MessageType::Response;
                let name: Name = message.queries[0].name().clone();
                match records.lock().unwrap().get(name.to_lowercase().to_utf8().as_str()) {
                    Some(known) => message.add_answers(
                        // Not to be kept, so that each question comes here.
                        known.iter().map(|data| Record::from_rdata(name.clone(), 0, data.clone())),
                    ),
                    None => {
                        message.metadata.response_code = ResponseCode::NXDomain;
                        &mut message
                    }
                };
                socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Names::of_servers(&[at])
    }

    fn shown(found: Result<Vec<Address>, NamesError>) -> Vec<String> {
        found.unwrap().iter().map(Address::to_string).collect()
    }

    #[tokio::test]
    async fn the_controllers_of_the_site_come_first_by_priority_and_weight() {
        let records = Records::default();
        records.lock().unwrap().extend([
            (
                "_ldap._tcp.dc._msdcs.corp.example.",
                vec![srv(0, 100, "dc9.corp.example."), srv(0, 100, "dc2.corp.example."), srv(0, 0, ".")],
            ),
            (
                "_ldap._tcp.berlin._sites.dc._msdcs.corp.example.",
                vec![
                    srv(5, 1, "dc7.corp.example."),
                    srv(5, 9, "dc8.corp.example."),
                    srv(9, 1, "dc1.corp.example."),
                ],
            ),
            ("_ldap._tcp.pdc._msdcs.corp.example.", vec![srv(0, 100, "dc2.corp.example.")]),
        ]);
        let names = name_server(records).await;
        let site = |name| Some(AdSite::parse(name).unwrap());
        assert_eq!(
            shown(names.controllers("corp.example", None).await),
            ["dc2.corp.example", "dc9.corp.example"]
        );
        assert_eq!(
            shown(names.controllers("corp.example", site("Berlin").as_ref()).await),
            [
                "dc8.corp.example",
                "dc7.corp.example",
                "dc1.corp.example",
                "dc2.corp.example",
                "dc9.corp.example"
            ]
        );
        assert_eq!(
            shown(names.controllers("corp.example", site("Bonn").as_ref()).await),
            ["dc2.corp.example", "dc9.corp.example"],
            "a site without a controller"
        );
        assert_eq!(shown(names.primary("corp.example").await), ["dc2.corp.example"]);
        let unknown = names.controllers("other.example", None).await.unwrap_err();
        assert!(unknown.to_string().contains("_ldap._tcp.dc._msdcs.other.example."), "{unknown}");
    }
}
