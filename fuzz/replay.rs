//! Runs a fuzz target over its committed inputs and a few changed ones, always the same, so that neither target nor
//! inputs can rot. Each crate with targets takes this file into its tests by path.

use std::path::{Path, PathBuf};

/// Changed forms of each input.
const CHANGED: u64 = 200;

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
        for seed in 1..=CHANGED {
            let changed = varied(bytes.clone(), seed);
            eprintln!("changed by {seed}: {changed:02x?}");
            target(&changed);
        }
    }
}

/// Some bytes set, removed, repeated or cut off.
fn varied(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    for _ in 0..=draw(4) {
        let (at, to) = (draw(bytes.len()), draw(bytes.len()));
        let (from, until) = (at.min(to), at.max(to).min(at.min(to) + 64));
        match draw(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(from..until)),
            2 => bytes.extend_from_within(from..until),
            3 => bytes.insert(at, u8::try_from(draw(256)).unwrap()),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xfb, 0xff, byte.wrapping_add(1), *byte ^ 0x20][draw(8)];
                }
            }
        }
    }
    bytes
}

fn corpus() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = package.ancestors().map(|above| above.join("fuzz/corpus")).find(|path| path.is_dir());
    found.unwrap()
}
