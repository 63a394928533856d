//! Snapshots: built, transferred, installed, damaged, interrupted.

use openraft::RaftSnapshotBuilder;
use openraft::storage::{RaftLogStorage, RaftStateMachine, Snapshot};
use passquorum_storage::engine::Crash;
use passquorum_storage::{CellsDigest, MemoryDisk, SnapshotBody, StateStore, Store, StoreError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::machine::{Config, Notes, append, id, note, notes, open};

type State = StateStore<Config, Notes>;

async fn build(state: &mut State) -> Snapshot<Config> {
    state.get_snapshot_builder().await.build_snapshot().await.unwrap()
}

/// Sends a body in pieces, as a network does.
async fn transfer(from: &SnapshotBody, to: &mut State) -> Box<SnapshotBody> {
    let mut received = to.begin_receiving_snapshot().await.unwrap();
    while received.len() < from.len() {
        let piece = from.read_at(received.len(), 1000).unwrap();
        received.append(received.len(), &piece).unwrap();
    }
    received
}

fn files(directory: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path().join("snapshots")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn contents(state: &State) -> Notes {
    state.subscribe().borrow().machine.clone()
}

#[tokio::test]
async fn a_snapshot_travels_between_disks_and_memory_unchanged() {
    let directories = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let Store { state: mut first, .. } = open(directories[0].path()).unwrap();
    let Store { state: mut second, .. } = open(directories[1].path()).unwrap();
    let Store { state: mut third, .. } = Store::memory(&MemoryDisk::default()).unwrap();
    first.apply(notes(0..30)).await.unwrap();
    first.apply(vec![note(30, "large", vec![5; 700_000])]).await.unwrap();
    second.apply(vec![note(0, "other", "to be replaced")]).await.unwrap();
    let built = build(&mut first).await;

    let body = transfer(&built.snapshot, &mut second).await;
    body.verify().unwrap();
    second.install_snapshot(&built.meta, body).await.unwrap();
    let passed_on = second.get_current_snapshot().await.unwrap().unwrap();
    let body = transfer(&passed_on.snapshot, &mut third).await;
    third.install_snapshot(&passed_on.meta, body).await.unwrap();

    for state in [&mut second, &mut third] {
        assert_eq!(state.applied_state().await.unwrap().0, Some(id(1, 30)));
        assert_eq!(contents(state), contents(&first));
    }
    assert_eq!(files(&directories[1]).len(), 1, "only the newest is kept");
    drop(second);
    let Store { state: second, .. } = open(directories[1].path()).unwrap();
    assert_eq!(contents(&second), contents(&first));
}

#[tokio::test]
async fn equal_states_have_equal_snapshots() {
    let mut bodies = Vec::new();
    for batch in [1, 7] {
        let Store { mut state, .. } = Store::memory(&MemoryDisk::default()).unwrap();
        for part in notes(0..50).chunks(batch) {
            state.apply(part.to_vec()).await.unwrap();
        }
        bodies.push(build(&mut state).await.snapshot.read_at(0, usize::MAX).unwrap());
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn only_the_newest_snapshot_is_kept_and_unfinished_ones_are_removed() {
    let directory = TempDir::new().unwrap();
    {
        let Store { mut log, mut state } = open(directory.path()).unwrap();
        append(&mut log, notes(0..9)).await.unwrap();
        state.apply(notes(0..5)).await.unwrap();
        let mut earlier = state.get_snapshot_builder().await;
        state.apply(notes(5..9)).await.unwrap();
        let newest = build(&mut state).await.meta;
        let late = earlier.build_snapshot().await.unwrap();
        assert_eq!(late.meta, newest, "one that is finished late never replaces a newer one");
    }
    let kept = files(&directory);
    assert_eq!(kept.len(), 1);
    std::fs::write(directory.path().join("snapshots/3.part"), "half").unwrap();
    drop(open(directory.path()).unwrap());
    assert_eq!(files(&directory), kept);
}

#[tokio::test]
async fn a_damaged_snapshot_replaces_nothing() {
    let Store { state: mut from, .. } = Store::memory(&MemoryDisk::default()).unwrap();
    from.apply(notes(0..20)).await.unwrap();
    let built = build(&mut from).await;
    let good = built.snapshot.read_at(0, usize::MAX).unwrap();
    let Store { state: mut to, .. } = Store::memory(&MemoryDisk::default()).unwrap();
    to.apply(notes(0..3)).await.unwrap();
    let before = contents(&to);

    for bit in (0..good.len() * 8).step_by(37) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut body = to.begin_receiving_snapshot().await.unwrap();
        body.append(0, &bad).unwrap();
        assert!(body.verify().is_err(), "bit {bit}");
        assert!(to.install_snapshot(&built.meta, body).await.is_err(), "bit {bit}");
    }
    for length in [0, 3, good.len() / 2, good.len() - 1] {
        let mut body = to.begin_receiving_snapshot().await.unwrap();
        body.append(0, &good[..length]).unwrap();
        assert!(matches!(body.verify(), Err(StoreError::Corrupt { .. })), "{length} bytes");
    }
    let mut longer = to.begin_receiving_snapshot().await.unwrap();
    longer.append(0, &good).unwrap();
    longer.append(good.len() as u64, b"x").unwrap();
    assert!(longer.verify().is_err());
    assert_eq!(contents(&to), before);
    assert!(to.get_current_snapshot().await.unwrap().is_none());
}

#[tokio::test]
async fn a_snapshot_that_is_not_the_announced_one_is_refused() {
    let Store { mut state, .. } = Store::<Config, Notes>::memory(&MemoryDisk::default()).unwrap();
    state.apply(notes(0..4)).await.unwrap();
    let Snapshot { mut meta, snapshot } = build(&mut state).await;
    meta.last_log_id = Some(id(1, 9));
    assert!(state.install_snapshot(&meta, snapshot).await.is_err());
}

#[tokio::test]
async fn pieces_have_to_come_in_order() {
    let Store { mut state, .. } = Store::<Config, Notes>::memory(&MemoryDisk::default()).unwrap();
    let mut body = state.begin_receiving_snapshot().await.unwrap();
    body.append(0, b"abc").unwrap();
    assert!(matches!(body.append(0, b"abc"), Err(StoreError::Refused(_))));
    assert!(matches!(body.append(4, b"e"), Err(StoreError::Refused(_))));
    assert_eq!(
        (body.len(), body.read_at(1, 9).unwrap(), body.read_at(9, 9).unwrap()),
        (3, b"bc".to_vec(), vec![])
    );
}

#[tokio::test]
async fn an_installed_snapshot_survives_a_crash() {
    let Store { state: mut from, .. } = Store::memory(&MemoryDisk::default()).unwrap();
    from.apply(notes(0..40)).await.unwrap();
    let built = build(&mut from).await;
    for crash in [Crash::LoseUnsynced, Crash::KeepUnsynced] {
        let disk = MemoryDisk::default();
        {
            let Store { mut state, .. } = Store::<Config, Notes>::memory(&disk).unwrap();
            state.apply(notes(0..3)).await.unwrap();
            let body = transfer(&built.snapshot, &mut state).await;
            state.install_snapshot(&built.meta, body).await.unwrap();
        }
        disk.crash(crash);
        let Store { mut state, .. } = Store::<Config, Notes>::memory(&disk).unwrap();
        assert_eq!(state.applied_state().await.unwrap().0, Some(id(1, 39)));
        assert_eq!(contents(&state), contents(&from));
    }
}

#[tokio::test]
async fn a_purged_log_never_needs_what_a_crash_took_from_the_state() {
    let disk = MemoryDisk::default();
    let expected = {
        let Store { mut log, mut state } = Store::<Config, Notes>::memory(&disk).unwrap();
        append(&mut log, notes(0..30)).await.unwrap();
        state.apply(notes(0..30)).await.unwrap();
        build(&mut state).await;
        log.purge(id(1, 29)).await.unwrap();
        append(&mut log, notes(30..31)).await.unwrap();
        contents(&state)
    };
    disk.crash(Crash::LoseUnsynced);
    let Store { mut log, state } = Store::<Config, Notes>::memory(&disk).unwrap();
    assert_eq!(contents(&state), expected);
    assert_eq!(log.get_log_state().await.unwrap().last_purged_log_id, Some(id(1, 29)));
}

#[tokio::test]
async fn a_snapshot_that_rotted_on_disk_is_named_at_open() {
    let disk = MemoryDisk::default();
    {
        let Store { mut state, .. } = Store::<Config, Notes>::memory(&disk).unwrap();
        state.apply(notes(0..3)).await.unwrap();
        build(&mut state).await;
    }
    assert!(disk.snapshots.flip_bit(900));
    let refused = Store::<Config, Notes>::memory(&disk).err().unwrap();
    assert!(matches!(refused, StoreError::Corrupt { what: "snapshot", .. }), "{refused}");
}

#[tokio::test]
async fn a_snapshot_whose_cells_are_not_what_its_writer_followed_is_refused() {
    let Store { mut state, .. } = Store::<Config, Notes>::memory(&MemoryDisk::default()).unwrap();
    state.apply(notes(0..9)).await.unwrap();
    let Snapshot { meta, snapshot } = build(&mut state).await;
    let mut bytes = snapshot.read_at(0, usize::MAX).unwrap();
    let checksum = bytes.len() - 32;
    bytes[checksum - 1] ^= 1;
    let right = Sha256::digest(&bytes[..checksum]);
    bytes[checksum..].copy_from_slice(&right);
    let mut body = state.begin_receiving_snapshot().await.unwrap();
    body.append(0, &bytes).unwrap();
    body.verify().unwrap();
    let refused = state.install_snapshot(&meta, body).await.unwrap_err();
    assert!(refused.to_string().contains("its writer had"), "{refused}");
}

/// The bytes of a snapshot with these cells, under the header of `empty`.
fn with_cells(empty: &SnapshotBody, cells: &[(&[u8], &[u8])]) -> Vec<u8> {
    let all = empty.read_at(0, usize::MAX).unwrap();
    let header = u32::from_be_bytes([all[0], all[1], all[2], all[3]]) as usize;
    let mut bytes = all[..4 + header].to_vec();
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    for (key, value) in cells {
        bytes.extend_from_slice(&[length(key).as_slice(), &length(value), key, value].concat());
    }
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    bytes.extend_from_slice(&(cells.len() as u64).to_be_bytes());
    let cells = cells.iter().map(|(key, value)| (key.to_vec(), value.to_vec()));
    bytes.extend_from_slice(&CellsDigest::of(cells).to_bytes());
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

#[tokio::test]
async fn cells_that_are_there_twice_or_out_of_order_are_refused() {
    let Store { mut state, .. } = Store::memory(&MemoryDisk::default()).unwrap();
    let empty = build(&mut state).await;
    let (a, b) = ((&b"a"[..], &b"1"[..]), (&b"b"[..], &b"2"[..]));
    for (cells, right) in [([a, b], true), ([a, a], false), ([b, a], false)] {
        let mut body = state.begin_receiving_snapshot().await.unwrap();
        body.append(0, &with_cells(&empty.snapshot, &cells)).unwrap();
        assert_eq!(body.verify().is_ok(), right);
        assert_eq!(state.install_snapshot(&empty.meta, body).await.is_ok(), right);
    }
}
