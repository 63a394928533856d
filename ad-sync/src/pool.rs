//! The domain controllers of a connection, in order of preference, each with a few bound connections.
//!
//! A request is any number of searches followed by at most one modification. It runs on the preferred controller while
//! that one can be reached, else on the next. What may have happened is never repeated; see [`Fault`].

use crate::address::Address;
use crate::connection::{ConnectFault, Connection, try_bind};
use crate::error::{self, Fault};
use ldap3::LdapResult;
use passquorum_domain::ports::{DirectoryError, DirectoryReason};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How many requests one controller is asked to work on at a time.
const CONNECTIONS: usize = 8;
/// How long a request waits for its turn on a busy controller.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are not kept longer: the other side, or a firewall between, forgets them without a word.
const IDLE: Duration = Duration::from_secs(60);
/// For how long a controller that could not be reached comes last.
const SHUNNED: Duration = Duration::from_secs(10);
/// For how long a refused bind of the access account is taken as the answer. Otherwise each user's request would be
/// one more wrong attempt, and lock the account out.
const REFUSAL: Duration = Duration::from_secs(15);

/// The access account.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: SecretString,
}

/// Controllers and their connections.
pub(crate) struct Pool {
    controllers: Vec<Controller>,
    tls: Arc<ClientConfig>,
    account: Account,
    refusal: Mutex<Option<(Instant, DirectoryError)>>,
}

struct Controller {
    name: String,
    url: String,
    permits: Semaphore,
    state: Mutex<ControllerState>,
}

#[derive(Default)]
struct ControllerState {
    idle: Vec<(Instant, Connection)>,
    unreachable_since: Option<Instant>,
}

/// The controller that a request runs on.
pub(crate) struct Site<'a> {
    pool: &'a Pool,
    controller: &'a Controller,
    /// The connection, bound as the access account.
    pub(crate) connection: Connection,
}

impl Site<'_> {
    /// The controller's name, as a user's record remembers it.
    pub(crate) fn dc(&self) -> &str {
        &self.controller.name
    }

    /// Tries a user's password on this controller.
    pub(crate) async fn try_bind(&self, name: &str, password: &str) -> Result<LdapResult, Fault> {
        try_bind(&self.controller.url, &self.pool.tls, name, password).await
    }
}

impl Pool {
    pub(crate) fn new(addresses: &[Address], tls: Arc<ClientConfig>, account: Account) -> Self {
        let controller = |address: &Address| Controller {
            name: address.to_string(),
            url: address.url(),
            permits: Semaphore::new(CONNECTIONS),
            state: Mutex::default(),
        };
        let controllers = addresses.iter().map(controller).collect();
        Self { controllers, tls, account, refusal: Mutex::default() }
    }

    /// Runs a request, on `preferred` first.
    pub(crate) async fn run<'a, T, F, Fut>(
        &'a self,
        operation: &'static str,
        preferred: Option<&str>,
        request: F,
    ) -> Result<T, DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        let mut first_failure: Option<DirectoryError> = None;
        for controller in self.in_order(preferred) {
            match self.run_on(controller, operation, &request).await {
                Err(error) if can_go_elsewhere(&error) => {
                    tracing::warn!(dc = %error.dc, operation, reason = %error.reason, "domain controller passed over");
                    // An untrusted certificate says more than silence does.
                    if first_failure.as_ref().is_none_or(|first| first.reason == DirectoryReason::Unreachable)
                    {
                        first_failure = Some(error);
                    }
                }
                outcome => return outcome,
            }
        }
        Err(first_failure.unwrap_or_else(|| error::because("", operation, DirectoryReason::Unreachable)))
    }

    async fn run_on<'a, T, F, Fut>(
        &'a self,
        controller: &'a Controller,
        operation: &'static str,
        request: &F,
    ) -> Result<T, DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        let because = |reason| error::because(&controller.name, operation, reason);
        let _permit = controller.permit(operation).await?;
        loop {
            let kept = controller.take_idle();
            let is_fresh = kept.is_none();
            let connection = match kept {
                Some(connection) => connection,
                None => self.connect(controller, operation).await?,
            };
            let site = Site { pool: self, controller, connection: connection.clone() };
            let outcome = request(site).await;
            if !matches!(outcome, Err(Fault::NotDone | Fault::NoAnswer)) {
                controller.keep(connection);
            }
            return match outcome {
                Ok(answer) => Ok(answer),
                Err(Fault::Refused(result)) => Err(error::refused(&controller.name, operation, &result)),
                Err(Fault::Because(reason)) => Err(because(reason)),
                Err(Fault::NoAnswer) => Err(because(DirectoryReason::NoAnswer)),
                // The connection had gone stale; a fresh one tells whether the controller is there.
                Err(Fault::NotDone) if !is_fresh => {
                    lock(&controller.state).idle.clear();
                    continue;
                }
                Err(Fault::NotDone) => {
                    lock(&controller.state).unreachable_since = Some(Instant::now());
                    Err(because(DirectoryReason::Unreachable))
                }
            };
        }
    }

    async fn connect(
        &self,
        controller: &Controller,
        operation: &'static str,
    ) -> Result<Connection, DirectoryError> {
        if let Some((since, refusal)) = &*lock(&self.refusal)
            && since.elapsed() < REFUSAL
        {
            return Err(DirectoryError { operation, ..refusal.clone() });
        }
        let password = self.account.password.expose_secret();
        let opened = Connection::open(&controller.url, &self.tls, &self.account.name, password).await;
        let dc = controller.name.as_str();
        let because = |reason| error::because(dc, operation, reason);
        let failure = match opened {
            Ok(connection) => {
                lock(&controller.state).unreachable_since = None;
                return Ok(connection);
            }
            Err(ConnectFault::BindRefused(result)) => {
                let error = error::bind_refused(dc, operation, &result);
                if error.reason == DirectoryReason::BindRefused {
                    *lock(&self.refusal) = Some((Instant::now(), error.clone()));
                    return Err(error);
                }
                error
            }
            Err(ConnectFault::Untrusted(why)) => {
                tracing::warn!(dc, why, "the domain controller's certificate is not trusted");
                because(DirectoryReason::UntrustedCertificate)
            }
            Err(ConnectFault::Unreachable(why)) => {
                tracing::warn!(dc, why, "the domain controller cannot be reached");
                because(DirectoryReason::Unreachable)
            }
        };
        lock(&controller.state).unreachable_since = Some(Instant::now());
        Err(failure)
    }

    /// The preferred one, then the others as configured; those that were unreachable a moment ago come last.
    fn in_order(&self, preferred: Option<&str>) -> Vec<&Controller> {
        let mut order: Vec<_> = self.controllers.iter().collect();
        order.sort_by_key(|controller| {
            let shunned = lock(&controller.state).unreachable_since.is_some_and(|at| at.elapsed() < SHUNNED);
            (shunned, preferred != Some(controller.name.as_str()))
        });
        order
    }

    /// Reaches one controller over a connection that is made now.
    pub(crate) async fn check(&self, operation: &'static str) -> Result<(), DirectoryError> {
        for controller in &self.controllers {
            lock(&controller.state).idle.clear();
        }
        *lock(&self.refusal) = None;
        self.run(operation, None, |_| async { Ok(()) }).await
    }
}

/// Another controller may do better.
fn can_go_elsewhere(error: &DirectoryError) -> bool {
    matches!(error.reason, DirectoryReason::Unreachable | DirectoryReason::UntrustedCertificate)
}

impl Controller {
    /// A place among the requests that run; a controller that gives none in time counts as unreachable.
    async fn permit(&self, operation: &'static str) -> Result<SemaphorePermit<'_>, DirectoryError> {
        match tokio::time::timeout(QUEUE_TIMEOUT, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(error::because(&self.name, operation, DirectoryReason::Unreachable)),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut state = lock(&self.state);
        while let Some((since, mut connection)) = state.idle.pop() {
            if since.elapsed() < IDLE && !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        lock(&self.state).idle.push((Instant::now(), connection));
    }
}

/// The lock. A panic elsewhere leaves nothing half done in what these guard.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(servers: &[&str]) -> Pool {
        let addresses: Vec<_> = servers.iter().map(|server| Address::parse(server).unwrap()).collect();
        let authority = rcgen::generate_simple_self_signed(["dc".to_owned()]).unwrap().cert.pem();
        let account = Account { name: "svc".to_owned(), password: "secret".into() };
        Pool::new(&addresses, crate::tls::client_config(&authority).unwrap(), account)
    }

    fn order<'a>(pool: &'a Pool, preferred: Option<&str>) -> Vec<&'a str> {
        pool.in_order(preferred).iter().map(|controller| controller.name.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_preferred_controller_comes_first_unless_it_was_unreachable_a_moment_ago() {
        let pool = pool(&["ldaps://a", "ldaps://b", "ldaps://c"]);
        assert_eq!(order(&pool, None), ["a", "b", "c"]);
        assert_eq!(order(&pool, Some("b")), ["b", "a", "c"]);
        assert_eq!(order(&pool, Some("elsewhere")), ["a", "b", "c"]);
        lock(&pool.controllers[1].state).unreachable_since = Some(Instant::now());
        assert_eq!(order(&pool, Some("b")), ["a", "c", "b"]);
        tokio::time::advance(SHUNNED).await;
        assert_eq!(order(&pool, Some("b")), ["b", "a", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_controller_that_gives_no_turn_is_passed_over() {
        let pool = pool(&["ldaps://a"]);
        let _busy = pool.controllers[0].permits.acquire_many(CONNECTIONS as u32).await.unwrap();
        let error = pool.run("find", None, |_| async { Ok(()) }).await.unwrap_err();
        assert_eq!(error.reason, DirectoryReason::Unreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_refused_bind_the_account_is_left_alone_for_a_while() {
        // Nobody listens there, so that an attempt would be told apart as unreachable.
        let pool = pool(&["ldaps://127.0.0.1:1"]);
        let refusal = error::because("a", "find", DirectoryReason::BindRefused);
        *lock(&pool.refusal) = Some((Instant::now(), refusal));
        let attempt = || pool.run("read", None, |_| async { Ok(()) });
        let error = attempt().await.unwrap_err();
        assert_eq!((error.reason, error.operation), (DirectoryReason::BindRefused, "read"));
        tokio::time::advance(REFUSAL).await;
        assert_eq!(attempt().await.unwrap_err().reason, DirectoryReason::Unreachable);
    }
}
