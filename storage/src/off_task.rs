//! Long work beside the tasks, so that no heartbeat waits for it. What lies in memory is worked on in place, on the task:
//! so a simulation, which has one thread, runs the same way each time.

use crate::error::StoreError;

/// Runs work that blocks on a disk, if it does, where it holds up no other task.
pub(crate) async fn off_task<T: Send + 'static>(
    blocks: bool,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if !blocks {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(StoreError::Stopped(format!("storage work ended early: {e}"))))
}
