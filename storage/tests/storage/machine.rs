//! A small machine to drive the stores with: named notes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::RwLock;

use openraft::storage::RaftLogStorageExt;
use openraft::{CommittedLeaderId, Entry, EntryPayload, LogId};
use passquorum_storage::{
    LogStore, Machine, MachineError, Position, SnapshotBody, Store, StoreError, format,
};
use serde::{Deserialize, Serialize};

/// Writes a note, or erases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) name: String,
    pub(crate) text: Option<Vec<u8>>,
}

/// The text that the note had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before(pub(crate) Option<Vec<u8>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

openraft::declare_raft_types!(
    pub(crate) Config:
        D = Note,
        R = Before,
        NodeId = u64,
        Node = openraft::BasicNode,
        Entry = Entry<Config>,
        SnapshotData = SnapshotBody,
        AsyncRuntime = openraft::TokioRuntime,
);

impl Machine for Notes {
    type Command = Note;
    type Outcome = Before;

    fn empty() -> Self {
        Self::default()
    }

    fn restore(cells: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, MachineError> {
        Ok(Self(cells.collect()))
    }

    fn cells(&self) -> Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)> + Send + '_> {
        Box::new(self.0.iter().map(|(key, value)| (key.clone(), value.clone())))
    }

    /// A note of this name is in a form that only programs of its version and newer ones can read.
    fn format(&self) -> u32 {
        let version = self.0.get(b"version".as_slice()).and_then(|text| String::from_utf8(text.clone()).ok());
        version.and_then(|text| text.parse().ok()).unwrap_or(format::FIRST)
    }

    fn apply(&mut self, _: Position, note: Note) -> Before {
        let key = note.name.into_bytes();
        let before = match note.text {
            Some(text) => self.0.insert(key, text),
            None => self.0.remove(&key),
        };
        Before(before)
    }

    fn blank() -> Before {
        Before(None)
    }
}

/// Held while a process is started: until then it shares the open files of this one, and with them the
/// locks of a directory that another test has just closed.
pub(crate) static SPAWNING: RwLock<()> = RwLock::new(());

/// Opens a store on disk.
pub(crate) fn open(directory: &Path) -> Result<Store<Config, Notes>, StoreError> {
    let _no_process_is_starting = SPAWNING.read().unwrap();
    Store::open(directory)
}

pub(crate) fn id(term: u64, index: u64) -> LogId<u64> {
    LogId::new(CommittedLeaderId::new(term, 1), index)
}

pub(crate) fn note(index: u64, name: &str, text: impl Into<Vec<u8>>) -> Entry<Config> {
    let note = Note { name: name.into(), text: Some(text.into()) };
    Entry { log_id: id(1, index), payload: EntryPayload::Normal(note) }
}

/// Notes with these indexes, each with a text of its own.
pub(crate) fn notes(indexes: std::ops::Range<u64>) -> Vec<Entry<Config>> {
    indexes.map(|index| note(index, &format!("note {}", index % 7), format!("text {index}"))).collect()
}

/// Appends and waits until it is durable.
pub(crate) async fn append(
    log: &mut LogStore<Config>,
    entries: Vec<Entry<Config>>,
) -> Result<(), openraft::StorageError<u64>> {
    log.blocking_append(entries).await
}
