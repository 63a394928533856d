//! Holds packets back: the reader of a netfilter queue, a process in one node's network. Each packet goes on its way
//! after the delay, give or take a random part of the jitter, so that packets overtake one another.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use nfq::{Message, Queue, Verdict};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::rig::RigError;

/// The number of the queue that is read.
pub const QUEUE: u16 = 1;
/// How exactly times are kept.
const TICK: Duration = Duration::from_millis(1);

/// Reads the queue and lets each packet go when its time has come. Runs until it is killed; the rules that fill the
/// queue go first.
///
/// # Errors
/// [`RigError::Io`] when the queue cannot be read: it takes root, and a kernel with `NFQUEUE`.
pub async fn run(by: Duration, jitter: Duration) -> Result<(), RigError> {
    let failed = || RigError::io("the netfilter queue");
    let mut queue = Queue::open().map_err(failed())?;
    queue.bind(QUEUE).map_err(failed())?;
    queue.set_nonblocking(true);
    let mut random = SmallRng::seed_from_u64(by.as_millis() as u64);
    let mut held: BTreeMap<(Instant, u64), Message> = BTreeMap::new();
    let (mut number, mut ticks) = (0, tokio::time::interval(TICK));
    loop {
        ticks.tick().await;
        loop {
            match queue.recv() {
                Ok(packet) => {
                    number += 1;
                    let least = by.saturating_sub(jitter);
                    let due = Instant::now() + least + jitter.mul_f64(random.gen_range(0.0..=2.0));
                    held.insert((due, number), packet);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(failed()(error)),
            }
        }
        while let Some(next) = held.first_entry().filter(|next| next.key().0 <= Instant::now()) {
            let mut packet = next.remove();
            packet.set_verdict(Verdict::Accept);
            queue.verdict(packet).map_err(failed())?;
        }
    }
}
