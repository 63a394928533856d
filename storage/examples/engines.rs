//! Is sled the limit? The log writer's pattern, batches of entries with one sync each and old entries deleted, on sled,
//! on fjall (a log-structured engine) behind the same trait, and as plain appends to a preallocated file: the floor that
//! the disk sets.
//!
//! `cargo run --release -p passquorum-storage --example engines -- DIRECTORY [SECONDS]` prints one JSON line for each
//! engine and batch size. The engines take turns in short rounds, since what else the machine does changes from second to
//! second; where the floor is not the fastest, the run shows the machine and not the engines.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use passquorum_storage::StoreError;
use passquorum_storage::engine::{Batch, Durability, Engine, SledEngine, Visit};
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a log entry with a label of 256 bytes in it.
const ENTRY: usize = 400;
/// Entries that stay when the log is purged, and how many one batch deletes at most.
const KEPT: u64 = 10_000;
const PURGED: u64 = 256;
/// How often each engine has its turn.
const ROUNDS: u32 = 20;
/// The preallocated file is written round and round.
const FLOOR_BYTES: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("use: engines DIRECTORY [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    for entries in [1, 16, 64] {
        let folder = tempfile::tempdir_in(&directory)?;
        let (sled, fjall) = (folder.path().join("sled"), folder.path().join("fjall"));
        let floor: Arc<dyn Engine> = Arc::new(Floor::create(&folder.path().join("floor"))?);
        let lock = Arc::new(File::create(folder.path().join("lock"))?);
        let mut runs = [
            Run::new("floor", folder.path(), floor, entries),
            Run::new("sled", &sled, Arc::new(SledEngine::open(&sled, lock)?), entries),
            Run::new("fjall", &fjall, Arc::new(Fjall::open(&fjall)?), entries),
        ];
        for _ in 0..ROUNDS {
            for run in &mut runs {
                run.round(Duration::from_secs(seconds) / ROUNDS)?;
            }
        }
        for run in runs {
            run.print()?;
        }
    }
    Ok(())
}

fn failed(error: impl fmt::Display) -> StoreError {
    StoreError::Stopped(error.to_string())
}

struct Run {
    name: &'static str,
    path: PathBuf,
    engine: Arc<dyn Engine>,
    entries: u64,
    next: u64,
    first: u64,
    latencies: Vec<Duration>,
    elapsed: Duration,
    ticks: f64,
}

impl Run {
    fn new(name: &'static str, path: &Path, engine: Arc<dyn Engine>, entries: u64) -> Self {
        let (latencies, elapsed) = (Vec::new(), Duration::ZERO);
        Self {
            name,
            path: path.to_owned(),
            engine,
            entries,
            next: 0,
            first: 0,
            latencies,
            elapsed,
            ticks: 0.0,
        }
    }

    fn round(&mut self, length: Duration) -> Result<(), Box<dyn Error>> {
        let (begin, ticks) = (Instant::now(), cpu_ticks()?);
        while begin.elapsed() < length {
            let mut batch = Batch::default();
            for index in self.next..self.next + self.entries {
                batch.put(index.to_be_bytes(), vec![b'.'; ENTRY]);
            }
            self.next += self.entries;
            let begun = Instant::now();
            self.engine.write(batch, Durability::Synced)?;
            self.latencies.push(begun.elapsed());
            while self.next - self.first > KEPT + PURGED {
                let mut purge = Batch::default();
                purge.delete_range(self.first.to_be_bytes(), (self.first + PURGED).to_be_bytes());
                self.engine.write(purge, Durability::Buffered)?;
                self.first += PURGED;
            }
        }
        self.elapsed += begin.elapsed();
        self.ticks += cpu_ticks()? - ticks;
        Ok(())
    }

    fn print(mut self) -> Result<(), Box<dyn Error>> {
        self.latencies.sort_unstable();
        let micros = |share: f64| {
            let at = ((self.latencies.len() as f64 - 1.0) * share) as usize;
            self.latencies.get(at).map_or(0, Duration::as_micros)
        };
        let (syncs, elapsed) = (self.latencies.len() as f64, self.elapsed.as_secs_f64());
        println!(
            r#"{{"measure":"engines","engine":"{}","entries_per_sync":{},"syncs_per_second":{:.0},"p10_us":{},"p50_us":{},"p99_us":{},"cpu_us_per_entry":{:.1},"disk_mb":{}}}"#,
            self.name,
            self.entries,
            syncs / elapsed,
            micros(0.1),
            micros(0.5),
            micros(0.99),
            self.ticks * 10_000.0 / self.next as f64,
            if self.name == "floor" { 0 } else { size_of(&self.path)? >> 20 },
        );
        Ok(())
    }
}

/// Processor time of this process, in hundredths of a second.
fn cpu_ticks() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("/proc/self/stat has an unknown form")?.1;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum())
}

fn size_of(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(path.metadata()?.len());
    }
    std::fs::read_dir(path)?.map(|entry| size_of(&entry?.path())).sum()
}

/// Appends to a file whose blocks are there already, so that a sync writes nothing but the data.
#[derive(Debug)]
struct Floor {
    file: File,
    at: AtomicU64,
}

impl Floor {
    fn create(path: &Path) -> std::io::Result<Self> {
        let file = File::create(path)?;
        let zeros = vec![0; 1 << 20];
        for offset in (0..FLOOR_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, offset)?;
        }
        file.sync_all()?;
        Ok(Self { file, at: AtomicU64::new(0) })
    }
}

impl Engine for Floor {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for (key, value) in batch.changes {
            bytes.extend(key);
            bytes.extend(value.unwrap_or_default());
        }
        let at = self.at.fetch_add(bytes.len() as u64, Ordering::Relaxed) % (FLOOR_BYTES - (1 << 20));
        self.file.write_all_at(&bytes, at).map_err(failed)?;
        if durability == Durability::Synced { self.sync() } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(failed)
    }

    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: Visit<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Fjall {
    database: fjall::Database,
    keyspace: fjall::Keyspace,
}

impl fmt::Debug for Fjall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fjall").finish_non_exhaustive()
    }
}

impl Fjall {
    fn open(path: &Path) -> Result<Self, fjall::Error> {
        let database = fjall::Database::builder(path).open()?;
        let keyspace = database.keyspace("log", fjall::KeyspaceCreateOptions::default)?;
        Ok(Self { database, keyspace })
    }
}

impl Engine for Fjall {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut changes = self.database.batch();
        for (from, to) in batch.ranges {
            for item in self.keyspace.range(from..to) {
                changes.remove(&self.keyspace, item.key().map_err(failed)?);
            }
        }
        for (key, value) in batch.changes {
            match value {
                Some(value) => changes.insert(&self.keyspace, key, value),
                None => changes.remove(&self.keyspace, key),
            }
        }
        let mode = (durability == Durability::Synced).then_some(fjall::PersistMode::SyncData);
        changes.durability(mode).commit().map_err(failed)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.database.persist(fjall::PersistMode::SyncData).map_err(failed)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keyspace.get(key).map_err(failed)?.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        for item in self.keyspace.range(from.to_vec()..to.to_vec()) {
            let (key, value) = item.into_inner().map_err(failed)?;
            if !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }
}
