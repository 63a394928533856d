//! The node's certificates while it serves: its own is renewed well before it ends, or when an operator asks for it, and
//! the site's files are read again when they change.
//!
//! A renewal makes a new key, has the leader certify it, makes both durable in one file, and only then uses them, from
//! the next handshake on; nothing that is open is cut. Until then the old pair stays in place, on disk and in use.

use crate::authority::Validity;
use crate::keys::{KeyFolder, KeysError, NewTlsKey};
use crate::listen::ListenError;
use crate::site_tls::{SiteTls, certified};
use crate::stop::Stop;
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::ports::{Clock, Entropy, KeyCareError, MembershipError};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_raft::{Cluster, PeerTls, TlsError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether something is due or has changed.
const ROUND: Duration = Duration::from_secs(10);
/// After a renewal that failed, this many rounds pass before the next try.
const ROUNDS_AFTER_FAILURE: u32 = 6;

/// Where new certificates come from.
#[async_trait]
pub trait CertificateSource: Send + Sync {
    /// Has a signing request (PKCS#10, PEM) certified under the name that this node has.
    async fn renew_certificate(&self, csr: String, actor: Actor) -> Result<String, MembershipError>;
}

#[async_trait]
impl CertificateSource for Cluster {
    async fn renew_certificate(&self, csr: String, actor: Actor) -> Result<String, MembershipError> {
        Self::renew_certificate(self, csr, actor).await
    }
}

/// The certificate stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// The realm did not give one.
    #[error(transparent)]
    Realm(#[from] MembershipError),
    /// The key or what was given cannot be kept.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What was given cannot be used between nodes.
    #[error(transparent)]
    PeerTls(#[from] TlsError),
    /// What was given cannot be used by the sites.
    #[error(transparent)]
    Site(#[from] ListenError),
}

impl From<RenewalError> for KeyCareError {
    fn from(error: RenewalError) -> Self {
        match error {
            RenewalError::Realm(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// What a renewal needs.
pub struct Renewal {
    /// Where the keys lie.
    pub folder: KeyFolder,
    /// The authority's certificate, PEM.
    pub authority: String,
    /// Where certificates come from.
    pub source: Arc<dyn CertificateSource>,
    /// Connections between nodes.
    pub peers: Arc<PeerTls>,
    /// The HTTPS port.
    pub site: Arc<SiteTls>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the present certificate allows, and when it is to be renewed. Held during a renewal: one at a time.
    pub plan: Mutex<Plan>,
}

/// When the present certificate ends, and when it is to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    due: Timestamp,
    until: Timestamp,
}

impl Plan {
    /// Due after two thirds of the life, less a random part of up to a tenth of it, so that nodes that were certified
    /// together do not all come back together.
    #[must_use]
    pub fn of(valid: Validity, entropy: &dyn Entropy) -> Self {
        let life = valid.until.since(valid.from).0;
        let mut random = [0; 2];
        entropy.fill(&mut random);
        let jitter = life / 10 / 65_536 * u64::from(u16::from_be_bytes(random));
        Self { due: valid.from.plus(Span(life / 3 * 2 - jitter)), until: valid.until }
    }
}

impl Renewal {
    /// Renews what is due until the word to stop.
    pub async fn run(self: Arc<Self>, entropy: Arc<dyn Entropy>, mut stop: Stop) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause: u32 = 0;
        loop {
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                _ = rounds.tick() => {}
            }
            self.reload_site();
            let plan = *self.plan.lock().await;
            if pause > 0 || self.clock.now() < plan.due {
                pause = pause.saturating_sub(1);
                continue;
            }
            let renewed = tokio::select! {
                biased;
                () = stop.stopped() => return,
                renewed = self.renew(entropy.as_ref(), Actor::Realm) => renewed,
            };
            if let Err(error) = renewed {
                tracing::warn!(%error, ends_at_ms = plan.until.0, "the node's certificate is due and was not renewed yet");
                pause = ROUNDS_AFTER_FAILURE;
            }
        }
    }

    fn reload_site(&self) {
        match self.site.reload() {
            Ok(true) => tracing::info!("the site certificate was read again"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the site certificate stays as it was"),
        }
    }

    /// Renews the node's certificate now; answers when the new one ends.
    pub async fn renew(&self, entropy: &dyn Entropy, actor: Actor) -> Result<Timestamp, RenewalError> {
        let mut plan = self.plan.lock().await;
        let key = NewTlsKey::generate()?;
        let certificate = self.source.renew_certificate(key.signing_request()?, actor).await?;
        let pair = key.certified(&certificate, &self.folder)?;
        let chain = pair.chain(&self.authority);
        // What cannot be used is refused before the pair that works is replaced.
        let for_peers = self.peers.prepare(&chain, &pair.key)?;
        let for_site = certified("the node's certificate", chain.as_bytes(), pair.key.as_bytes())?;
        pair.save(&self.folder)?;
        self.peers.put_in_use(for_peers);
        self.site.put_in_use(for_site);
        let valid = pair.valid;
        *plan = Plan::of(valid, entropy);
        tracing::info!(ends_at_ms = valid.until.0, "the node's certificate was renewed");
        Ok(valid.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, NewAuthority};
    use crate::env::{SystemClock, SystemEntropy};
    use crate::key_protection::KeyProtection;
    use crate::keys::{NewKeys, NodeKeys};
    use crate::stop;
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::instance::Role;
    use passquorum_domain::ports::ProposeError;
    use passquorum_raft::PeerIdentity;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use tokio::sync::watch;

    const DAY: Span = Span::hours(24);
    const IDENTITY: PeerIdentity = PeerIdentity {
        realm: RealmId(uuid::Uuid::from_u128(1)),
        epoch: 1,
        node: NodeId(4),
        role: Role::DmzLearner,
    };

    struct SetClock(AtomicU64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    /// Signs for 90 days from the host's time, and counts.
    struct Source {
        authority: Authority,
        asked: watch::Sender<u32>,
        has_quorum: AtomicBool,
    }

    #[async_trait]
    impl CertificateSource for Source {
        async fn renew_certificate(&self, csr: String, _: Actor) -> Result<String, MembershipError> {
            self.asked.send_modify(|asked| *asked += 1);
            if !self.has_quorum.load(Ordering::SeqCst) {
                return Err(ProposeError::NoQuorum.into());
            }
            let valid = Validity::lasting(SystemClock.now(), Span::hours(24 * 90));
            Ok(self.authority.sign(&csr, &IDENTITY, &[], [7; 16], valid).unwrap())
        }
    }

    struct World {
        _kept: tempfile::TempDir,
        folder: KeyFolder,
        renewal: Arc<Renewal>,
        source: Arc<Source>,
        clock: Arc<SetClock>,
    }

    /// A node whose certificate is good from 70 days ago until in 20 days.
    fn world() -> World {
        let (now, kept) = (SystemClock.now(), tempfile::tempdir().unwrap());
        let folder = KeyFolder {
            path: kept.path().to_owned(),
            protection: KeyProtection::by_mode_only(Arc::new(SystemEntropy)),
        };
        let new = NewAuthority::create(IDENTITY.realm, now.minus(Span::hours(24 * 100))).unwrap();
        let authority = Authority::open(&new.certificate, &new.key).unwrap();
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let valid = Validity { from: now.minus(Span(70 * DAY.0)), until: now.plus(Span(20 * DAY.0)) };
        let csr = keys.signing_request().unwrap();
        let certificate = authority.sign(&csr, &IDENTITY, &[], [1; 16], valid).unwrap();
        let keys = keys.save(&folder, &certificate, &new.certificate).unwrap();
        let chain = keys.tls.chain(&keys.authority);
        let peers =
            PeerTls::new(&chain, &keys.tls.key, &keys.authority, IDENTITY.realm, IDENTITY.epoch).unwrap();
        let source =
            Arc::new(Source { authority, asked: watch::Sender::new(0), has_quorum: AtomicBool::new(true) });
        let clock = Arc::new(SetClock(AtomicU64::new(now.minus(Span(30 * DAY.0)).0)));
        let renewal = Arc::new(Renewal {
            folder: folder.clone(),
            authority: keys.authority,
            source: Arc::clone(&source) as _,
            peers: Arc::new(peers),
            site: SiteTls::open(&chain, &keys.tls.key, None).unwrap(),
            clock: Arc::clone(&clock) as _,
            plan: Mutex::new(Plan::of(keys.tls.valid, &SystemEntropy)),
        });
        World { _kept: kept, folder, renewal, source, clock }
    }

    impl World {
        fn on_disk(&self) -> NodeKeys {
            NodeKeys::load(&self.folder).unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over_and_not_before() {
        let world = world();
        let before = world.on_disk();
        let mut asked = world.source.asked.subscribe();
        let (stopper, stop) = stop::channel();
        let running = tokio::spawn(Arc::clone(&world.renewal).run(Arc::new(SystemEntropy), stop));
        tokio::time::sleep(ROUND * 20).await;
        assert_eq!(*asked.borrow(), 0, "40 of 90 days are over");

        world.source.has_quorum.store(false, Ordering::SeqCst);
        world.clock.0.store(SystemClock.now().0, Ordering::SeqCst);
        asked.wait_for(|asked| *asked == 2).await.unwrap();
        assert_eq!(world.on_disk().tls.certificate, before.tls.certificate, "a failure changes nothing");
        assert_eq!(world.renewal.site.ends_at(), Some(before.tls.valid.until));

        world.source.has_quorum.store(true, Ordering::SeqCst);
        asked.wait_for(|asked| *asked == 3).await.unwrap();
        tokio::time::sleep(ROUND * 100).await;
        assert_eq!(*asked.borrow(), 3, "the new one is good for long");
        let after = world.on_disk();
        assert_ne!(after.tls.certificate, before.tls.certificate);
        assert_ne!(after.tls.key, before.tls.key, "the key is new too");
        assert!(after.tls.valid.until > before.tls.valid.until);
        assert_eq!(world.renewal.site.ends_at(), Some(after.tls.valid.until));
        stopper.stop();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn an_operator_gets_a_new_certificate_at_once_and_never_one_that_peers_would_refuse() {
        let world = world();
        let before = world.on_disk();
        let until = world.renewal.renew(&SystemEntropy, Actor::Realm).await.unwrap();
        assert_eq!(world.on_disk().tls.valid.until, until);
        let renewed = world.on_disk().tls.certificate.clone();
        assert_ne!(renewed, before.tls.certificate);

        let other = NewAuthority::create(IDENTITY.realm, SystemClock.now()).unwrap();
        let source = Arc::new(Source {
            authority: Authority::open(&other.certificate, &other.key).unwrap(),
            asked: watch::Sender::new(0),
            has_quorum: AtomicBool::new(true),
        });
        let misled = Renewal {
            folder: world.folder.clone(),
            authority: world.renewal.authority.clone(),
            source,
            peers: Arc::clone(&world.renewal.peers),
            site: Arc::clone(&world.renewal.site),
            clock: Arc::clone(&world.clock) as _,
            plan: Mutex::new(*world.renewal.plan.lock().await),
        };
        let refused = misled.renew(&SystemEntropy, Actor::Realm).await;
        assert!(matches!(refused, Err(RenewalError::PeerTls(_))), "{refused:?}");
        assert_eq!(world.on_disk().tls.certificate, renewed);
    }

    #[test]
    fn a_plan_falls_between_seventeen_thirtieths_and_two_thirds_of_the_life() {
        struct All(u8);
        impl Entropy for All {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(self.0);
            }
        }
        let valid = Validity { from: Timestamp(0), until: Timestamp(90 * DAY.0) };
        assert_eq!(Plan::of(valid, &All(0)).due, Timestamp(60 * DAY.0));
        let earliest = Plan::of(valid, &All(255)).due;
        assert!(earliest > Timestamp(51 * DAY.0) && earliest < Timestamp(51 * DAY.0 + 60_000 * 60));
    }
}
