//! What load balancers, monitors and operators ask a node: `/live`, `/ready`, `/status`, `/metrics`.
//!
//! Ready means: a leader with a quorum is known, a node in the perimeter can ask a voter, this node has applied nearly all of the log, it holds the realm key if
//! its role does, and it is not stopping. The role alone proves nothing, since a leader that lost its quorum may still
//! call itself one for a while.

use crate::keyring::Keyring;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use metrics::{counter, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use passquorum_ad_sync::mirror::MirrorStatus;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::limit::{Limit, Refusals};
use passquorum_domain::ports::{ClusterStatus, Consensus};
use passquorum_raft::refuse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// A node further behind than this is not ready.
const READY_LAG: u64 = 1000;

/// What health is told from.
pub struct Health {
    /// The cluster.
    pub consensus: Arc<dyn Consensus>,
    /// The realm key.
    pub keyring: Arc<Keyring>,
    /// This node's role.
    pub role: Role,
    mirrored: watch::Receiver<MirrorStatus>,
    refusals: Arc<Refusals>,
    /// The voters that a node in the perimeter can ask; other nodes ask none.
    lenders: Option<watch::Receiver<BTreeSet<NodeId>>>,
    draining: AtomicBool,
    recorder: PrometheusRecorder,
}

/// The answer of `/status`, and of `passquorum status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The cluster as this node sees it.
    #[serde(flatten)]
    pub cluster: ClusterStatus,
    /// How this node's mirror does.
    pub mirror: MirrorStatus,
    /// On a node in the perimeter: the voters that have lent it a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lenders: Option<BTreeSet<NodeId>>,
}

/// The answer of `/ready`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    ready: bool,
    reasons: Vec<&'static str>,
}

impl Health {
    /// Health of a node that is not stopping.
    #[must_use]
    pub fn new(
        consensus: Arc<dyn Consensus>,
        keyring: Arc<Keyring>,
        role: Role,
        mirrored: watch::Receiver<MirrorStatus>,
        refusals: Arc<Refusals>,
    ) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let draining = AtomicBool::new(false);
        Self { consensus, keyring, role, mirrored, refusals, lenders: None, draining, recorder }
    }

    /// Of a node in the perimeter, which is ready only while a voter can be asked.
    #[must_use]
    pub fn behind(self, lenders: watch::Receiver<BTreeSet<NodeId>>) -> Self {
        Self { lenders: Some(lenders), ..self }
    }

    /// From now on not ready: the node is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the node should get traffic, and if not, why.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let status = self.consensus.status();
        let holds_key = self.keyring.holds_key() || !self.role.holds_keys();
        let draining = self.draining.load(Ordering::Relaxed);
        let cut_off = self.lenders.as_ref().is_some_and(|lenders| lenders.borrow().is_empty());
        readiness(&status, holds_key, draining, cut_off)
    }

    /// What the node knows of the cluster and of its own part.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        let lenders = self.lenders.as_ref().map(|lenders| lenders.borrow().clone());
        NodeStatus { cluster: self.consensus.status(), mirror: self.mirrored.borrow().clone(), lenders }
    }

    /// Counts one answered request.
    pub(crate) fn count_request(&self, site: &'static str, status: StatusCode) {
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        with_local_recorder(&self.recorder, || {
            counter!("pq_http_requests_total", "site" => site, "status" => class).increment(1);
        });
    }

    /// Counts one request that a limit of the sites refused.
    pub(crate) fn count_refusal(&self, limit: Limit) {
        refuse(&self.refusals, limit);
    }

    fn render(&self) -> String {
        let status = self.consensus.status();
        let own = status.members.iter().find(|member| member.id == status.node);
        let set = |name: &'static str, value: u64| gauge!(name).set(to_gauge(value));
        with_local_recorder(&self.recorder, || {
            set("pq_raft_term", status.term);
            set("pq_raft_has_leader", u64::from(status.leader.is_some() && status.quorum));
            set("pq_raft_is_leader", u64::from(status.leader == Some(status.node)));
            set("pq_raft_members", status.members.len() as u64);
            set("pq_raft_applied_index", own.and_then(|own| own.applied).unwrap_or(0));
            set("pq_raft_lag_entries", own.and_then(|own| own.lag).unwrap_or(0));
            set("pq_config_revision", status.revision);
            let ahead = i32::try_from(status.clock_ahead_ms.unwrap_or(0)).unwrap_or(i32::MAX);
            gauge!("pq_clock_ahead_seconds").set(f64::from(ahead) / 1000.0);
            set("pq_clock_fit", u64::from(status.clock_fit));
            set("pq_state_checked_index", status.checked.unwrap_or(0));
            let failing = matches!(*self.mirrored.borrow(), MirrorStatus::Failing { .. });
            set("pq_mirror_failing", u64::from(failing));
            set("pq_ready", u64::from(self.readiness().ready));
            if let Some(lenders) = &self.lenders {
                set("pq_perimeter_voters", lenders.borrow().len() as u64);
            }
            for limit in Limit::ALL {
                let counter = counter!("pq_refused_total", "limit" => limit.as_str());
                counter.absolute(self.refusals.count(limit));
            }
        });
        self.recorder.handle().render()
    }
}

/// Gauges are floats; whole numbers up to 2^53 stay exact.
#[expect(clippy::cast_precision_loss, reason = "an index past 2^53 would take millennia")]
fn to_gauge(value: u64) -> f64 {
    value as f64
}

fn readiness(status: &ClusterStatus, holds_key: bool, draining: bool, cut_off: bool) -> Readiness {
    let lag = status.members.iter().find(|member| member.id == status.node).map(|own| own.lag.unwrap_or(0));
    let checks = [
        (draining, "the node is stopping"),
        (cut_off, "no voter can be reached (PQ-NO-VOTER)"),
        (status.leader.is_none(), "no leader is known"),
        (!status.quorum, "no quorum stands behind the leader"),
        (lag.is_none(), "the node is not a member of the realm"),
        (lag.is_some_and(|lag| lag > READY_LAG), "the node is behind the log"),
        (!holds_key, "the realm key has not arrived"),
        (!status.clock_fit, "the clock is too far from the majority's (PQ-CLOCK-SKEW)"),
    ];
    let reasons: Vec<_> = checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, reason)| reason).collect();
    Readiness { ready: reasons.is_empty(), reasons }
}

/// What load balancers ask.
pub fn probes(health: Arc<Health>) -> Router {
    Router::new().route("/live", get(|| async { "alive\n" })).route("/ready", get(ready)).with_state(health)
}

/// All four routes.
pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/status", get(|State(health): State<Arc<Health>>| async move { Json(health.status()) }))
        .route("/metrics", get(show_metrics))
        .with_state(Arc::clone(&health))
        .merge(probes(health))
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let readiness = health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn show_metrics(State(health): State<Arc<Health>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], health.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::ids::NodeId;
    use passquorum_domain::ports::{MemberRole, MemberStatus};

    fn status() -> ClusterStatus {
        let own = MemberStatus {
            id: NodeId(1),
            name: "one".to_owned(),
            role: MemberRole::Voter,
            leader: true,
            site_url: "https://one".to_owned(),
            applied: Some(10),
            lag: Some(0),
        };
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 2,
            revision: 3,
            quorum: true,
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            members: vec![own],
        }
    }

    #[test]
    fn a_node_is_ready_only_with_quorum_log_key_and_voters_and_no_stop_under_way() {
        assert!(readiness(&status(), true, false, false).ready);
        let mut no_quorum = status();
        no_quorum.quorum = false;
        let mut behind = status();
        behind.members[0].lag = Some(READY_LAG + 1);
        let mut outside = status();
        outside.members.clear();
        let mut wrong_clock = status();
        wrong_clock.clock_fit = false;
        let mut leaderless = status();
        leaderless.leader = None;
        for (status, holds_key, draining, cut_off) in [
            (no_quorum, true, false, false),
            (behind, true, false, false),
            (outside, true, false, false),
            (leaderless, true, false, false),
            (wrong_clock, true, false, false),
            (status(), false, false, false),
            (status(), true, true, false),
            (status(), true, false, true),
        ] {
            let readiness = readiness(&status, holds_key, draining, cut_off);
            assert_eq!((readiness.ready, readiness.reasons.len()), (false, 1));
        }
    }
}
