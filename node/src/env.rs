//! The world that a node lives in: time, randomness and the network between peers. The simulation brings its own.

use crate::key_protection::{KeyProtection, ProtectionError};
use passquorum_domain::ports::{Clock, Entropy};
use passquorum_domain::time::Timestamp;
use passquorum_raft::net::{Net, TcpNet};
use rand::RngCore as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What [`crate::Node::start`] is given.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for keys, nonces and ids.
    pub entropy: Arc<dyn Entropy>,
    /// Connections between nodes.
    pub net: Arc<dyn Net>,
    /// How the host has the node's private keys kept.
    pub protection: KeyProtection,
}

impl Env {
    /// The real world, with the credential that the host gives this process, if it does.
    ///
    /// # Errors
    /// The credential cannot be used.
    pub fn real() -> Result<Self, ProtectionError> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
        let protection = KeyProtection::of_host(credentials.as_deref(), Arc::clone(&entropy))?;
        Ok(Self { clock: Arc::new(SystemClock), entropy, net: Arc::new(TcpNet), protection })
    }
}

impl Env {
    /// The same world with a clock that is set wrong. For drills.
    #[must_use]
    pub fn with_clock_offset(self, milliseconds: i64) -> Self {
        if milliseconds == 0 {
            return self;
        }
        tracing::warn!(milliseconds, "a drill: this node's clock is set wrong on purpose");
        Self { clock: Arc::new(WrongClock { right: self.clock, milliseconds }), ..self }
    }
}

struct WrongClock {
    right: Arc<dyn Clock>,
    milliseconds: i64,
}

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.right.now().0.saturating_add_signed(self.milliseconds))
    }
}

/// The host's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rngs::OsRng.fill_bytes(buffer);
    }
}
