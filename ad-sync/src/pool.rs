//! The domain controllers of a connection, in order of preference, each with a few bound connections.
//!
//! A request is any number of searches followed by at most one modification. It runs on the preferred controller while
//! that one can be reached, else on the next. What may have happened is never repeated; see [`Fault`]. A controller that
//! was not reached comes last until it is; whether it is back is tried beside the requests, which do not wait for it.

mod roster;

pub(crate) use roster::{Controller, Prefer};

use crate::address::Server;
use crate::connection::{ConnectFault, Connection, try_bind};
use crate::error::{self, Fault};
use crate::names::Names;
use ldap3::LdapResult;
use passquorum_domain::ports::{CheckOutcome, ControllerCheck, DirectoryError, DirectoryReason, Retry};
use roster::Roster;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};

/// How many requests one controller is asked to work on at a time.
const CONNECTIONS: usize = 8;
/// How long a request waits for its turn on a busy controller.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are not kept longer: the other side, or a firewall between, forgets them without a word.
const IDLE: Duration = Duration::from_secs(60);
/// After this a request turns to no further controller, however many there are.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a request has on one controller, its turn and the connection included, however many questions it asks there.
const REQUEST: Duration = Duration::from_secs(20);
/// How long a connection may take to be made, bound and found to be a domain controller's.
const OPEN: Duration = Duration::from_secs(12);
/// Between two looks at the controllers that were not reached, and at whether DNS is to be asked again.
const ROUND: Duration = Duration::from_secs(10);
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
    roster: Roster,
    tls: Arc<ClientConfig>,
    account: Account,
    refusal: Mutex<Option<(Instant, DirectoryError)>>,
}

/// The controller that a request runs on.
pub(crate) struct Site<'a> {
    pool: &'a Pool,
    controller: Arc<Controller>,
    /// The connection, bound as the access account.
    pub(crate) connection: Connection,
}

impl Site<'_> {
    /// The controller's name, as a user's record remembers it.
    pub(crate) fn dc(&self) -> &str {
        &self.controller.name
    }

    /// Whom the connection is bound as.
    pub(crate) fn account(&self) -> &str {
        &self.pool.account.name
    }

    /// Tries a user's password on this controller.
    pub(crate) async fn try_bind(&self, name: &str, password: &str) -> Result<LdapResult, Fault> {
        let Pool { roster, tls, .. } = self.pool;
        try_bind(&self.controller.address, roster.names(), tls, name, password).await
    }
}

impl Pool {
    /// A pool, and what looks after it as long as it is there.
    pub(crate) fn new(
        servers: Vec<Server>,
        names: Arc<Names>,
        tls: Arc<ClientConfig>,
        account: Account,
    ) -> Arc<Self> {
        let roster = Roster::new(servers, names);
        let pool = Arc::new(Self { roster, tls, account, refusal: Mutex::default() });
        tokio::spawn(care(Arc::downgrade(&pool)));
        pool
    }

    /// Runs a request, on the preferred controller first.
    pub(crate) async fn run<'a, T, F, Fut>(
        &'a self,
        operation: &'static str,
        prefer: Prefer<'_>,
        request: F,
    ) -> Result<T, DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        let mut first_failure: Option<DirectoryError> = None;
        let begun = Instant::now();
        for controller in self.roster.in_order(prefer).await {
            if begun.elapsed() >= PATIENCE {
                break;
            }
            match self.run_on(&controller, operation, &request).await {
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

    /// The controllers, in order of preference.
    pub(crate) async fn controllers(&self) -> Vec<Arc<Controller>> {
        self.roster.controllers().await
    }

    /// The one with this name, as a user's record remembers it.
    pub(crate) async fn controller(&self, name: &str) -> Option<Arc<Controller>> {
        self.roster.all().await.into_iter().find(|controller| controller.name == name)
    }

    /// Runs a request on this controller and no other; not at all on one that was not reached when it was last tried.
    pub(crate) async fn run_only_on<'a, T, F, Fut>(
        &'a self,
        controller: &Arc<Controller>,
        operation: &'static str,
        request: F,
    ) -> Result<T, DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        if controller.is_unreachable() {
            return Err(error::because(&controller.name, operation, DirectoryReason::Unreachable));
        }
        self.run_on(controller, operation, &request).await
    }

    async fn run_on<'a, T, F, Fut>(
        &'a self,
        controller: &Arc<Controller>,
        operation: &'static str,
        request: &F,
    ) -> Result<T, DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        let end = Instant::now() + REQUEST;
        let _permit = controller.permit(operation).await?;
        loop {
            let kept = controller.take_idle();
            let is_fresh = kept.is_none();
            let connection = match kept {
                Some(connection) => connection,
                None => self.connect(controller, operation).await?,
            };
            let site =
                Site { pool: self, controller: Arc::clone(controller), connection: connection.until(end) };
            let outcome = request(site).await;
            if !matches!(outcome, Err(Fault::NotDone | Fault::NoAnswer)) {
                controller.keep(connection);
            }
            return match outcome {
                Ok(answer) => Ok(answer),
                // The connection had gone stale; a fresh one tells whether the controller is there.
                Err(Fault::NotDone) if !is_fresh && Instant::now() < end => {
                    lock(&controller.state).idle.clear();
                    continue;
                }
                Err(fault) => {
                    // A request that took all its time says nothing of the controller.
                    if matches!(fault, Fault::NotDone) && Instant::now() < end {
                        controller.was_unreachable();
                    }
                    Err(error::of_fault(&controller.name, operation, fault))
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
        let dc = controller.name.as_str();
        let because = |reason| error::because(dc, operation, reason);
        let failure = match self.open(controller).await {
            Ok(connection) => {
                controller.was_reached();
                return Ok(connection);
            }
            Err(ConnectFault::BindRefused(result)) => {
                let error = error::bind_refused(dc, operation, &result);
                if error.reason == DirectoryReason::BindRefused {
                    // It is there, and would refuse the next attempt too.
                    controller.was_reached();
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
        controller.was_unreachable();
        Err(failure)
    }

    async fn open(&self, controller: &Controller) -> Result<Connection, ConnectFault> {
        let password = self.account.password.expose_secret();
        let names = self.roster.names();
        let open = Connection::open(&controller.address, names, &self.tls, &self.account.name, password);
        let late = |_| Err(ConnectFault::Unreachable("it took too long to answer".to_owned()));
        tokio::time::timeout(OPEN, open).await.unwrap_or_else(late)
    }

    /// Reaches one controller over a connection that is made now.
    pub(crate) async fn check(&self, operation: &'static str) -> Result<(), DirectoryError> {
        for controller in self.roster.all().await {
            lock(&controller.state).idle.clear();
        }
        *lock(&self.refusal) = None;
        self.run(operation, Prefer::Nobody, |_| async { Ok(()) }).await
    }

    /// Reaches each controller over a connection that is made now, one after the other, until one refuses the access account:
    /// a wrong password counts in the domain's lockout each time.
    pub(crate) async fn check_each(&self, operation: &'static str) -> Vec<ControllerCheck> {
        *lock(&self.refusal) = None;
        let (begun, mut is_over) = (Instant::now(), false);
        let mut checks = Vec::new();
        for controller in self.roster.controllers().await {
            let outcome = if is_over || begun.elapsed() >= PATIENCE {
                CheckOutcome::NotAsked
            } else {
                lock(&controller.state).idle.clear();
                match self.connect(&controller, operation).await {
                    Ok(connection) => {
                        controller.keep(connection);
                        CheckOutcome::Serves
                    }
                    Err(error) => {
                        is_over = error.reason == DirectoryReason::BindRefused;
                        CheckOutcome::Fails(error)
                    }
                }
            };
            checks.push(ControllerCheck { dc: controller.name.clone(), outcome });
        }
        checks
    }

    /// Tries the controllers that were not reached.
    async fn try_again(&self) {
        for controller in self.roster.all().await {
            if controller.is_unreachable()
                && let Ok(connection) = self.connect(&controller, "reach again").await
            {
                tracing::info!(dc = %controller.name, "the domain controller is reached again");
                controller.keep(connection);
            }
        }
    }
}

/// Looks after a pool as long as somebody has it.
async fn care(pool: Weak<Pool>) {
    loop {
        sleep(ROUND).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.roster.refresh().await;
        pool.try_again().await;
    }
}

/// Another controller may do better, and nothing has happened on this one: it was not reached, or is busy.
fn can_go_elsewhere(error: &DirectoryError) -> bool {
    error.retry == Retry::Safe || error.reason == DirectoryReason::UntrustedCertificate
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

    fn pool(servers: &[&str]) -> Arc<Pool> {
        let servers = servers.iter().map(|server| Server::parse(server).unwrap()).collect();
        let authority = rcgen::generate_simple_self_signed(["dc".to_owned()]).unwrap().cert.pem();
        let account = Account { name: "svc".to_owned(), password: "secret".into() };
        let tls = crate::tls::client_config(&authority).unwrap();
        Pool::new(servers, Arc::new(Names::of_host()), tls, account)
    }

    #[tokio::test(start_paused = true)]
    async fn a_controller_that_gives_no_turn_is_passed_over() {
        let pool = pool(&["ldaps://a"]);
        let controller = Arc::clone(&pool.roster.controllers().await[0]);
        let _busy = controller.permits.acquire_many(CONNECTIONS as u32).await.unwrap();
        let error = pool.run("find", Prefer::Nobody, |_| async { Ok(()) }).await.unwrap_err();
        assert_eq!(error.reason, DirectoryReason::Unreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_refused_bind_the_account_is_left_alone_for_a_while() {
        // Nobody listens there, so that an attempt would be told apart as unreachable.
        let pool = pool(&["ldaps://127.0.0.1:1"]);
        let refusal = error::because("a", "find", DirectoryReason::BindRefused);
        *lock(&pool.refusal) = Some((Instant::now(), refusal));
        let attempt = || pool.run("read", Prefer::Nobody, |_| async { Ok(()) });
        let error = attempt().await.unwrap_err();
        assert_eq!((error.reason, error.operation), (DirectoryReason::BindRefused, "read"));
        tokio::time::advance(REFUSAL).await;
        assert_eq!(attempt().await.unwrap_err().reason, DirectoryReason::Unreachable);
    }
}
