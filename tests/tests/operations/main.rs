//! What operators are given, as they use it: the unit and the package, the load balancers, the monitoring, the log. Each
//! file under `ops/` is loaded as it stands, with what differs in the environment or beside it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop loudly"
)]

mod balancer;
mod collector;
mod keepalived;
mod monitoring;
mod otlp;
mod package;
mod service;
mod upgrade;

use passquorum_tests::ports;
use passquorum_tests::rig::cluster::Cluster;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// The tests take turns, since the machine has two cores.
static TURN: Mutex<()> = Mutex::const_new(());

/// Nothing here takes longer on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(path)
}

/// A demonstration realm of three nodes below a folder.
async fn demo(folder: &Path) -> Cluster {
    Cluster::demo(folder, ports::block(103).unwrap()).await.unwrap()
}

/// The certificate of a demonstration realm's authority.
fn authority(folder: &Path) -> PathBuf {
    folder.join("demo/node-1/keys/authority.crt")
}
