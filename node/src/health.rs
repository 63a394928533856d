//! What load balancers, monitors and operators ask a node: `/live`, `/ready`, `/status`, `/metrics`.
//!
//! Ready means: a leader with a quorum is known, a node in the perimeter can ask a voter, this node has applied nearly all of the log, it holds the realm key if
//! its role does, and it is not stopping. The role alone proves nothing, since a leader that lost its quorum may still
//! call itself one for a while.

use crate::keyring::Keyring;
use crate::metrics::Metrics;
use crate::metrics::gauges::{self, Surroundings};
use crate::site_tls::SiteTls;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use passquorum_ad_sync::mirror::MirrorStatus;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{Instance, Role};
use passquorum_domain::limit::Refusals;
use passquorum_domain::ports::{ClusterStatus, Consensus};
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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
    published: watch::Receiver<MirrorStatus>,
    refusals: Arc<Refusals>,
    site_tls: Arc<SiteTls>,
    /// The voters that a node in the perimeter can ask; other nodes ask none.
    lenders: Option<watch::Receiver<BTreeSet<NodeId>>>,
    draining: AtomicBool,
}

/// The answer of `/status`, and of `passquorum status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The cluster as this node sees it.
    #[serde(flatten)]
    pub cluster: ClusterStatus,
    /// How this node's mirror does.
    pub mirror: MirrorStatus,
    /// How its service connection points do; a program of the release before keeps none and says nothing of them.
    #[serde(default = "no_points")]
    pub points: MirrorStatus,
    /// When the certificate of each node ends.
    pub certificates: BTreeMap<NodeId, Timestamp>,
    /// When the certificate ends that this node shows to browsers.
    pub site_certificate: Option<Timestamp>,
    /// On a node in the perimeter: the voters that have lent it a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lenders: Option<BTreeSet<NodeId>>,
}

fn no_points() -> MirrorStatus {
    MirrorStatus::Off
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
        [mirrored, published]: [watch::Receiver<MirrorStatus>; 2],
        refusals: Arc<Refusals>,
        site_tls: Arc<SiteTls>,
    ) -> Self {
        let draining = AtomicBool::new(false);
        Self { consensus, keyring, role, mirrored, published, refusals, site_tls, lenders: None, draining }
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
        let state = self.consensus.local();
        let ends = |instance: &Instance| Some((instance.id, state.certificate_end(instance.id)?));
        NodeStatus {
            cluster: self.consensus.status(),
            mirror: self.mirrored.borrow().clone(),
            points: self.published.borrow().clone(),
            certificates: state.instances().filter_map(ends).collect(),
            site_certificate: self.site_tls.ends_at(),
            lenders: self.lenders.as_ref().map(|lenders| lenders.borrow().clone()),
        }
    }

    /// What this node refused for want of room.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }
}

impl Readiness {
    /// Whether the node should get traffic.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ready { f.write_str("ready") } else { write!(f, "not ready: {}", self.reasons.join("; ")) }
    }
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
        (!status.takes_part, "the voters have not welcomed the node yet"),
        (!status.clock_fit, "the clock is too far from the majority's (PQ-CLOCK-SKEW)"),
    ];
    let reasons: Vec<_> = checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, reason)| reason).collect();
    Readiness { ready: reasons.is_empty(), reasons }
}

/// What load balancers ask: open to everyone, and telling nothing of the realm.
pub fn probes(health: Arc<Health>) -> Router {
    Router::new().route("/live", get(|| async { "alive\n" })).route("/ready", get(ready)).with_state(health)
}

/// What monitors ask. Whoever merges it puts a guard before it.
pub(crate) fn monitoring(scraped: Scraped) -> Router {
    let show = |State(scraped): State<Arc<Scraped>>| async move { Json(scraped.health.status()) };
    Router::new()
        .route("/status", get(show))
        .route("/metrics", get(show_metrics))
        .with_state(Arc::new(scraped))
}

/// What a scrape tells of.
pub(crate) struct Scraped {
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) around: Surroundings,
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let readiness = health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn show_metrics(State(scraped): State<Arc<Scraped>>) -> Response {
    let text = gauges::render(&scraped.metrics, &scraped.health, &scraped.around);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ids::NodeId;
    use passquorum_domain::ports::{LogPositions, MemberRole, MemberStatus};

    fn status() -> ClusterStatus {
        let own = MemberStatus {
            id: NodeId(1),
            name: "one".to_owned(),
            role: MemberRole::Voter,
            leader: true,
            site_url: "https://one".to_owned(),
            applied: Some(10),
            lag: Some(0),
            answers: None,
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
            takes_part: true,
            level: FeatureLevel::FIRST,
            log: LogPositions::default(),
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
        let mut unwelcome = status();
        unwelcome.takes_part = false;
        let mut leaderless = status();
        leaderless.leader = None;
        for (status, holds_key, draining, cut_off) in [
            (no_quorum, true, false, false),
            (behind, true, false, false),
            (outside, true, false, false),
            (leaderless, true, false, false),
            (wrong_clock, true, false, false),
            (unwelcome, true, false, false),
            (status(), false, false, false),
            (status(), true, true, false),
            (status(), true, false, true),
        ] {
            let readiness = readiness(&status, holds_key, draining, cut_off);
            assert_eq!((readiness.ready, readiness.reasons.len()), (false, 1));
        }
    }
}
