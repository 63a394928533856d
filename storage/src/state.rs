//! The applied state: the machine in memory, its newest snapshot on a shelf.
//!
//! On disk the state is that snapshot and the log after it: applying writes nothing, and openraft applies again what
//! follows the snapshot when a store is opened. Readers see a consistent copy of the machine that is replaced after each
//! applied batch. This module must not know what a command means.

use std::sync::Arc;

use openraft::storage::RaftStateMachine;
use openraft::{
    Entry, EntryPayload, ErrorSubject, ErrorVerb, LogId, OptionalSend, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StorageError, StoredMembership,
};
use tokio::sync::watch;

use crate::RaftConfig;
use crate::digest::CellsDigest;
use crate::engine::Pair;
use crate::error::StoreError;
use crate::format::Format;
use crate::log::Durable;
use crate::machine::{Machine, Position};
use crate::off_task::off_task;
use crate::planted::{self, Plant};
use crate::snapshot::format::{self as snapshot_format, Contents};
use crate::snapshot::{Shelf, SnapshotBody};

/// The state as of one moment.
#[derive(Debug, Clone)]
pub struct Published<C: RaftConfig, M> {
    /// The machine.
    pub machine: M,
    /// The last entry that it has applied.
    pub last_applied: Option<LogId<u64>>,
    /// The membership as of that entry.
    pub membership: StoredMembership<u64, C::Node>,
}

/// Up to where the state is applied.
struct Applied<C: RaftConfig> {
    last: Option<LogId<u64>>,
    membership: StoredMembership<u64, C::Node>,
}

/// The applied state of one member.
pub struct StateStore<C: RaftConfig, M> {
    shelf: Arc<Shelf>,
    format: Arc<Format>,
    applied: Applied<C>,
    machine: M,
    published: watch::Sender<Arc<Published<C, M>>>,
    durable: Durable,
}

impl<C: RaftConfig, M: Machine> Published<C, M> {
    /// Puts a snapshot of the state on the shelf, durably.
    fn shelve(&self, shelf: &Shelf) -> Result<(), StoreError> {
        let meta = SnapshotMeta {
            last_log_id: self.last_applied,
            last_membership: if planted::on(Plant::SnapshotWithoutMembership) {
                StoredMembership::default()
            } else {
                self.membership.clone()
            },
            snapshot_id: self.last_applied.map_or_else(|| "empty".into(), |id| id.to_string()),
        };
        let mut body = shelf.begin()?;
        snapshot_format::write::<C>(&mut body, &meta, self.machine.cells(), self.machine.digest())?;
        shelf.keep::<C>(body)
    }
}

/// Builds a snapshot of the state as of the moment when the builder was made.
pub struct SnapshotBuilder<C: RaftConfig, M> {
    shelf: Arc<Shelf>,
    state: Arc<Published<C, M>>,
}

impl<C, M> StateStore<C, M>
where
    C: RaftConfig + openraft::RaftTypeConfig<D = M::Command, R = M::Outcome>,
    M: Machine,
{
    /// Restores the machine from the newest snapshot, if there is one. It applies nothing that is not durable in the log.
    pub(crate) fn open(shelf: Shelf, format: Format, durable: Durable) -> Result<Self, StoreError> {
        let (machine, applied) = match shelf.newest::<C>()? {
            None => (M::empty(), Applied { last: None, membership: StoredMembership::default() }),
            Some(body) => {
                let Contents { meta, cells, digest } = snapshot_format::read::<C>(&body)?;
                let machine = restore::<M>(cells)?;
                hold_against(&machine, digest)?;
                (machine, Applied { last: meta.last_log_id, membership: meta.last_membership })
            }
        };
        format.rise(machine.format())?;
        let (published, _) = watch::channel(Arc::new(publish(&machine, &applied)));
        Ok(Self { shelf: Arc::new(shelf), format: Arc::new(format), applied, machine, published, durable })
    }

    /// Follows the state: the receiver holds the newest copy and is told of each newer one.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Published<C, M>>> {
        self.published.subscribe()
    }

    /// The last entry that was applied.
    #[must_use]
    pub fn last_applied(&self) -> Option<LogId<u64>> {
        self.applied.last
    }

    /// Begins with a state instead of an empty one; its snapshot is durable when this returns.
    pub(crate) fn begin_with(&mut self, state: Published<C, M>) -> Result<(), StoreError> {
        self.format.rise(state.machine.format())?;
        state.shelve(&self.shelf)?;
        let Published { machine, last_applied, membership } = state;
        self.applied = Applied { last: last_applied, membership };
        self.machine = machine;
        self.publish();
        Ok(())
    }

    fn apply_all(&mut self, entries: impl IntoIterator<Item = Entry<C>>) -> Result<Vec<C::R>, StoreError> {
        let mut outcomes = Vec::new();
        for entry in entries {
            let id = entry.log_id;
            if self.applied.last.is_some_and(|last| last.index >= id.index) {
                return Err(StoreError::Refused(format!("entry {} is applied already", id.index)));
            }
            outcomes.push(match entry.payload {
                EntryPayload::Blank => M::blank(),
                EntryPayload::Normal(command) => {
                    let position = Position { term: id.leader_id.term, index: id.index };
                    self.machine.apply(position, command)
                }
                EntryPayload::Membership(membership) => {
                    self.applied.membership = StoredMembership::new(Some(id), membership);
                    M::blank()
                }
            });
            self.applied.last = Some(id);
        }
        self.format.rise(self.machine.format())?;
        self.publish();
        Ok(outcomes)
    }

    fn publish(&self) {
        self.published.send_replace(Arc::new(publish(&self.machine, &self.applied)));
    }
}

fn publish<C: RaftConfig, M: Clone>(machine: &M, applied: &Applied<C>) -> Published<C, M> {
    Published { machine: machine.clone(), last_applied: applied.last, membership: applied.membership.clone() }
}

fn restore<M: Machine>(cells: Vec<Pair>) -> Result<M, StoreError> {
    M::restore(cells.into_iter()).map_err(|e| StoreError::corrupt("applied state", e.to_string()))
}

/// A machine that was restored from a snapshot has the digest that the snapshot carries.
fn hold_against<M: Machine>(machine: &M, carried: Option<CellsDigest>) -> Result<(), StoreError> {
    match carried {
        Some(carried) if carried != machine.digest() => {
            let place = format!("its cells have digest {}, its writer had {carried}", machine.digest());
            Err(StoreError::corrupt("snapshot", place))
        }
        _ => Ok(()),
    }
}

fn snapshot_of<C: RaftConfig>(body: SnapshotBody) -> Result<Snapshot<C>, StoreError> {
    Ok(Snapshot { meta: snapshot_format::read_meta::<C>(&body)?, snapshot: Box::new(body) })
}

fn snapshot_failed(error: &StoreError, verb: ErrorVerb) -> StorageError<u64> {
    error.fatal(ErrorSubject::Snapshot(None), verb)
}

impl<C, M> RaftStateMachine<C> for StateStore<C, M>
where
    C: RaftConfig + openraft::RaftTypeConfig<D = M::Command, R = M::Outcome>,
    M: Machine,
{
    type SnapshotBuilder = SnapshotBuilder<C, M>;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, C::Node>), StorageError<u64>> {
        Ok((self.applied.last, self.applied.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<C::R>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<C>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let failed = |e: StoreError| e.fatal(ErrorSubject::StateMachine, ErrorVerb::Write);
        let entries: Vec<Entry<C>> = entries.into_iter().collect();
        if let Some(last) = entries.last() {
            self.durable.reach(last.log_id).await.map_err(failed)?;
        }
        self.apply_all(entries).map_err(failed)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder<C, M> {
        SnapshotBuilder { shelf: Arc::clone(&self.shelf), state: Arc::clone(&self.published.borrow()) }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<SnapshotBody>, StorageError<u64>> {
        self.shelf.begin().map(Box::new).map_err(|e| snapshot_failed(&e, ErrorVerb::Write))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, C::Node>,
        snapshot: Box<SnapshotBody>,
    ) -> Result<(), StorageError<u64>> {
        let (meta, shelf, format) = (meta.clone(), Arc::clone(&self.shelf), Arc::clone(&self.format));
        let installed = off_task(self.shelf.blocks(), move || {
            let Contents { meta: found, cells, digest } = snapshot_format::read::<C>(&snapshot)?;
            if found != meta {
                return Err(StoreError::corrupt("snapshot", format!("it is {found}, announced as {meta}")));
            }
            let machine = restore::<M>(cells)?;
            hold_against(&machine, digest)?;
            // First, so that no older program takes it for damage.
            format.rise(machine.format())?;
            shelf.keep::<C>(*snapshot)?;
            Ok((machine, Applied { last: meta.last_log_id, membership: meta.last_membership }))
        });
        (self.machine, self.applied) = installed.await.map_err(|e| snapshot_failed(&e, ErrorVerb::Write))?;
        self.publish();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<C>>, StorageError<u64>> {
        let newest = self.shelf.newest::<C>().and_then(|body| body.map(snapshot_of::<C>).transpose());
        newest.map_err(|e| snapshot_failed(&e, ErrorVerb::Read))
    }
}

impl<C: RaftConfig, M: Machine> RaftSnapshotBuilder<C> for SnapshotBuilder<C, M> {
    async fn build_snapshot(&mut self) -> Result<Snapshot<C>, StorageError<u64>> {
        let (shelf, state) = (Arc::clone(&self.shelf), Arc::clone(&self.state));
        let built = off_task(self.shelf.blocks(), move || {
            state.shelve(&shelf)?;
            let newest = shelf.newest::<C>()?;
            newest
                .ok_or_else(|| StoreError::corrupt("snapshot", "it is gone just after it was written"))
                .and_then(snapshot_of::<C>)
        });
        built.await.map_err(|e| snapshot_failed(&e, ErrorVerb::Write))
    }
}
