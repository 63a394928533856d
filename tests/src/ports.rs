//! Free ports on loopback, in blocks, so that clusters can run side by side.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel takes the ports of outgoing connections.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of `count` free ports in a row on 127.0.0.1, or `None` when there is no such row. A block is given
/// out once in a process; processes start their search at different places.
pub fn block(count: u16) -> Option<u16> {
    let span = LAST - FIRST - count;
    let start = u16::try_from(std::process::id() % u32::from(span)).ok()?;
    (0..span / count).find_map(|_| {
        let offset = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = FIRST + (start.wrapping_add(offset)) % span;
        (first..first + count).all(is_free).then_some(first)
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_do_not_overlap_and_a_used_port_is_in_none() {
        let first = block(10).unwrap();
        let used = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let second = block(10).unwrap();
        assert!(second >= first + 10 || second + 10 <= first, "{first} and {second} overlap");
        assert!(!is_free(used.local_addr().unwrap().port()));
    }
}
