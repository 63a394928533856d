//! Changes of users are pushed to the controllers of the AD sites that a connection names, so that nobody there waits for
//! replication: each is asked to fetch the one object from the controller that took the change (`replicateSingleObject`,
//! MS-ADTS 3.1.1.3.3.18).
//!
//! Invariants: nobody's task waits for it or fails by it; so many run at a time and no more, and each has its end. What is
//! left out comes by replication.

use crate::connection::{Change, Connection, dn_of};
use crate::error::{self, Fault};
use crate::filter;
use crate::pool::{Controller, Pool};
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::{DirectoryError, DirectoryReason, PushReport};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How many changes are pushed at a time.
const AT_A_TIME: usize = 16;
/// How long one may take, to all controllers.
const PUSH: Duration = Duration::from_secs(20);
const OPERATION: &str = "push a change";
/// Tells a controller that keeps passwords of some users only (LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID).
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";

/// What was changed of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The password, and what is changed along with it.
    Password,
    /// Anything else.
    Rest,
}

/// Pushes the changes of one connection.
pub(crate) struct Pushes {
    source: Arc<Pool>,
    targets: Arc<Pool>,
    places: Arc<Semaphore>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    last: BTreeMap<String, Result<(), DirectoryError>>,
    left_out: u64,
    is_leaving_out: bool,
}

/// One change that is on its way.
#[derive(Clone)]
struct Push {
    user: ObjectGuid,
    changed: Changed,
    /// *NTDS Settings* of the controller that took it.
    from: String,
}

impl Pushes {
    /// From the controllers of a connection to these.
    pub(crate) fn new(source: Arc<Pool>, targets: Arc<Pool>) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        Arc::new(Self { source, targets, places, seen: Mutex::default() })
    }

    /// Begins to push a change that this controller has taken, if there is room for one more.
    pub(crate) fn begin(self: &Arc<Self>, user: ObjectGuid, changed: Changed, taken_by: String) {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let mut seen = self.seen();
        let Ok(place) = place else {
            seen.left_out += 1;
            if !seen.is_leaving_out {
                tracing::warn!("too many changes are being pushed: those beyond are left to replication");
            }
            seen.is_leaving_out = true;
            return;
        };
        seen.is_leaving_out = false;
        tokio::spawn(Arc::clone(self).push(place, user, changed, taken_by));
    }

    /// How the last push to each controller ended.
    pub(crate) fn report(&self) -> PushReport {
        let seen = self.seen();
        PushReport { last: seen.last.clone().into_iter().collect(), left_out: seen.left_out }
    }

    async fn push(
        self: Arc<Self>,
        _place: OwnedSemaphorePermit,
        user: ObjectGuid,
        changed: Changed,
        taken_by: String,
    ) {
        let end = Instant::now() + PUSH;
        let begin = async { (self.targets.controllers().await, self.settings_of(&taken_by).await) };
        let Ok((targets, from)) = timeout_at(end, begin).await else {
            tracing::warn!(dc = taken_by, "a change was not pushed: its controller did not answer in time");
            return;
        };
        self.seen().last.retain(|name, _| targets.iter().any(|target| target.name == *name));
        let from = match from {
            Ok(from) => from,
            Err(error) => {
                targets.iter().for_each(|target| self.note(target, Err(error.clone())));
                return;
            }
        };
        let push = Push { user, changed, from };
        let mut pushing = JoinSet::new();
        for target in targets {
            let (pushes, push) = (Arc::clone(&self), push.clone());
            pushing.spawn(async move {
                let outcome = timeout_at(end, pushes.to(&target, &push)).await;
                let late = |_| Err(error::because(&target.name, OPERATION, DirectoryReason::NoAnswer));
                match outcome.unwrap_or_else(late) {
                    Ok(false) => {}
                    outcome => pushes.note(&target, outcome.map(|_| ())),
                }
            });
        }
        pushing.join_all().await;
    }

    /// What *NTDS Settings* of this controller is called.
    async fn settings_of(&self, taken_by: &str) -> Result<String, DirectoryError> {
        // Another one may not have the change yet.
        let gone = || error::because(taken_by, OPERATION, DirectoryReason::Unreachable);
        let controller = self.source.controller(taken_by).await.ok_or_else(gone)?;
        let read = |connection: Connection| async move { Ok(root(&connection).await?.settings) };
        self.source.run_only_on(&controller, OPERATION, |site| read(site.connection)).await
    }

    /// Has a controller fetch the change; `false` when it is the one that took it.
    async fn to(&self, target: &Arc<Controller>, push: &Push) -> Result<bool, DirectoryError> {
        let fetch = |connection: Connection| async move {
            let root = root(&connection).await?;
            if root.settings.eq_ignore_ascii_case(&push.from) {
                return Ok(false);
            }
            for value in push.values(root.is_read_only) {
                connection.modify("", vec![Change::Set("replicateSingleObject", value)], Vec::new()).await?;
            }
            Ok(true)
        };
        self.targets.run_only_on(target, OPERATION, |site| fetch(site.connection)).await
    }

    fn note(&self, target: &Controller, outcome: Result<(), DirectoryError>) {
        let mut seen = self.seen();
        let before = seen.last.get(&target.name);
        match (&outcome, before) {
            (Err(error), None | Some(Ok(()))) => {
                tracing::warn!(dc = %target.name, %error, "changes are not pushed; they come by replication");
            }
            (Ok(()), Some(Err(_))) => tracing::info!(dc = %target.name, "changes are pushed again"),
            _ => {}
        }
        seen.last.insert(target.name.clone(), outcome);
    }

    /// A panic elsewhere leaves nothing half done in it.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Push {
    /// What the controller is told. With `SECRETS_ONLY` one that is read-only fetches the password and nothing else.
    fn values(&self, read_only: bool) -> Vec<Vec<u8>> {
        let object = format!("{}:{}", self.from, dn_of(self.user));
        let secrets =
            (read_only && self.changed == Changed::Password).then(|| format!("{object}:SECRETS_ONLY"));
        std::iter::once(object).chain(secrets).map(String::into_bytes).collect()
    }
}

/// What a controller says of itself.
struct Root {
    settings: String,
    is_read_only: bool,
}

async fn root(connection: &Connection) -> Result<Root, Fault> {
    let unseen = || Fault::Because(DirectoryReason::Refused);
    let root = connection.read("", filter::ANY, &["dsServiceName", "supportedCapabilities"]).await?;
    let root = root.ok_or_else(unseen)?;
    Ok(Root {
        settings: root.text("dsServiceName").ok_or_else(unseen)?.to_owned(),
        is_read_only: root.texts("supportedCapabilities").iter().any(|oid| oid == READ_ONLY),
    })
}
