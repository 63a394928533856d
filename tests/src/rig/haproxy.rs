//! HAProxy in front of the nodes (`ops/rig/haproxy.sh`), with the settings that operators are given.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::RigError;
use super::script::Script;

/// The place of the count of active servers in a line of `show stat`, behind the names (HAProxy's management guide, 9.1).
const ACTIVE: usize = 17;

/// A running HAProxy; it stops when dropped.
#[derive(Debug)]
pub struct HaProxy {
    script: Script,
    port: u16,
}

impl HaProxy {
    /// Starts it on 127.0.0.1:`port`, and on the next port without TLS, in front of three nodes (the id that the certificate
    /// must name, and `127.0.0.1:PORT` of its sites), with its files in `dir`. It checks the nodes' certificates against
    /// `node_authority` (a PEM file).
    /// Returns once a node is ready behind it.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn start(
        dir: &Path,
        port: u16,
        nodes: &[(u64, String); 3],
        node_authority: &Path,
    ) -> Result<Self, RigError> {
        let addresses = nodes.each_ref().map(|(_, address)| address.as_str());
        let names = nodes.each_ref().map(|(id, _)| format!("node-{id}.passquorum"));
        let settings = vec![
            ("RIG_LISTEN", format!("127.0.0.1:{port}")),
            ("RIG_PLAIN", format!("127.0.0.1:{}", port + 1)),
            ("RIG_NODES", addresses.join(" ")),
            ("RIG_NODE_NAMES", names.join(" ")),
            ("RIG_NODE_CA", node_authority.display().to_string()),
        ];
        let haproxy = Self { script: Script::new("haproxy.sh", dir, settings), port };
        haproxy.script.run("up").await?;
        Ok(haproxy)
    }

    /// The address that browsers open, without a trailing slash.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The authority of its certificate, in PEM.
    ///
    /// # Errors
    /// [`RigError::Io`] when the file cannot be read.
    pub fn authority(&self) -> Result<Vec<u8>, RigError> {
        let file = self.script.dir().join("ca.crt");
        std::fs::read(&file).map_err(RigError::io(file.display().to_string()))
    }

    /// Whether it sees a node that is ready, by its own word.
    ///
    /// # Errors
    /// [`RigError::Io`] when it cannot be asked, [`RigError::Contract`] when it tells nothing of that.
    pub async fn sees_a_ready_node(&self) -> Result<bool, RigError> {
        Ok(self.ready_nodes().await? > 0)
    }

    /// How many nodes it sees that are ready, by its own word.
    ///
    /// # Errors
    /// As of [`Self::sees_a_ready_node`].
    pub async fn ready_nodes(&self) -> Result<usize, RigError> {
        let file = self.script.dir().join("stats.sock");
        let failed = RigError::io(file.display().to_string());
        let asked = async {
            let mut socket = UnixStream::connect(&file).await?;
            socket.write_all(b"show stat nodes 2 -1\n").await?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.map(|_| answer)
        };
        let answer = asked.await.map_err(failed)?;
        let backend = answer.lines().find_map(|line| line.strip_prefix("nodes,BACKEND,"));
        let active = backend.and_then(|line| line.split(',').nth(ACTIVE)?.parse().ok());
        active.ok_or(RigError::Contract { who: "HAProxy", answer })
    }

    /// Stops it and proves that none of its processes is left.
    ///
    /// # Errors
    /// [`RigError::Failed`] when one is.
    pub async fn stop(self) -> Result<(), RigError> {
        self.script.run("down").await
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // A second stop finds nothing to do; a failure was reported by `stop`, or ends a test that failed.
        let _ = self.script.run_blocking("down");
    }
}
