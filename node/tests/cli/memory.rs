//! What a process has in its memory, and what a folder has in its files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Something that is looked for.
pub(crate) struct Needle {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Needle {
    pub(crate) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let needle = Self { name: name.into(), bytes: bytes.into() };
        assert!(needle.bytes.len() >= 7, "{} is too short to be looked for", needle.name);
        needle
    }
}

/// The names of what is found in the memory that a process can write to.
pub(crate) fn found_in_memory(pid: u32, needles: &[Needle]) -> Vec<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    let mut looked_at = 0;
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (Some(range), Some(rights)) = (parts.next(), parts.next()) else { continue };
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let from = u64::from_str_radix(from, 16).unwrap();
        let length = u64::from_str_radix(to, 16).unwrap() - from;
        memory.seek(SeekFrom::Start(from)).unwrap();
        let mut bytes = Vec::new();
        // A part may be gone since the list was made.
        if memory.by_ref().take(length).read_to_end(&mut bytes).is_ok() {
            looked_at += bytes.len();
            found.extend(found_in(&bytes, needles));
        }
    }
    assert!(looked_at > 1 << 20, "only {looked_at} bytes of memory were looked at");
    found.sort_unstable();
    found.dedup();
    found
}

/// The names of what is found in the files below a folder.
pub(crate) fn found_in_files(folder: &Path, needles: &[Needle]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(found_in_files(&entry.path(), needles));
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            found.extend(
                found_in(&bytes, needles).map(|name| format!("{name} in {}", entry.path().display())),
            );
        }
    }
    found
}

fn found_in(bytes: &[u8], needles: &[Needle]) -> impl Iterator<Item = String> {
    let holds = |needle: &&Needle| places(bytes, &needle.bytes).next().is_some();
    needles.iter().filter(holds).map(|needle| needle.name.clone())
}

/// Where some bytes are in others.
pub(crate) fn places<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = wanted[0];
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
            from = at + 1;
            if bytes[at..].starts_with(wanted) {
                return Some(at);
            }
        }
    })
}
