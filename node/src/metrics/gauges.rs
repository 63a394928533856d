//! How things stand at the moment of a scrape.

use super::{Metrics, process};
use crate::data_dir::DataDir;
use crate::health::Health;
use crate::otlp::{self, Count, Signal};
use crate::telemetry;
use metrics::{counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use passquorum_ad_sync::mirror::MirrorStatus;
use passquorum_domain::limit::Limit;
use passquorum_domain::ports::MemberRole;
use passquorum_domain::time::Timestamp;

const HELP: [(&str, &str); 33] = [
    ("pq_build_info", "Always 1; the label is the program's version."),
    ("pq_ready", "1 when the node should get traffic, as /ready says."),
    ("pq_raft_term", "The Raft term."),
    ("pq_raft_has_leader", "1 when a leader with a majority behind it is known."),
    ("pq_raft_is_leader", "1 when this node leads."),
    ("pq_raft_members", "Nodes of the realm."),
    ("pq_raft_voters", "Nodes of the realm that vote."),
    ("pq_raft_log_index", "Index of the last entry of this node's log."),
    ("pq_raft_durable_index", "Index of the last entry of this node's log that survives a power cut."),
    ("pq_raft_applied_index", "Index of the last entry that this node has applied."),
    ("pq_raft_snapshot_index", "Index of the last entry in this node's newest snapshot."),
    ("pq_raft_purged_index", "Index of the last entry that this node's log does not hold any more."),
    ("pq_raft_lag_entries", "Entries that this node is behind the leader's log."),
    ("pq_raft_apply_lag_entries", "Entries of this node's log that it has not applied yet."),
    (
        "pq_raft_member_lag_entries",
        "Entries that a member is behind the leader's log, as this node knows it.",
    ),
    ("pq_raft_member_answers", "1 when a member answered when this node last asked every member."),
    ("pq_config_revision", "Revision of the realm's configuration."),
    ("pq_clock_ahead_seconds", "How far this node's clock is ahead of the other voters'."),
    ("pq_clock_fit", "1 when this node's clock is near enough to the majority's for it to lead."),
    (
        "pq_state_checked_index",
        "Log index up to which this node's state was compared with a majority's and found equal.",
    ),
    ("pq_mirror_failing", "1 when the mirror in the directory cannot be written."),
    ("pq_points_failing", "1 when the service connection points cannot be written."),
    (
        "pq_certificate_expiry_timestamp_seconds",
        "When a certificate of this node ends, in seconds since the Unix epoch.",
    ),
    ("pq_mail_waiting", "Mails that wait to be sent."),
    ("pq_mail_most_attempts", "Attempts at the mail that was tried most often and still waits."),
    ("pq_perimeter_voters", "On a node in the perimeter: the voters that can be asked."),
    ("pq_data_key_generation", "The data key that the realm seals under; it grows with each rotation."),
    ("pq_data_free_bytes", "Bytes that are free on the disk of the data directory."),
    ("pq_data_size_bytes", "Size of the disk of the data directory."),
    ("process_start_time_seconds", "When the process started, in seconds since the Unix epoch."),
    ("process_resident_memory_bytes", "Resident memory of the process."),
    ("process_open_fds", "Open file descriptors."),
    ("process_max_fds", "Most file descriptors that may be open."),
];

/// What a scrape looks at besides the node's health.
pub(crate) struct Surroundings {
    /// Where its data is.
    pub(crate) data: DataDir,
    /// When it started.
    pub(crate) started: Timestamp,
}

/// Everything, in Prometheus's text format.
pub(crate) fn render(metrics: &Metrics, health: &Health, around: &Surroundings) -> String {
    for limit in Limit::ALL {
        metrics.set_counter("pq_refused_total", &[("limit", limit.as_str())], health.refusals().count(limit));
    }
    metrics.set_counter("pq_log_lines_lost_total", &[], telemetry::lines_lost());
    for signal in Signal::ALL {
        let labels = [("signal", signal.as_str())];
        metrics.set_counter("pq_otlp_sent_total", &labels, otlp::count(signal, Count::Sent));
        metrics.set_counter("pq_otlp_dropped_total", &labels, otlp::count(signal, Count::Dropped));
    }
    let recorder = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&recorder, || {
        HELP.into_iter().for_each(|(name, help)| describe_gauge!(name, help));
        describe_counter!(
            "pq_audit_records_total",
            "Records of the realm's audit since it was made; the same on each node that has applied as much."
        );
        consensus(health);
        host(around);
    });
    format!("{}{}", metrics.render(), recorder.handle().render())
}

fn consensus(health: &Health) {
    let seen = health.status();
    let status = &seen.cluster;
    let own = status.members.iter().find(|member| member.id == status.node);
    set("pq_ready", u64::from(health.readiness().is_ready()));
    set("pq_raft_term", status.term);
    set("pq_raft_has_leader", u64::from(status.leader.is_some() && status.quorum));
    set("pq_raft_is_leader", u64::from(status.leader == Some(status.node)));
    set("pq_raft_members", status.members.len() as u64);
    let voters = status.members.iter().filter(|member| member.role == MemberRole::Voter).count();
    set("pq_raft_voters", voters as u64);
    let applied = own.and_then(|own| own.applied).unwrap_or(0);
    set("pq_raft_log_index", status.log.last);
    set("pq_raft_durable_index", status.log.durable);
    set("pq_raft_applied_index", applied);
    set("pq_raft_snapshot_index", status.log.snapshot);
    set("pq_raft_purged_index", status.log.purged);
    set("pq_raft_lag_entries", own.and_then(|own| own.lag).unwrap_or(0));
    set("pq_raft_apply_lag_entries", status.log.last.saturating_sub(applied));
    for member in &status.members {
        let id = member.id.to_string();
        if let Some(lag) = member.lag {
            gauge!("pq_raft_member_lag_entries", "member" => id.clone()).set(as_gauge(lag));
        }
        if let Some(answers) = member.answers {
            gauge!("pq_raft_member_answers", "member" => id).set(as_gauge(u64::from(answers)));
        }
    }
    set("pq_config_revision", status.revision);
    let ahead = i32::try_from(status.clock_ahead_ms.unwrap_or(0)).unwrap_or(i32::MAX);
    gauge!("pq_clock_ahead_seconds").set(f64::from(ahead) / 1000.0);
    set("pq_clock_fit", u64::from(status.clock_fit));
    set("pq_state_checked_index", status.checked.unwrap_or(0));
    set("pq_mirror_failing", u64::from(matches!(seen.mirror, MirrorStatus::Failing { .. })));
    set("pq_points_failing", u64::from(matches!(seen.points, MirrorStatus::Failing { .. })));
    let ends = [("node", seen.certificates.get(&status.node).copied()), ("site", seen.site_certificate)];
    for (certificate, end) in ends {
        if let Some(end) = end {
            gauge!("pq_certificate_expiry_timestamp_seconds", "certificate" => certificate)
                .set(as_seconds(end));
        }
    }
    if let Some(lenders) = &seen.lenders {
        set("pq_perimeter_voters", lenders.len() as u64);
    }
    let state = health.consensus.local();
    if let Some(keys) = state.keys() {
        set("pq_data_key_generation", u64::from(keys.sealing));
    }
    let waiting = state.outbox().filter(|mail| mail.content().is_some());
    let most = waiting.map(|mail| mail.attempts).max().unwrap_or(0);
    set("pq_mail_waiting", state.outbox_count().waiting as u64);
    set("pq_mail_most_attempts", u64::from(most));
    counter!("pq_audit_records_total").absolute(state.totals().audit_seq);
}

fn host(around: &Surroundings) {
    gauge!("pq_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("process_start_time_seconds").set(as_seconds(around.started));
    if let Some((free, all)) = process::disk(around.data.path()) {
        set("pq_data_free_bytes", free);
        set("pq_data_size_bytes", all);
    }
    if let Some(bytes) = process::resident_bytes() {
        set("process_resident_memory_bytes", bytes);
    }
    if let Some((open, most)) = process::descriptors() {
        set("process_open_fds", open);
        set("process_max_fds", most);
    }
}

fn set(name: &'static str, value: u64) {
    gauge!(name).set(as_gauge(value));
}

/// Gauges are floats; whole numbers up to 2^53 stay exact.
#[expect(clippy::cast_precision_loss, reason = "an index past 2^53 would take millennia")]
fn as_gauge(value: u64) -> f64 {
    value as f64
}

fn as_seconds(at: Timestamp) -> f64 {
    as_gauge(at.0) / 1000.0
}
