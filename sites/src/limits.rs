//! Where a request comes from, how large it may be, and how fast it is answered.

use crate::app::App;
use crate::page_error::Failure;
use crate::ports::{Ports, SiteSettings};
use http::{HeaderMap, Request};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{AttemptId, KeyedHash, NodeId};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::ports::{Purpose, VaultError, fresh_uuid};
use passquorum_domain::time::Timestamp;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::time::Instant;

/// The most bytes that a form may have.
pub(crate) const FORM_LIMIT: usize = 64 * 1024;
/// How much of an oversized body is read and dropped, so that the client gets to read the answer.
pub(crate) const DRAIN_LIMIT: usize = 8 * 1024 * 1024;

/// The peer of the connection; the listener puts it into each request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// Marks a request that came over the node's local socket: someone with rights on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalOperator;

/// The address that a request comes from: the peer, or what a trusted proxy says, read from the right, so that a
/// client cannot put words in front.
pub(crate) fn source_of<B>(request: &Request<B>, settings: &SiteSettings) -> IpAddr {
    let peer =
        request.extensions().get::<PeerAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let mut source = peer.to_canonical();
    for address in forwarded(request.headers()) {
        if !settings.trusted_proxies.contains(&source) {
            break;
        }
        let Some(address) = address else { break };
        source = address;
    }
    source
}

/// The addresses of `X-Forwarded-For`, nearest first; `None` for one that is no address.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut hops: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|hop| hop.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical()))
        .collect();
    hops.reverse();
    hops
}

/// Where a visitor comes from: an address as this node saw it, or as a node in the perimeter tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) address: IpAddr,
    pub(crate) by_way_of: Option<NodeId>,
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self { address, by_way_of: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by_way_of {
            None => self.address.fmt(f),
            Some(node) => write!(f, "{} by way of node {node}", self.address),
        }
    }
}

/// What an origin is counted under. What a node in the perimeter tells has counters of its own: so one that somebody took
/// over locks nobody out who comes another way.
pub(crate) fn source_hash(ports: &Ports, origin: Origin) -> Result<KeyedHash, VaultError> {
    let mut bytes = match origin.address {
        IpAddr::V4(address) => address.octets().to_vec(),
        // A household or host has a whole /64 of addresses.
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    };
    if let Some(node) = origin.by_way_of {
        bytes.extend_from_slice(format!(" by way of node {node}").as_bytes());
    }
    ports.vault.keyed_hash(Purpose::Source, &bytes)
}

/// Counts one attempt against the source address. Right ones stay counted too: else one own account would buy an
/// attacker endless guesses at others.
pub(crate) async fn count_source(ports: &Ports, origin: Origin) -> Result<(), Failure> {
    let target = AttemptTarget::Source(source_hash(ports, origin)?);
    if let Some(until) = ports.locked_until(target).await? {
        return Err(too_many_until(until));
    }
    let attempt = AttemptId(fresh_uuid(&*ports.entropy));
    let action = Action::CountAttempt { attempt, target, policy: None };
    match ports.commit(Actor::Anonymous, action).await {
        Err(Failure { code: ErrorCode::Locked, until: Some(until), .. }) => Err(too_many_until(until)),
        other => other.map(drop),
    }
}

/// What a source hears that has used up what it may.
pub(crate) fn too_many_until(until: Timestamp) -> Failure {
    Failure { until: Some(until), ..Failure::new(ErrorCode::TooManyRequests) }
}

impl App {
    /// Runs a step and answers at the next line of the time grid, so that its own time is not seen.
    pub(crate) async fn on_the_grid<T>(&self, step: impl Future<Output = T>) -> T {
        let grid = self.settings.answer_grid;
        let began = Instant::now();
        let result = step.await;
        if let Some(end) = grid_line(began.elapsed(), grid) {
            tokio::time::sleep_until(began + end).await;
        }
        result
    }
}

/// The first multiple of `grid` that is not before `elapsed`.
fn grid_line(elapsed: Duration, grid: Duration) -> Option<Duration> {
    let lines = elapsed.as_millis().checked_div(grid.as_millis())?.saturating_add(1);
    u32::try_from(lines).ok().and_then(|lines| grid.checked_mul(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = Request::new(());
        request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
        for value in forwarded {
            request.headers_mut().append("x-forwarded-for", value.parse().unwrap());
        }
        let mut settings = SiteSettings::new("n");
        settings.trusted_proxies = trusted.iter().map(|address| address.parse().unwrap()).collect();
        source_of(&request, &settings).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_may_name_another_source() {
        assert_eq!(source("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
        assert_eq!(source("192.0.2.1", &["203.0.113.9"], &["192.0.2.1"]), "203.0.113.9");
    }

    #[test]
    fn what_a_client_puts_in_front_is_not_believed() {
        assert_eq!(source("192.0.2.1", &["10.0.0.1, 203.0.113.9"], &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(source("192.0.2.1", &["10.0.0.1", "203.0.113.9"], &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(source("192.0.2.1", &["garbage"], &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(
            source("192.0.2.1", &["198.51.100.7, 192.0.2.2"], &["192.0.2.1", "192.0.2.2"]),
            "198.51.100.7"
        );
    }

    #[test]
    fn an_ipv4_address_in_ipv6_form_is_the_same_source() {
        assert_eq!(source("::ffff:192.0.2.1", &[], &[]), "192.0.2.1");
    }

    #[test]
    fn an_origin_names_the_node_that_tells_of_it() {
        let address: IpAddr = [192, 0, 2, 1].into();
        assert_eq!(Origin::from(address).to_string(), "192.0.2.1");
        let told = Origin { address, by_way_of: Some(NodeId(4)) };
        assert_eq!(told.to_string(), "192.0.2.1 by way of node 4");
    }

    #[test]
    fn an_answer_waits_for_the_next_line_of_the_grid() {
        let ms = Duration::from_millis;
        assert_eq!(grid_line(ms(3), ms(250)), Some(ms(250)));
        assert_eq!(grid_line(ms(251), ms(250)), Some(ms(500)));
        assert_eq!(grid_line(ms(3), ms(0)), None);
    }
}
