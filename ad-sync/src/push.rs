//! Changes of users are pushed to the controllers of the AD sites that a connection names, so that nobody there waits for
//! replication: each is asked to fetch the one object from the controller that took the change (`replicateSingleObject`,
//! MS-ADTS 3.1.1.3.3.18).
//!
//! Invariants: nobody's task waits for it or fails by it; so many run at a time and no more, and each has its end. However
//! much else is changed, passwords have places of their own. What is left out comes by replication.

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

/// How many changes of any sort are pushed at a time, and how many passwords beside them.
const AT_A_TIME: usize = 8;
/// How long one may take, to all controllers.
const PUSH: Duration = Duration::from_secs(20);
/// For how long nothing is pushed to a controller that gave no answer: one that hangs would keep every place taken.
const PAUSE: Duration = Duration::from_secs(30);
/// The same warning is not given again sooner.
const QUIET: Duration = Duration::from_secs(60);
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
    /// Passwords alone are given these.
    kept: Arc<Semaphore>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    targets: BTreeMap<String, Target>,
    left_out: u64,
    leaving_out: Warning,
}

/// What is known of a controller that was pushed to.
struct Target {
    last: Result<(), DirectoryError>,
    /// When it last gave no answer, if it has not fetched anything since.
    silent: Option<Instant>,
    failing: Warning,
}

impl Target {
    /// Whether it was given up a moment ago.
    fn is_paused(&self) -> bool {
        self.silent.is_some_and(|silent| silent.elapsed() < PAUSE)
    }
}

/// A warning that stands until what it warns of is over, and is not given again too soon.
#[derive(Default)]
struct Warning {
    given: Option<Instant>,
    stands: bool,
}

impl Warning {
    /// Whether it is to be given now; then it stands.
    fn give(&mut self) -> bool {
        let is_due = !self.stands && self.given.is_none_or(|given| given.elapsed() >= QUIET);
        if is_due {
            *self = Self { given: Some(Instant::now()), stands: true };
        }
        is_due
    }

    /// Takes it back; whether it stood.
    fn end(&mut self) -> bool {
        std::mem::take(&mut self.stands)
    }
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
        let [places, kept] = [(); 2].map(|()| Arc::new(Semaphore::new(AT_A_TIME)));
        Arc::new(Self { source, targets, places, kept, seen: Mutex::default() })
    }

    /// Begins to push a change that this controller has taken, if there is room for one more.
    pub(crate) fn begin(self: &Arc<Self>, user: ObjectGuid, changed: Changed, taken_by: String) {
        let place = self.place(changed);
        let mut seen = self.seen();
        let Some(place) = place else {
            seen.left_out += 1;
            if seen.leaving_out.give() {
                tracing::warn!("too many changes are being pushed: those beyond are left to replication");
            }
            return;
        };
        seen.leaving_out.end();
        tokio::spawn(Arc::clone(self).push(place, user, changed, taken_by));
    }

    /// How the last push to each controller ended.
    pub(crate) fn report(&self) -> PushReport {
        let seen = self.seen();
        let last = seen.targets.iter().map(|(name, target)| (name.clone(), target.last.clone()));
        PushReport { last: last.collect(), left_out: seen.left_out }
    }

    fn place(&self, changed: Changed) -> Option<OwnedSemaphorePermit> {
        let take = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        let kept = if changed == Changed::Password { take(&self.kept) } else { None };
        kept.or_else(|| take(&self.places))
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
        let Ok((mut targets, from)) = timeout_at(end, begin).await else {
            tracing::warn!(dc = taken_by, "a change was not pushed: its controller did not answer in time");
            return;
        };
        {
            let mut seen = self.seen();
            seen.targets.retain(|name, _| targets.iter().any(|target| target.name == *name));
            let is_paused = |name: &str| seen.targets.get(name).is_some_and(Target::is_paused);
            targets.retain(|target| !is_paused(&target.name));
        }
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
        let before = seen.targets.remove(&target.name).map(|before| (before.silent, before.failing));
        let (silent, mut failing) = before.unwrap_or_default();
        match &outcome {
            Err(error) if failing.give() => {
                tracing::warn!(dc = %target.name, %error, "changes are not pushed; they come by replication");
            }
            Ok(()) if failing.end() => tracing::info!(dc = %target.name, "changes are pushed again"),
            _ => {}
        }
        let silent = match &outcome {
            Ok(()) => None,
            Err(error) if error.reason == DirectoryReason::NoAnswer => Some(Instant::now()),
            Err(_) => silent,
        };
        seen.targets.insert(target.name.clone(), Target { last: outcome, silent, failing });
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_warning_that_comes_and_goes_is_given_once_a_minute_and_one_that_stays_is_not_lost() {
        let mut warning = Warning::default();
        assert!(!warning.end(), "nothing was warned of");
        assert!(warning.give() && !warning.give(), "it stands");
        assert!(warning.end());
        advance(Duration::from_secs(59)).await;
        assert!(!warning.give() && !warning.end(), "it was given a moment ago");
        advance(Duration::from_secs(1)).await;
        assert!(warning.give(), "what has not ended is warned of in the end");
        advance(Duration::from_secs(3600)).await;
        assert!(!warning.give() && warning.end());
    }
}
