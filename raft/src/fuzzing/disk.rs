//! What a member reads back from its disk, and the snapshots that it takes from peers.

use super::{enveloped, parts};
use crate::Store;
use crate::types::NodeInfo;
use futures::FutureExt;
use openraft::storage::{RaftLogStorage, RaftStateMachine};
use openraft::{RaftLogReader, RaftSnapshotBuilder, SnapshotMeta};
use passquorum_storage::codec::{self, Kind};
use passquorum_storage::engine::{Batch, Durability, Engine};
use passquorum_storage::{MemoryDisk, SnapshotBody};
use sha2::{Digest, Sha256};

const ENTRY: Kind = Kind::new(1, 1);
const VOTE: Kind = Kind::new(2, 1);
const PURGED: Kind = Kind::new(3, 1);
const COMMITTED: Kind = Kind::new(4, 1);
const META: Kind = Kind::new(6, 1);
const KEY: Kind = Kind::new(100, 1);
const CELL: Kind = Kind::new(101, 1);

/// The disk in memory does everything in place, so that nothing is ever waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the disk in memory never waits")
}

/// A log with what the parts of the input say: the first byte of each is what it is. The member starts or refuses;
/// once it started, it starts again with the same.
pub fn stored_state(data: &[u8]) {
    let disk = MemoryDisk::default();
    for part in parts(data) {
        let Some((what, rest)) = part.split_first() else { continue };
        let (key, value) = match what {
            0 => {
                let Some((index, payload)) = rest.split_first() else { continue };
                let key = [b"L".as_slice(), &u64::from(*index).to_be_bytes(), &[0, 0]].concat();
                (key, enveloped(ENTRY, payload))
            }
            1 => (b"V".to_vec(), enveloped(VOTE, rest)),
            2 => (b"P".to_vec(), enveloped(PURGED, rest)),
            3 => (b"C".to_vec(), enveloped(COMMITTED, rest)),
            _ => {
                let Some((key, value)) = split(rest) else { continue };
                if key.first().is_none_or(|first| *first == u8::MAX) {
                    continue;
                }
                (key.to_vec(), value.to_vec())
            }
        };
        let mut batch = Batch::default();
        batch.put(key, value);
        disk.raft.write(batch, Durability::Synced).expect("the disk in memory takes everything");
    }
    let Ok(Store { mut log, mut state }) = Store::memory(&disk) else { return };
    drop(now(log.try_get_log_entries(..)));
    drop(now(log.read_vote()));
    drop(now(log.read_committed()));
    drop(now(log.get_log_state()));
    let machine = state.subscribe().borrow().machine.state();
    now(async { state.get_snapshot_builder().await.build_snapshot().await }).expect("a state has a snapshot");
    drop((log, state));
    let again = Store::memory(&disk).expect("what was opened can be opened again");
    assert_eq!(again.state.subscribe().borrow().machine.state(), machine);
}

/// Splits bytes after the number of bytes that the first one says.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// A snapshot that arrives: any bytes; or, when the first byte is not zero, a header and cells in right envelopes with
/// a right checksum, put in order when it is one. It is refused, or the member holds it and starts with it.
pub fn snapshots(data: &[u8]) {
    let Some((whole, rest)) = data.split_first() else { return };
    if *whole == 0 {
        receive(rest, &SnapshotMeta::default());
        return;
    }
    let mut given = parts(rest);
    let header = enveloped(META, given.next().unwrap_or_default());
    let mut bytes = [length(&header).as_slice(), &header].concat();
    let mut count = 0_u64;
    let mut cells: Vec<_> =
        given.filter_map(split).map(|(key, value)| (enveloped(KEY, key), enveloped(CELL, value))).collect();
    if *whole == 1 {
        cells.sort();
    }
    for (key, value) in cells {
        for piece in [length(&key).as_slice(), &length(&value), &key, &value] {
            bytes.extend_from_slice(piece);
        }
        count += 1;
    }
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    let meta: Result<SnapshotMeta<u64, NodeInfo>, _> = codec::decode(META, &header);
    receive(&bytes, &meta.unwrap_or_default());
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("a fuzzer's input is small").to_be_bytes()
}

fn receive(bytes: &[u8], meta: &SnapshotMeta<u64, NodeInfo>) {
    let disk = MemoryDisk::default();
    let Store { mut state, log } = Store::memory(&disk).expect("an empty disk opens");
    let mut body: Box<SnapshotBody> =
        now(state.begin_receiving_snapshot()).expect("the disk in memory takes everything");
    body.append(0, bytes).expect("the disk in memory takes everything");
    let verified = body.verify().is_ok();
    let Ok(()) = now(state.install_snapshot(meta, body)) else { return };
    assert!(verified, "a snapshot that the check refuses was installed");
    let machine = state.subscribe().borrow().machine.state();
    drop((log, state));
    if meta.last_log_id.is_some() {
        let again = Store::memory(&disk).expect("an installed snapshot opens");
        assert_eq!(again.state.subscribe().borrow().machine.state(), machine);
    }
}
