//! What systemd is told of the node, by the protocol of `sd_notify(3)`: that it serves, how it is, that it stops; and, for
//! the watchdog, that it makes progress.
//!
//! The watchdog is fed only while Raft answers and the disk takes what waits for it. A lost quorum is no reason to start
//! a node again, so it counts as nothing here. Where systemd did not start the process, nothing is done.

use crate::health::Health;
use crate::stop::Stop;
use async_trait::async_trait;
use passquorum_domain::ports::{Consensus as _, LogPositions};
use passquorum_raft::Cluster;
use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// How often the node is looked at where there is no watchdog.
const LOOK: Duration = Duration::from_secs(2);

/// systemd, as the process that it started reaches it.
pub(crate) struct Manager {
    socket: UnixDatagram,
    /// A watchdog that is not fed for so long ends the process.
    watchdog: Option<Duration>,
}

/// Whether the node does its work.
#[async_trait]
pub(crate) trait Heart: Send {
    /// Whether it beats, as far as can be told within a time.
    async fn beats(&mut self, within: Duration) -> bool;
}

impl Manager {
    /// The one that started this process; `None` when none did.
    pub(crate) fn of_this_process() -> io::Result<Option<Self>> {
        let Some(address) = env::var_os("NOTIFY_SOCKET").and_then(|address| address.into_string().ok())
        else {
            return Ok(None);
        };
        let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| meant).map(Duration::from_micros);
        Self::at(&address, watchdog).map(Some)
    }

    /// A path, or a name after `@` in the abstract namespace.
    fn at(address: &str, watchdog: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        match address.strip_prefix('@') {
            Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
            None => socket.connect(address)?,
        }
        Ok(Self { socket, watchdog })
    }

    fn tell(&self, news: &str) {
        if let Err(error) = self.socket.send(news.as_bytes()) {
            tracing::warn!(%error, "systemd cannot be told how the node is");
        }
    }
}

/// Tells systemd how the node is, until the word to stop.
pub(crate) async fn keep_told(manager: Manager, health: Arc<Health>, mut heart: impl Heart, mut stop: Stop) {
    // Three looks fit into the watchdog's time, so that one that comes late does no harm.
    let pause = manager.watchdog.map_or(LOOK, |watchdog| watchdog / 3).min(LOOK);
    manager.tell("READY=1");
    let mut told = String::new();
    loop {
        let now = health.readiness().to_string();
        if now != told {
            manager.tell(&format!("STATUS={now}"));
            told = now;
        }
        if manager.watchdog.is_some() {
            if heart.beats(pause).await {
                manager.tell("WATCHDOG=1");
            } else {
                tracing::error!("the node makes no progress; systemd's watchdog is not fed");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => break,
        }
    }
    manager.tell("STOPPING=1\nSTATUS=the node is stopping");
}

/// The heart of a real node.
pub(crate) struct Progress {
    cluster: Arc<Cluster>,
    seen: LogPositions,
    /// For how many looks the disk has taken nothing.
    stuck: u32,
}

/// The disk may pause for so many looks.
const PATIENCE: u32 = 5;

impl Progress {
    pub(crate) fn of(cluster: Arc<Cluster>) -> Self {
        Self { cluster, seen: LogPositions::default(), stuck: 0 }
    }
}

/// For how many looks the disk has taken nothing of what waits for it, this one included.
fn stuck(before: u32, seen: LogPositions, now: LogPositions) -> u32 {
    let stands = now.durable < now.last && now.durable == seen.durable;
    if stands { before.saturating_add(1) } else { 0 }
}

#[async_trait]
impl Heart for Progress {
    async fn beats(&mut self, within: Duration) -> bool {
        let now = self.cluster.status().log;
        self.stuck = stuck(self.stuck, self.seen, now);
        self.seen = now;
        self.stuck <= PATIENCE && self.cluster.answers(within).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::env::{SystemClock, SystemEntropy};
    use crate::keyring::Keyring;
    use crate::stop;
    use passquorum_ad_sync::mirror::MirrorStatus;
    use passquorum_domain::instance::Role;
    use passquorum_domain::limit::Refusals;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::sync::watch;

    struct Given(Arc<AtomicBool>);

    #[async_trait]
    impl Heart for Given {
        async fn beats(&mut self, _: Duration) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn health() -> Arc<Health> {
        let (_, mirrored) = watch::channel(MirrorStatus::Waiting);
        let keyring = Arc::new(Keyring::empty(Arc::new(SystemEntropy)));
        let refusals = Refusals::new(Arc::new(SystemClock));
        let (alone, tls) = (Arc::new(Alone::default()), crate::site_tls::tests::any());
        Arc::new(Health::new(alone, keyring, Role::Voter, [mirrored.clone(), mirrored], refusals, tls))
    }

    async fn next(socket: &tokio::net::UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let received = socket.recv(&mut buffer);
        let length = tokio::time::timeout(Duration::from_secs(60), received).await.unwrap().unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn systemd_hears_that_the_node_serves_how_it_is_that_it_lives_and_that_it_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
        let manager = Manager::at(path.to_str().unwrap(), Some(Duration::from_millis(30))).unwrap();
        let (stopper, stop) = stop::channel();
        let beats = Arc::new(AtomicBool::new(true));
        let told = tokio::spawn(keep_told(manager, health(), Given(Arc::clone(&beats)), stop));
        assert_eq!(next(&socket).await, "READY=1");
        assert_eq!(
            next(&socket).await,
            "STATUS=not ready: the node is not a member of the realm; the realm key has not arrived"
        );
        for _ in 0..3 {
            assert_eq!(next(&socket).await, "WATCHDOG=1");
        }
        beats.store(false, Ordering::SeqCst);
        stopper.stop();
        told.await.unwrap();
        let mut last = next(&socket).await;
        while last == "WATCHDOG=1" {
            last = next(&socket).await;
        }
        assert_eq!(last, "STOPPING=1\nSTATUS=the node is stopping");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_makes_no_progress_does_not_feed_the_watchdog() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Manager::at(path.to_str().unwrap(), Some(Duration::from_secs(30))).unwrap();
        let (stopper, stop) = stop::channel();
        let told = tokio::spawn(keep_told(manager, health(), Given(Arc::default()), stop));
        tokio::time::sleep(Duration::from_secs(120)).await;
        stopper.stop();
        told.await.unwrap();
        let mut buffer = [0; 512];
        while let Ok(length) = socket.recv(&mut buffer) {
            assert_ne!(&buffer[..length], b"WATCHDOG=1");
        }
    }

    #[test]
    fn a_name_in_the_abstract_namespace_is_reached_too() {
        let name = format!("passquorum-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager::at(&format!("@{name}"), None).unwrap().tell("READY=1");
        let mut buffer = [0; 16];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn a_disk_that_takes_nothing_of_what_waits_is_no_progress() {
        let at = |last, durable| LogPositions { last, durable, ..LogPositions::default() };
        let mut seen = (0_u32, LogPositions::default());
        let mut moves = |now: LogPositions| {
            seen.0 = stuck(seen.0, seen.1, now);
            seen.1 = now;
            seen.0 <= PATIENCE
        };
        assert!((0..20).all(|_| moves(at(5, 5))), "nothing waits");
        assert!((0..PATIENCE).all(|_| moves(at(6, 5))), "it may pause");
        assert!(!moves(at(7, 5)) || !moves(at(7, 5)), "not for ever");
        assert!(moves(at(9, 6)), "and goes on");
    }
}
