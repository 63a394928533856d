//! openraft's own suite for storage implementations.

use openraft::StorageError;
use openraft::testing::{StoreBuilder, Suite};
use passquorum_storage::{LogStore, MemoryDisk, StateStore, Store};
use tempfile::TempDir;

use crate::machine::{Config, Notes, open};

type State = StateStore<Config, Notes>;

struct OnDisk;
struct InMemory;

impl StoreBuilder<Config, LogStore<Config>, State, TempDir> for OnDisk {
    async fn build(&self) -> Result<(TempDir, LogStore<Config>, State), StorageError<u64>> {
        let directory = TempDir::new().unwrap();
        let Store { log, state } = open(directory.path()).unwrap();
        Ok((directory, log, state))
    }
}

impl StoreBuilder<Config, LogStore<Config>, State> for InMemory {
    async fn build(&self) -> Result<((), LogStore<Config>, State), StorageError<u64>> {
        let Store { log, state } = Store::memory(&MemoryDisk::default()).unwrap();
        Ok(((), log, state))
    }
}

#[test]
fn the_store_on_disk_passes_the_suite_of_openraft() {
    Suite::test_all(OnDisk).unwrap();
}

#[test]
fn the_store_in_memory_passes_the_suite_of_openraft() {
    Suite::test_all(InMemory).unwrap();
}
