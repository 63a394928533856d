//! The writer without a thread, for an engine in memory.
//!
//! Without a latency each operation is durable when it was submitted. With one, what is queued is written at once and
//! becomes durable that much later, while more is queued: a crash in between takes it, as it would on a real disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::RaftConfig;
use crate::engine::Durability;
use crate::log::scribe::{Operation, Scribe};

/// The writer's state.
pub(crate) struct Inline<C: RaftConfig> {
    scribe: Scribe<C>,
    queue: Vec<Operation<C>>,
    /// Whether a sync is under way, which takes up the queue after it.
    busy: bool,
}

fn lock<C: RaftConfig>(inline: &Mutex<Inline<C>>) -> MutexGuard<'_, Inline<C>> {
    inline.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: RaftConfig> Inline<C> {
    pub(crate) fn new(scribe: Scribe<C>) -> Self {
        Self { scribe, queue: Vec::new(), busy: false }
    }

    /// Carries an operation out, or queues it.
    pub(crate) fn submit(inline: &Arc<Mutex<Self>>, operation: Operation<C>) {
        let mut this = lock(inline);
        this.queue.push(operation);
        if this.busy {
            return;
        }
        if this.scribe.latency().is_zero() {
            let operations = std::mem::take(&mut this.queue);
            this.scribe.commit(operations);
            this.purge();
        } else {
            this.busy = true;
            tokio::spawn(Self::work(Arc::downgrade(inline)));
        }
    }

    fn purge(&mut self) {
        while self.scribe.is_purging() {
            self.scribe.purge_some();
        }
    }

    /// Works the queue off, one sync after the other. Ends early when the log is dropped.
    async fn work(inline: Weak<Mutex<Self>>) {
        loop {
            let (writes, latency) = {
                let Some(inline) = inline.upgrade() else { return };
                let mut this = lock(&inline);
                if this.queue.is_empty() {
                    this.busy = false;
                    return;
                }
                let operations = std::mem::take(&mut this.queue);
                let mut writes = this.scribe.prepare(operations);
                let written: Vec<_> = writes
                    .iter_mut()
                    .map(|write| this.scribe.write(write, Some(Durability::Buffered)))
                    .collect();
                (writes.into_iter().zip(written), this.scribe.latency())
            };
            tokio::time::sleep(latency).await;
            let Some(inline) = inline.upgrade() else { return };
            let mut this = lock(&inline);
            let synced = this.scribe.sync();
            for (write, written) in writes {
                this.scribe.finish(write, written.and_then(|()| synced.clone()));
            }
            this.purge();
        }
    }
}
