//! What callers may take of one node before it refuses: by name, by network source, and counted.
//!
//! Nothing of this is replicated; each node counts for itself, in memory. Invariants: what is remembered is bounded,
//! and the time comes in from outside. Who refuses, and with what answer, is the business of the part that does.

mod places;
mod refusals;
mod window;

pub use places::{Place, Places};
pub use refusals::{Limit, Refusals};
pub use window::Window;

use std::net::IpAddr;

/// Whom a network address is counted as. A household or host with IPv6 has a whole /64 of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u128);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_network_of_64_bits_is_one_source_and_an_ipv4_address_is_one_in_either_form() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:0:0:2"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
