//! A simulated Active Directory: one domain that all nodes share, which behaves as the conformance suite says, and a
//! road to it on which requests and answers can be slow or lost.
//!
//! A request that was sent travels by itself: it takes effect when it arrives, also when the node that sent it is gone
//! by then. Every change is noted in the ledger twice, when it is sent and when it is made.

pub mod account;
pub mod domain;
mod port;
pub mod weather;

pub use account::User;
pub use domain::{Domain, Rules};
pub use weather::Climate;

use crate::ledger::{Fact, Ledger};
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ids::{ConnectionId, NodeId};
use passquorum_domain::ports::{Clock, DirectoryError, DirectoryReason, Retry};
use passquorum_domain::time::{Span, Timestamp};
use rand::rngs::SmallRng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use weather::{Fate, Weather};

/// What the controller is called.
const DC: &str = "dc1.sim.example";

/// The domain and the roads to it.
pub struct Controller {
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    inner: Mutex<Inner>,
    /// A planted bug: a reset goes to whoever has the name that was found, not to the object.
    by_name: bool,
}

struct Inner {
    domain: Domain,
    weather: Weather,
    /// Requests under way, by when they arrive and the order in which they were sent.
    under_way: BTreeMap<(Timestamp, u64), Request>,
    sent: u64,
}

type Request = Box<dyn FnOnce(&mut Domain, Timestamp, &Ledger) + Send>;
type Slot<T> = Arc<Mutex<Option<Result<T, DirectoryReason>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(span: Span) {
    if span > Span(0) {
        tokio::time::sleep(Duration::from_millis(span.0)).await;
    }
}

impl Controller {
    /// A domain under a clock that is always right.
    #[must_use]
    pub fn new(
        domain: Domain,
        climate: Climate,
        rng: SmallRng,
        clock: Arc<dyn Clock>,
        ledger: Arc<Ledger>,
        by_name: bool,
    ) -> Self {
        let weather = Weather::new(climate, rng);
        let inner = Mutex::new(Inner { domain, weather, under_way: BTreeMap::new(), sent: 0 });
        Self { clock, ledger, inner, by_name }
    }

    /// The domain as one node sees it.
    #[must_use]
    pub fn seen_by(self: &Arc<Self>, node: NodeId, connection: ConnectionId) -> SimulatedDirectory {
        SimulatedDirectory { controller: Arc::clone(self), node, connection }
    }

    /// Looks at the domain, or changes it as a domain administrator would.
    pub fn with<T>(&self, act: impl FnOnce(&mut Domain) -> T) -> T {
        act(&mut lock(&self.inner).domain)
    }

    /// Nothing goes wrong from now on, and what is under way arrives.
    pub fn calm(&self) {
        let mut inner = lock(&self.inner);
        inner.weather.calm();
        inner.arrive((Timestamp(u64::MAX), u64::MAX), &self.ledger);
    }
}

impl Inner {
    /// Lets everything up to a point arrive, in order.
    fn arrive(&mut self, up_to: (Timestamp, u64), ledger: &Ledger) {
        while let Some(entry) = self.under_way.first_entry().filter(|entry| *entry.key() <= up_to) {
            let at = entry.key().0;
            entry.remove()(&mut self.domain, at, ledger);
        }
    }
}

/// The domain as one node sees it.
#[derive(Clone)]
pub struct SimulatedDirectory {
    controller: Arc<Controller>,
    node: NodeId,
    connection: ConnectionId,
}

/// Whether a request changes a user, as far as it matters when no answer comes.
#[derive(Clone, Copy)]
enum Kind {
    Reads,
    Changes(ObjectGuid),
}

impl SimulatedDirectory {
    /// One request on the road: sent, carried out on arrival, answered.
    async fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        kind: Kind,
        act: impl FnOnce(&mut Domain, Timestamp, Note<'_>) -> Result<T, DirectoryReason> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let controller = &self.controller;
        let now = controller.clock.now();
        let no_answer = match kind {
            Kind::Reads => DirectoryReason::Unreachable,
            Kind::Changes(_) => DirectoryReason::NoAnswer,
        };
        let fate = lock(&controller.inner).weather.draw(self.node, now);
        let (after, answer) = match fate {
            Fate::Down => return Err(error(operation, DirectoryReason::Unreachable)),
            Fate::Lost(span) => {
                pass(span).await;
                return Err(error(operation, no_answer));
            }
            Fate::Arrives { after, answer } => (after, answer),
        };
        let slot: Slot<T> = Arc::default();
        let key = self.send(kind, now.plus(after), Arc::clone(&slot), act);
        pass(after).await;
        lock(&controller.inner).arrive(key, &controller.ledger);
        match answer {
            Ok(span) => pass(span).await,
            Err(span) => {
                pass(span).await;
                return Err(error(operation, no_answer));
            }
        }
        let outcome = lock(&slot).take().unwrap_or(Err(no_answer));
        outcome.map_err(|reason| error(operation, reason))
    }

    fn send<T: Send + 'static>(
        &self,
        kind: Kind,
        arrives: Timestamp,
        slot: Slot<T>,
        act: impl FnOnce(&mut Domain, Timestamp, Note<'_>) -> Result<T, DirectoryReason> + Send + 'static,
    ) -> (Timestamp, u64) {
        let sent = match kind {
            Kind::Reads => None,
            Kind::Changes(guid) => Some(self.controller.ledger.note(Fact::Sent(self.node, guid))),
        };
        let mut inner = lock(&self.controller.inner);
        inner.sent += 1;
        let key = (arrives, inner.sent);
        let request: Request = Box::new(move |domain, at, ledger| {
            let outcome = act(domain, at, Note { ledger, sent });
            *lock(&slot) = Some(outcome);
        });
        inner.under_way.insert(key, request);
        key
    }
}

/// Where a change that was made is noted.
struct Note<'a> {
    ledger: &'a Ledger,
    sent: Option<usize>,
}

impl Note<'_> {
    fn made(&self, guid: ObjectGuid, change: crate::ledger::Change) {
        if let Some(sent) = self.sent {
            self.ledger.note(Fact::Made(sent, guid, change));
        }
    }
}

fn error(operation: &'static str, reason: DirectoryReason) -> DirectoryError {
    let retry = match reason {
        DirectoryReason::Unreachable => Retry::Safe,
        DirectoryReason::NoAnswer => Retry::Unknown,
        _ => Retry::Pointless,
    };
    let ad_code = match reason {
        DirectoryReason::PasswordPolicy => Some(0x52D),
        DirectoryReason::WrongPassword => Some(0x56),
        _ => None,
    };
    DirectoryError { dc: DC.to_owned(), operation, reason, ad_code, retry }
}
