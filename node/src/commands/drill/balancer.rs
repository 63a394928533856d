//! The clients' way to the nodes as a load balancer makes it: each node is asked again and again whether it is ready, and
//! gets requests while it is. A request that fails is not tried again, so that what a drill counts as failed would have
//! failed for somebody.

use super::site::Site;
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::interval;

/// Between two questions to a node. A node that stops must go on serving for longer: its `site.drain`.
const CHECK: Duration = Duration::from_millis(200);

struct Backend {
    site: Site,
    ready: AtomicBool,
}

/// A balancer in front of some nodes.
pub(super) struct Balancer {
    backends: Arc<Vec<Backend>>,
    token: String,
    turn: AtomicUsize,
    _checks: JoinSet<()>,
}

impl Balancer {
    /// Begins to ask the nodes, which are taken as ready until they say otherwise.
    pub(super) fn begin(sites: Vec<Site>, token: String) -> Self {
        let backends = sites.into_iter().map(|site| Backend { site, ready: AtomicBool::new(true) });
        let backends: Arc<Vec<Backend>> = Arc::new(backends.collect());
        let mut checks = JoinSet::new();
        for place in 0..backends.len() {
            let backends = Arc::clone(&backends);
            checks.spawn(async move {
                let mut ticks = interval(CHECK);
                while let Some(backend) = backends.get(place) {
                    ticks.tick().await;
                    let said = backend.site.ask(Method::GET, "/ready", None, Vec::new()).await;
                    let ready = said.is_ok_and(|said| said.status().is_success());
                    backend.ready.store(ready, Ordering::Relaxed);
                }
            });
        }
        Self { backends, token, turn: AtomicUsize::new(0), _checks: checks }
    }

    /// Writes on the next node that is ready, and says whether that was acknowledged.
    pub(super) async fn put(&self, path: &str, value: Vec<u8>) -> bool {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.backends.len().max(1);
        let mut round = self.backends.iter().cycle().skip(turn).take(self.backends.len());
        let Some(backend) = round.find(|backend| backend.ready.load(Ordering::Relaxed)) else { return false };
        let answer = backend.site.ask(Method::PUT, path, Some(&self.token), value).await;
        match answer {
            Ok(answer) if answer.status().is_success() => true,
            Ok(answer) => {
                tracing::debug!(status = %answer.status(), "a write was refused");
                false
            }
            Err(error) => {
                tracing::debug!(%error, "a write failed");
                false
            }
        }
    }
}
