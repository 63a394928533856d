//! Runs a fuzz target over its committed inputs, so that neither can rot. Each crate with targets takes this file into
//! its tests by path.

use std::path::{Path, PathBuf};

/// Runs `target` over every file of `fuzz/corpus/<name>`, after a look that each seed is there as `seeds` makes it. A
/// missing or changed one is written, and fails the test once, so that it is looked at and committed.
pub(crate) fn replay(name: &str, target: fn(&[u8]), seeds: Vec<(&str, Vec<u8>)>) {
    let corpus = corpus().join(name);
    std::fs::create_dir_all(&corpus).unwrap();
    let mut changed = Vec::new();
    for (seed, bytes) in seeds {
        let path = corpus.join(seed);
        if std::fs::read(&path).ok().as_ref() != Some(&bytes) {
            std::fs::write(&path, bytes).unwrap();
            changed.push(path);
        }
    }
    assert!(changed.is_empty(), "these seeds are new or changed, and were written: {changed:?}");
    let inputs: Vec<PathBuf> =
        std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty(), "{name} has no input");
    for input in inputs {
        let bytes = std::fs::read(&input).unwrap();
        eprintln!("{}", input.display());
        target(&bytes);
    }
}

fn corpus() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = package.ancestors().map(|above| above.join("fuzz/corpus")).find(|path| path.is_dir());
    found.unwrap()
}
