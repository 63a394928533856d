//! Who may watch a node without a token: its own host, the hosts of the realm's nodes as far as the registry names them by
//! address, and the networks that the configuration names.

use passquorum_domain::address::HostPort;
use passquorum_domain::instance::Instance;
use passquorum_domain::state::State;
use std::net::IpAddr;

/// Whether a source may ask for the status and the metrics.
pub(super) fn may_watch(state: &State, source: IpAddr) -> bool {
    let source = source.to_canonical();
    let is_node = |instance: &Instance| !instance.is_removed() && address_of(instance) == Some(source);
    let is_named = || {
        let config = state.config();
        config.is_some_and(|config| config.general.monitors.iter().any(|network| network.contains(source)))
    };
    source.is_loopback() || state.instances().any(is_node) || is_named()
}

fn address_of(instance: &Instance) -> Option<IpAddr> {
    let address: HostPort = instance.cluster_address.parse().ok()?;
    address.ip()
}
