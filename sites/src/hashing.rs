//! Where Argon2 runs: on blocking threads, a bounded number at once so that a flood of answers cannot take all memory
//! and cores; or in place, where a simulation must not have threads.

use crate::page_error::Failure;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where answers are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// On blocking threads, this many checks at once.
    Threads(usize),
    /// In the task itself.
    InPlace,
}

impl Hashing {
    /// As many checks at once as there are cores.
    #[must_use]
    pub fn threads() -> Self {
        Self::Threads(std::thread::available_parallelism().map_or(2, usize::from))
    }
}

/// Runs hashing work.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(Option<Arc<Semaphore>>);

impl Hasher {
    pub(crate) fn new(hashing: Hashing) -> Self {
        match hashing {
            Hashing::Threads(permits) => Self(Some(Arc::new(Semaphore::new(permits.max(1))))),
            Hashing::InPlace => Self(None),
        }
    }

    /// Runs `work` when its turn comes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(semaphore) = &self.0 else { return Ok(work()) };
        let permit = semaphore.clone().acquire_owned().await.map_err(Failure::internal)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(Failure::internal)
    }
}
