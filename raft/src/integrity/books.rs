//! What a member keeps durably about its own standing, and the view that it has of its own log.
//!
//! Both are let go when the member stops, so that the data directory is free for the next.

use crate::integrity::witness::Witnesses;
use crate::types::TypeConfig;
use crate::wire::Message;
use openraft::RaftLogReader;
use passquorum_storage::codec::Kind;
use passquorum_storage::log::LogReader;
use passquorum_storage::{Durability, LogStore, Records, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

const STANDING: Kind = Kind::new(140, 1);
const STANDING_NAME: &str = "standing";
/// Entries of the log that are kept as evidence at most.
const TAIL: u64 = 2000;

/// Why a member must not start again on its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Its state was another than the others' at this log index.
    Diverged(u64),
    /// Its disk is an old copy.
    Outdated,
}

/// Reads the standing; `None` is a good one.
pub(crate) fn standing(records: &Records) -> Result<Option<Standing>, StoreError> {
    records.read(STANDING, STANDING_NAME)
}

struct Open {
    records: Records,
    log: LogReader<TypeConfig>,
}

/// The books of a running member.
pub(crate) struct Books(Mutex<Option<Open>>);

impl Books {
    pub(crate) async fn open(log: &mut LogStore<TypeConfig>) -> Self {
        let records = log.records();
        let log = openraft::storage::RaftLogStorage::get_log_reader(log).await;
        Self(Mutex::new(Some(Open { records, log })))
    }

    /// Notes durably that this member must not start again.
    pub(crate) async fn condemn(&self, standing: Standing) -> Result<(), StoreError> {
        match &*self.0.lock().await {
            Some(open) => open.records.write(STANDING, STANDING_NAME, &standing, Durability::Synced),
            None => Err(StoreError::Stopped("the member has stopped".into())),
        }
    }

    /// Writes down what is new about the others.
    pub(crate) async fn note(&self, witnesses: &Witnesses) -> Result<(), StoreError> {
        match &*self.0.lock().await {
            Some(open) => witnesses.save(&open.records),
            None => Ok(()),
        }
    }

    /// The last entries of the log behind an index, each encoded.
    pub(crate) async fn tail(&self, behind: u64, last: u64) -> Vec<Vec<u8>> {
        let from = behind.max(last.saturating_sub(TAIL));
        let Some(open) = &mut *self.0.lock().await else { return Vec::new() };
        match open.log.try_get_log_entries(from..=last).await {
            Ok(entries) => {
                entries.iter().filter_map(|entry| entry.encode().ok()).map(|bytes| bytes.to_vec()).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "the log's tail cannot be read for the evidence");
                Vec::new()
            }
        }
    }

    /// Lets the storage go.
    pub(crate) async fn close(&self) {
        drop(self.0.lock().await.take());
    }
}
