//! What is done to many profiles at once: they are moved, removed, brought in.
//!
//! Invariants: each user's profile is changed by one compare-and-set, so that whoever registers meanwhile wins, and a task
//! that was broken off anywhere is begun anew and finds what is left to do in the directory itself; before a profile's
//! answers change, an audit record says so, one for each step of people. Nothing is remembered here. Must not know HTTP.

mod import;
mod migrate;
mod unregister;

pub(crate) use import::{Brought, import};
pub(crate) use migrate::{Rewritten, migrate};
pub(crate) use unregister::{Selection, unregister};

use crate::hashing::Hasher;
use crate::page_error::Failure;
use crate::people;
use crate::ports::Ports;
use crate::profile_store::{self, Registered};
use futures::{StreamExt as _, stream};
use passquorum_domain::audit::{Actor, AuditEvent, ProfileTask};
use passquorum_domain::command::Action;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{ListedUser, ObjectGuid, UserRef};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::ports::{Directory, DirectoryError, DirectoryReason, Listing};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use passquorum_domain::qa::HashCost;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

/// Users that are worked on at a time: a controller's own bound on one client's requests.
const AT_A_TIME: usize = 8;
/// Users of one step, after which a word on the progress is said.
const STEP: usize = 64;

/// Who takes no line for so long listens no more.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a task is run with.
pub(crate) struct Desk {
    pub(crate) ports: Arc<Ports>,
    pub(crate) hasher: Hasher,
    pub(crate) cost: HashCost,
    pub(crate) actor: Actor,
    /// Whether it is only told what would be done.
    pub(crate) dry_run: bool,
    /// Its place among the node's tasks.
    pub(crate) _place: OwnedSemaphorePermit,
}

/// How a task stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    /// How many users there are, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<u64>,
    /// Users that were looked at.
    pub(crate) seen: u64,
    /// Profiles that were changed, or would be.
    pub(crate) changed: u64,
    /// Those that were as they should be.
    pub(crate) unchanged: u64,
    /// Those that nothing could be done about.
    pub(crate) failed: u64,
    /// What was wrong since the last word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<UserProblem>,
    /// Whether it went to its end.
    pub(crate) done: bool,
}

/// Why nothing could be done about one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UserProblem {
    pub(crate) user: String,
    pub(crate) code: &'static str,
    pub(crate) why: String,
}

impl UserProblem {
    fn new(user: &str, code: ErrorCode, why: impl ToString) -> Self {
        Self { user: user.to_owned(), code: code.as_str(), why: why.to_string() }
    }
}

/// What became of one user.
enum Outcome {
    Changed,
    Unchanged,
    Failed(UserProblem),
}

/// What is to be done about one user.
enum Plan {
    /// Nothing more.
    Settled(Outcome),
    Write(Write),
}

/// A change of a profile, ready to be made.
struct Write {
    directory: Arc<dyn Directory>,
    user: UserRef,
    /// As people type it.
    name: String,
    /// What was read, and must still be there.
    held: HeldProfile,
    next: Option<ProfileValue>,
}

impl Write {
    async fn carry_out(self) -> Result<Outcome, Stopped> {
        match self.directory.write_profile(&self.user, &self.held, self.next.as_ref()).await {
            Ok(()) => Ok(Outcome::Changed),
            Err(error) => about(&self.name, error),
        }
    }
}

/// Where the progress goes. Nobody listening any more ends the task.
pub(crate) struct Listener {
    progress: Progress,
    lines: mpsc::Sender<Progress>,
}

/// Nobody listens any more, or the task cannot go on.
#[derive(Debug)]
pub(crate) enum Stopped {
    Deserted,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Listener {
    pub(crate) fn new(lines: mpsc::Sender<Progress>) -> Self {
        Self { progress: Progress::default(), lines }
    }

    fn count(&mut self, outcome: Outcome) {
        self.progress.seen += 1;
        match outcome {
            Outcome::Changed => self.progress.changed += 1,
            Outcome::Unchanged => self.progress.unchanged += 1,
            Outcome::Failed(problem) => {
                self.progress.failed += 1;
                self.progress.problems.push(problem);
            }
        }
    }

    async fn tell(&mut self) -> Result<(), Stopped> {
        let line = self.progress.clone();
        self.progress.problems.clear();
        match timeout(PATIENCE, self.lines.send(line)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Stopped::Deserted),
        }
    }

    /// The last word.
    async fn end(mut self) -> Result<(), Stopped> {
        self.progress.done = true;
        self.tell().await
    }
}

impl Desk {
    async fn begin(&self, task: ProfileTask, note: &str) -> Result<(), Stopped> {
        if !self.dry_run {
            self.ports.record(self.actor.clone(), AuditEvent::ProfilesBegun(task), None, note).await?;
        }
        Ok(())
    }

    async fn finish(&self, task: ProfileTask, listener: Listener) -> Result<(), Stopped> {
        if !self.dry_run {
            let Progress { changed, failed, .. } = listener.progress;
            let event = AuditEvent::ProfilesEnded { task, changed, failed };
            self.commit(event, None).await?;
        }
        listener.end().await
    }

    /// The record without which profiles' answers are not changed.
    async fn note(&self, task: ProfileTask, people: &[ObjectGuid]) -> Result<(), Failure> {
        let subjects = people.iter().map(|guid| people::subject(&self.ports, *guid));
        let people = subjects.collect::<Result<Vec<_>, _>>()?;
        if self.ports.consensus.local().level() >= FeatureLevel::THIRD {
            let event = AuditEvent::ProfilesTaken { task, people };
            return self.commit(event, None).await;
        }
        for subject in people {
            self.commit(AuditEvent::ProfileTaken(task), Some(subject)).await?;
        }
        Ok(())
    }

    async fn commit(&self, event: AuditEvent, subject: Option<KeyedHash>) -> Result<(), Failure> {
        self.ports.commit(self.actor.clone(), Action::Record { event, subject }).await.map(drop)
    }

    /// One step of a task: plans for some people, the record of those whose profiles change, and the changes.
    async fn step<T, F, Fut>(
        &self,
        task: ProfileTask,
        people: Vec<T>,
        listener: &mut Listener,
        plan: F,
    ) -> Result<(), Stopped>
    where
        F: Fn(T) -> Fut,
        Fut: Future<Output = Result<Plan, Stopped>>,
    {
        listener.tell().await?;
        let mut plans = stream::iter(people).map(plan).buffered(AT_A_TIME);
        let mut writes = Vec::new();
        while let Some(plan) = plans.next().await {
            match plan? {
                Plan::Settled(outcome) => listener.count(outcome),
                Plan::Write(_) if self.dry_run => listener.count(Outcome::Changed),
                Plan::Write(write) => writes.push(write),
            }
        }
        if !writes.is_empty() {
            let people: Vec<ObjectGuid> = writes.iter().map(|write| write.user.guid).collect();
            self.note(task, &people).await?;
        }
        let mut outcomes = stream::iter(writes).map(Write::carry_out).buffered(AT_A_TIME);
        while let Some(outcome) = outcomes.next().await {
            listener.count(outcome?);
        }
        Ok(())
    }

    fn seal(
        &self,
        guid: ObjectGuid,
        registered: Registered,
        held: &HeldProfile,
    ) -> Result<ProfileValue, Failure> {
        let level = self.ports.consensus.local().level();
        profile_store::seal(&*self.ports.vault, level, guid, registered, held)
    }

    /// Goes over a list of users, some at a time.
    async fn go_over<F, Fut>(
        &self,
        directory: &dyn Directory,
        listing: &Listing,
        listener: &mut Listener,
        act: F,
    ) -> Result<(), Stopped>
    where
        F: Fn(ListedUser) -> Fut,
        Fut: Future<Output = Result<Outcome, Stopped>>,
    {
        let mut pages = directory.list(listing).await?;
        while let Some(page) = pages.next().await? {
            for people in steps(page) {
                let mut outcomes = stream::iter(people).map(&act).buffer_unordered(AT_A_TIME);
                while let Some(outcome) = outcomes.next().await {
                    listener.count(outcome?);
                }
                listener.tell().await?;
            }
        }
        Ok(())
    }
}

/// People in the portions that are worked on together.
fn steps<T>(people: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut people = people.into_iter();
    std::iter::from_fn(move || {
        let step: Vec<T> = people.by_ref().take(STEP).collect();
        (!step.is_empty()).then_some(step)
    })
}

/// How many users a list has. Each page is a sign of life, since a long list takes its time.
async fn count(
    directory: &dyn Directory,
    listing: &Listing,
    listener: &mut Listener,
) -> Result<u64, Stopped> {
    listener.tell().await?;
    let mut pages = directory.list(listing).await?;
    let mut users = 0;
    while let Some(page) = pages.next().await? {
        users += page.len() as u64;
        listener.tell().await?;
    }
    Ok(users)
}

/// A failure that is about this user alone; any other ends the task.
fn about(user: &str, error: DirectoryError) -> Result<Outcome, Stopped> {
    match error.reason {
        DirectoryReason::AccessDenied
        | DirectoryReason::Changed
        | DirectoryReason::ForeignValue
        | DirectoryReason::NotFound
        | DirectoryReason::NoAnswer
        | DirectoryReason::TooLarge
        | DirectoryReason::Refused => {
            Ok(Outcome::Failed(UserProblem::new(user, error.reason.code(), &error)))
        }
        _ => Err(error.into()),
    }
}

/// The connection's name and the user's, as people type them.
fn name_of(connection: &DomainConnection, account: &str) -> String {
    format!("{}\\{account}", connection.alias)
}
