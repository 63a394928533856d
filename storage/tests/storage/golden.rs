//! Files as releases wrote them: what this one writes is what is kept here, byte for byte; it reads the older ones too.

use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{BasicNode, Entry, EntryPayload, Membership, RaftLogReader, RaftSnapshotBuilder, Vote};
use passquorum_storage::engine::{Batch, Durability, Engine};
use passquorum_storage::{MemoryDisk, Store};

use crate::machine::{Config, Notes, append, id, note};

const RAFT: &str = include_str!("golden/raft-1.txt");
const STATE: &str = include_str!("golden/state-1.txt");
const SNAPSHOT_1: &str = include_str!("golden/snapshot-1.txt");
const SNAPSHOT: &str = include_str!("golden/snapshot-2.txt");

fn entries() -> Vec<Entry<Config>> {
    let member = (7, BasicNode::new("node7.example.test:9000"));
    let membership = Membership::new(vec![[7].into()], std::collections::BTreeMap::from([member]));
    let mut entries = vec![
        Entry { log_id: id(0, 0), payload: EntryPayload::Membership(membership) },
        Entry { log_id: id(1, 1), payload: EntryPayload::Blank },
    ];
    entries.push(note(2, "first", "text"));
    entries.push(note(3, "large", vec![b'z'; 5000]));
    entries
}

async fn written() -> (MemoryDisk, Vec<u8>) {
    let disk = MemoryDisk::default();
    let Store { mut log, mut state } = Store::<Config, Notes>::memory(&disk).unwrap();
    append(&mut log, entries()).await.unwrap();
    log.save_committed(Some(id(1, 3))).await.unwrap();
    log.save_vote(&Vote::new_committed(1, 7)).await.unwrap();
    state.apply(entries()).await.unwrap();
    let built = state.get_snapshot_builder().await.build_snapshot().await.unwrap();
    log.purge(id(0, 0)).await.unwrap();
    (disk, built.snapshot.read_at(0, usize::MAX).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn dump(engine: &dyn Engine) -> String {
    let mut text = String::new();
    let mut add = |key: &[u8], value: &[u8]| {
        text.push_str(&format!("{} {}\n", hex(key), hex(value)));
        Ok(true)
    };
    engine.scan(&[], &[u8::MAX], &mut add).unwrap();
    text
}

fn load(engine: &dyn Engine, text: &str) {
    let mut batch = Batch::default();
    for (key, value) in text.lines().map(|line| line.split_once(' ').unwrap()) {
        batch.put(bytes(key), bytes(value));
    }
    engine.write(batch, Durability::Synced).unwrap();
}

#[tokio::test]
async fn this_release_writes_what_is_kept_here() {
    let (disk, snapshot) = written().await;
    assert_eq!(dump(&disk.raft), RAFT);
    assert_eq!(dump(&disk.state), STATE);
    assert_eq!(format!("{}\n", hex(&snapshot)), SNAPSHOT);
}

#[tokio::test]
async fn this_release_reads_each_version() {
    let disk = MemoryDisk::default();
    load(&disk.raft, RAFT);
    load(&disk.state, STATE);
    let Store { mut log, mut state } = Store::<Config, Notes>::memory(&disk).unwrap();
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), entries()[1..]);
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new_committed(1, 7)));
    assert_eq!(log.read_committed().await.unwrap(), Some(id(1, 3)));
    let (last, membership) = state.applied_state().await.unwrap();
    assert_eq!(last, Some(id(1, 3)));
    assert!(membership.membership().get_node(&7).is_some());

    let meta = state.get_snapshot_builder().await.build_snapshot().await.unwrap().meta;
    for snapshot in [SNAPSHOT_1, SNAPSHOT] {
        let mut body = state.begin_receiving_snapshot().await.unwrap();
        body.append(0, &bytes(snapshot.trim_end())).unwrap();
        body.verify().unwrap();
        state.install_snapshot(&meta, body).await.unwrap();
    }
}
