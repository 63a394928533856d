//! A power cut in the middle of a flush. Of what the database wrote since its last sync, any part may have reached the disk:
//! some sectors and not others, in no order. What is left has to be what an engine promises: everything that was synced, and
//! of the rest whole batches, none without those before it.
//!
//! The simulation's disk keeps no less and no more than that; this test is why it may.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use passquorum_storage::engine::{Batch, Crash, Durability, Engine, MemoryEngine, SledEngine};
use proptest::prelude::*;
use tempfile::TempDir;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

fn open(directory: &Path) -> SledEngine {
    let lock = File::create(directory.join("LOCK")).unwrap();
    SledEngine::open(&directory.join("raft"), Arc::new(lock)).unwrap()
}

/// A batch with two parts, far apart among the keys.
fn batch(number: usize, size: usize) -> Batch {
    let mut batch = Batch::default();
    for tag in [b'a', b'z'] {
        batch.put([&[tag], number.to_be_bytes().as_slice()].concat(), vec![number as u8 + 1; size]);
    }
    batch
}

/// The number of batches that are there, once it is sure that they are whole and the oldest ones.
fn kept(engine: &dyn Engine, sizes: &[usize]) -> usize {
    let has = |tag: u8, number: usize| {
        let value = engine.get(&[&[tag], number.to_be_bytes().as_slice()].concat()).unwrap();
        assert!(value.as_ref().is_none_or(|value| *value == vec![number as u8 + 1; sizes[number]]));
        value.is_some()
    };
    let there: Vec<bool> = (0..sizes.len())
        .map(|number| {
            assert_eq!(has(b'a', number), has(b'z', number), "half of batch {number} is there");
            has(b'a', number)
        })
        .collect();
    let kept = there.iter().filter(|there| **there).count();
    assert!(there[..kept].iter().all(|there| *there), "a batch is there without one before it: {there:?}");
    kept
}

/// Copies a database as it lies on the disk at this moment.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &target);
        } else {
            std::fs::copy(file.path(), target).unwrap();
        }
    }
}

/// Which of the sectors reached the disk: half of them, or all but a few.
fn reached() -> impl Strategy<Value = Vec<bool>> {
    let most = |share| prop::collection::vec(prop::bool::weighted(share), 1..400);
    prop_oneof![most(0.5), most(0.95), most(0.99)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_flush_that_a_power_cut_tears_leaves_whole_batches_oldest_first(
        filler in 0_usize..160,
        synced in prop::collection::vec(1_usize..4000, 0..12),
        unsynced in prop::collection::vec(1_usize..4000, 1..12),
        reached in reached(),
    ) {
        let sizes: Vec<usize> = synced.iter().chain(&unsynced).copied().collect();
        let (live, torn) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let engine = open(live.path());
        // So that the torn part lies anywhere in the segments of half a MiB that the file is made of.
        let mut fill = Batch::default();
        (0..filler).for_each(|key| fill.put([b"f", key.to_be_bytes().as_slice()].concat(), vec![0; 4000]));
        engine.write(fill, Durability::Synced).unwrap();
        for (number, size) in sizes.iter().enumerate().take(synced.len()) {
            engine.write(batch(number, *size), Durability::Synced).unwrap();
        }
        copy(live.path(), torn.path());
        for (number, size) in sizes.iter().enumerate().skip(synced.len()) {
            engine.write(batch(number, *size), Durability::Buffered).unwrap();
        }
        engine.sync().unwrap();

        let file = torn.path().join("raft/db");
        let (before, after) = (std::fs::read(&file).unwrap(), std::fs::read(live.path().join("raft/db")).unwrap());
        let mut bytes = after.clone();
        let mut changed = reached.iter().cycle();
        for (at, sector) in bytes.chunks_mut(SECTOR).enumerate() {
            let begin = (at * SECTOR).min(before.len());
            let mut old = before[begin..before.len().min(begin + sector.len())].to_vec();
            old.resize(sector.len(), 0);
            if old != sector && !*changed.next().unwrap() {
                sector.copy_from_slice(&old);
            }
        }
        std::fs::write(&file, bytes).unwrap();
        let kept = kept(&open(torn.path()), &sizes);
        prop_assert!(kept >= synced.len(), "{kept} of {} synced batches are left", synced.len());
    }

    #[test]
    fn the_disk_in_memory_leaves_the_same_when_its_power_is_cut(
        sizes in prop::collection::vec(1_usize..100, 1..12),
        last_sync in 0_usize..12,
        power in 0_usize..12,
    ) {
        let engine = MemoryEngine::default();
        for (number, size) in sizes.iter().enumerate() {
            engine.write(batch(number, *size), Durability::Buffered).unwrap();
            if number + 1 == last_sync {
                engine.sync().unwrap();
            }
        }
        let synced = if last_sync > sizes.len() { 0 } else { last_sync };
        prop_assert_eq!(engine.unsynced(), sizes.len() - synced);
        engine.crash(Crash::KeepFirst(power));
        prop_assert_eq!(kept(&engine, &sizes), sizes.len().min(synced + power));
        prop_assert_eq!(engine.unsynced(), 0);
    }
}
