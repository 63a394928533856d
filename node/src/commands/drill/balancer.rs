//! The clients' way to the nodes as a load balancer makes it, with the settings of `ops/haproxy`: each node is asked again
//! and again whether it is ready; after two answers that say no it gets no requests, after two that say yes it does again.
//! A request that fails is not tried again, so that what a drill counts as failed would have failed for somebody.

use super::load::first_line;
use super::site::Site;
use crate::client::Problem;
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::interval;

/// Between two questions to a node. A node that stops must go on serving for twice as long: its `site.drain`.
const CHECK: Duration = Duration::from_secs(1);
/// So many answers in a row change what is thought of a node. None is ready for a moment when leadership moves.
const IN_A_ROW: u32 = 2;

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
                let mut against = 0_u32;
                while let Some(backend) = backends.get(place) {
                    ticks.tick().await;
                    let said = backend.site.ask(Method::GET, "/ready", None, Vec::new()).await;
                    let ready = said.is_ok_and(|said| said.status().is_success());
                    let differs = ready != backend.ready.load(Ordering::Relaxed);
                    against = if differs { against.saturating_add(1) } else { 0 };
                    if against >= IN_A_ROW {
                        backend.ready.store(ready, Ordering::Relaxed);
                        against = 0;
                    }
                }
            });
        }
        Self { backends, token, turn: AtomicUsize::new(0), _checks: checks }
    }

    /// Writes on the next node that is ready, or says why that failed.
    pub(super) async fn put(&self, path: &str, value: Vec<u8>) -> Result<(), String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.backends.len().max(1);
        let mut round = self.backends.iter().cycle().skip(turn).take(self.backends.len());
        let backend = round.find(|backend| backend.ready.load(Ordering::Relaxed));
        let Backend { site, .. } = backend.ok_or("no node is ready")?;
        let answer = site.ask(Method::PUT, path, Some(&self.token), value).await;
        let answer = answer.map_err(|error| first_line(&error))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(first_line(&Problem::read(answer.status(), answer.body())))
    }
}
