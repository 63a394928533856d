//! How far the log is durable, for those who must not run ahead of the disk.
//!
//! Positions are compared as whole log ids: an index alone says nothing once another leader has replaced entries.

use openraft::LogId;
use tokio::sync::watch;

use crate::error::StoreError;

/// How far the log is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The last entry that can be read.
    pub(crate) appended: Option<LogId<u64>>,
    /// The last entry that survives a power cut, or the last purged one: a snapshot holds that.
    pub(crate) durable: Option<LogId<u64>>,
    /// Why nothing becomes durable any more.
    pub(crate) failure: Option<String>,
}

/// Follows how far the log is durable.
#[derive(Debug, Clone)]
pub struct Durable(watch::Receiver<Progress>);

impl Durable {
    pub(crate) fn new(progress: watch::Receiver<Progress>) -> Self {
        Self(progress)
    }

    /// The last entry that survives a power cut.
    #[must_use]
    pub fn last(&self) -> Option<LogId<u64>> {
        self.0.borrow().durable
    }

    /// Waits until an entry survives a power cut. One that is not in the log is not waited for.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] once the log cannot be written any more.
    pub async fn reach(&mut self, entry: LogId<u64>) -> Result<(), StoreError> {
        let ended = |_| StoreError::Stopped("the log writer has ended".into());
        let reached = |now: &Progress| {
            now.failure.is_some() || now.durable >= Some(entry) || now.appended < Some(entry)
        };
        let now = self.0.wait_for(reached).await.map_err(ended)?;
        now.failure.clone().map_or(Ok(()), |failure| Err(StoreError::Stopped(failure)))
    }
}
