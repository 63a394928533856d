//! What a member keeps beside its log.

use openraft::Vote;
use openraft::storage::RaftLogStorage;
use passquorum_storage::engine::Crash;
use passquorum_storage::{Durability, Kind, LogStore, MemoryDisk, Store, StoreError};

use crate::machine::{Config, Notes, append, notes};

const NUMBER: Kind = Kind::new(900, 1);

fn log(disk: &MemoryDisk) -> LogStore<Config> {
    Store::<Config, Notes>::memory(disk).unwrap().log
}

#[tokio::test]
async fn a_record_rides_along_with_the_next_durable_write_or_is_durable_at_once() {
    let disk = MemoryDisk::default();
    log(&disk).records().write(NUMBER, "lazy", &1_u64, Durability::Buffered).unwrap();
    disk.crash(Crash::LoseUnsynced);
    assert_eq!(log(&disk).records().read::<u64>(NUMBER, "lazy").unwrap(), None);

    let mut store = log(&disk);
    store.records().write(NUMBER, "lazy", &2_u64, Durability::Buffered).unwrap();
    store.save_vote(&Vote::new(1, 1)).await.unwrap();
    store.records().write(NUMBER, "now", &3_u64, Durability::Synced).unwrap();
    drop(store);
    disk.crash(Crash::LoseUnsynced);
    let records = log(&disk).records();
    assert_eq!(records.read(NUMBER, "lazy").unwrap(), Some(2_u64));
    assert_eq!(records.read(NUMBER, "now").unwrap(), Some(3_u64));
}

#[tokio::test]
async fn records_are_no_part_of_the_log_and_a_damaged_one_is_named() {
    let disk = MemoryDisk::default();
    let mut store = log(&disk);
    store.records().write(NUMBER, "beside", &1_u64, Durability::Buffered).unwrap();
    append(&mut store, notes(0..3)).await.unwrap();
    store.truncate(crate::machine::id(1, 1)).await.unwrap();
    assert_eq!(store.records().read(NUMBER, "beside").unwrap(), Some(1_u64));
    drop(store);
    assert!(disk.raft.flip_bit(b"Nbeside", 100));
    let refused = log(&disk).records().read::<u64>(NUMBER, "beside").unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { what: "record", .. }), "{refused}");
}
