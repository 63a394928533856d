//! Locks that outlive their owner for a moment: sled's own, and that of the data directory.

use crate::machine::open;
use passquorum_storage::Store;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc;
use tempfile::TempDir;

/// The kernel lists who waits for a lock with an arrow, and the file by its inode.
fn somebody_waits_for(file: &File) -> bool {
    let inode = format!(":{} ", file.metadata().unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("->") && line.contains(&inode))
}

#[test]
fn opening_waits_for_a_lock_that_is_on_its_way_out() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()).unwrap());
    let lingering = File::open(directory.path().join("raft/db")).unwrap();
    lingering.lock().unwrap();
    let (opened, outcome) = mpsc::channel();
    let path = directory.path().to_owned();
    let opener = std::thread::spawn(move || {
        let store = open(&path);
        opened.send(store.as_ref().map(drop).map_err(ToString::to_string)).unwrap();
        drop::<Result<Store<_, _>, _>>(store);
    });
    while !somebody_waits_for(&lingering) {
        assert!(outcome.try_recv().is_err(), "it must not end while the lock is held");
        std::thread::yield_now();
    }
    drop(lingering);
    assert_eq!(outcome.recv().unwrap(), Ok(()));
    opener.join().unwrap();
}

/// How often this process has a file open.
fn opened(path: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    all.filter(|entry| std::fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|file| file == path))
        .count()
}

#[test]
fn opening_waits_a_moment_for_the_lock_of_the_directory() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()).unwrap());
    let path = directory.path().join("LOCK");
    let lingering = File::open(&path).unwrap();
    lingering.lock().unwrap();
    let opener =
        std::thread::spawn(move || open(directory.path()).map(drop).map_err(|error| error.to_string()));
    while opened(&path) < 2 {
        assert!(!opener.is_finished(), "it must not end while the lock is held");
        std::thread::yield_now();
    }
    drop(lingering);
    assert_eq!(opener.join().unwrap(), Ok(()));
}
