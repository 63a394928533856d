//! Three etcd nodes on loopback (`ops/rig/etcd.sh`): the peer that the benchmark measures beside us.

use std::path::Path;
use std::time::Duration;

use super::RigError;
use super::script::Script;

/// A running three-node etcd; it stops when dropped.
#[derive(Debug)]
pub struct Etcd {
    script: Script,
}

impl Etcd {
    /// The client addresses of the three nodes.
    pub const ENDPOINTS: [&str; 3] = ["127.0.0.21:2379", "127.0.0.22:2379", "127.0.0.23:2379"];

    /// Starts it with its data in `dir` and waits until all three nodes are healthy.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn start(dir: &Path, heartbeat: Duration, election: Duration) -> Result<Self, RigError> {
        let settings = vec![
            ("RIG_ETCD_HEARTBEAT_MS", heartbeat.as_millis().to_string()),
            ("RIG_ETCD_ELECTION_MS", election.as_millis().to_string()),
        ];
        let etcd = Self { script: Script::new("etcd.sh", dir, settings) };
        etcd.script.run("up").await?;
        Ok(etcd)
    }

    /// Stops it and proves that none of its processes is left.
    ///
    /// # Errors
    /// [`RigError::Failed`] when one is.
    pub async fn stop(self) -> Result<(), RigError> {
        self.script.run("down").await
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // A second stop finds nothing to do; a failure was reported by `stop`, or ends a test that failed.
        let _ = self.script.run_blocking("down");
    }
}
