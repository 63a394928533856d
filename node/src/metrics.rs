//! What Prometheus is told, by its own conventions: base units, counters that end in `_total`, help for each.
//!
//! Counters and histograms grow where things happen, and are kept here. Gauges are drawn anew for each scrape from what is
//! so at that moment ([`gauges`]), so that nothing is told of a member that is gone. Labels are of small fixed sets: no
//! path, name or address gets in.

pub(crate) mod gauges;
mod process;

use http::StatusCode;
use metrics::{counter, describe_counter, describe_histogram, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use passquorum_domain::ticket::{TicketKind, TicketResult};
use std::time::Duration;

/// The result of what went well; others are error codes.
pub(crate) const OK: &str = "ok";

/// Upper ends of the buckets of every histogram, in seconds.
const BUCKETS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Histograms keep each measurement until it is counted into its bucket: by a scrape, or this often without one.
const UPKEEP: Duration = Duration::from_secs(5);

const COUNTERS: [(&str, &str); 9] = [
    ("pq_http_requests_total", "Answered requests, by site and class of status."),
    ("pq_refused_total", "Requests, connections and commands that a limit refused, by limit."),
    (
        "pq_proposals_total",
        "Commands that this node asked the realm to commit, by how that ended: ok or an error code.",
    ),
    (
        "pq_directory_requests_total",
        "Requests to domain controllers, by operation and by how that ended: ok or an error code.",
    ),
    (
        "pq_tickets_closed_total",
        "Directory changes that this node finished, by kind and result; workflows end so.",
    ),
    (
        "pq_attempts_total",
        "Attempts to prove oneself that this node served, by result: right, wrong or locked.",
    ),
    ("pq_log_lines_lost_total", "Lines that could not be written into the log file."),
    ("pq_otlp_sent_total", "Records that the OTLP collector took, by signal: logs or traces."),
    (
        "pq_otlp_dropped_total",
        "Records that the OTLP collector did not get, since there was no room or it refused them, by signal.",
    ),
];
const HISTOGRAMS: [(&str, &str); 3] = [
    ("pq_http_request_duration_seconds", "Time from a request's head to its answer's, by site."),
    ("pq_proposal_duration_seconds", "Time from a command to its outcome."),
    ("pq_directory_request_duration_seconds", "Time that domain controllers took, by operation."),
];

/// What has happened on this node since it started.
pub struct Metrics(PrometheusRecorder);

impl Default for Metrics {
    fn default() -> Self {
        // Fails only for an empty list of buckets.
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        with_local_recorder(&recorder, || {
            COUNTERS.into_iter().for_each(|(name, help)| describe_counter!(name, help));
            HISTOGRAMS.into_iter().for_each(|(name, help)| describe_histogram!(name, help));
        });
        let metrics = Self(recorder);
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// What may be alerted on is there before it happens for the first time, or a rate of it would miss that.
    fn begin_at_zero(&self) {
        with_local_recorder(&self.0, || {
            for kind in ["reset", "change", "unlock", "write-profile"] {
                for result in ["done", "failed", "unknown"] {
                    counter!("pq_tickets_closed_total", "kind" => kind, "result" => result).increment(0);
                }
            }
            for result in ["right", "wrong", "locked"] {
                counter!("pq_attempts_total", "result" => result).increment(0);
            }
            counter!("pq_proposals_total", "result" => OK).increment(0);
            counter!("pq_directory_requests_total", "operation" => "find", "result" => OK).increment(0);
            let _proposals = histogram!("pq_proposal_duration_seconds");
            let _directory = histogram!("pq_directory_request_duration_seconds", "operation" => "find");
        });
    }

    /// Counts one answered request.
    pub(crate) fn count_request(&self, site: &'static str, status: StatusCode, took: Duration) {
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        with_local_recorder(&self.0, || {
            counter!("pq_http_requests_total", "site" => site, "status" => class).increment(1);
            histogram!("pq_http_request_duration_seconds", "site" => site).record(took);
        });
    }

    /// Counts one command.
    pub(crate) fn count_proposal(&self, result: &'static str, took: Duration) {
        with_local_recorder(&self.0, || {
            counter!("pq_proposals_total", "result" => result).increment(1);
            histogram!("pq_proposal_duration_seconds").record(took);
        });
    }

    /// Counts one request to a domain controller.
    pub(crate) fn count_directory(&self, operation: &'static str, result: &'static str, took: Duration) {
        with_local_recorder(&self.0, || {
            counter!("pq_directory_requests_total", "operation" => operation, "result" => result)
                .increment(1);
            histogram!("pq_directory_request_duration_seconds", "operation" => operation).record(took);
        });
    }

    /// Counts one finished change in the directory.
    pub(crate) fn count_ticket(&self, kind: TicketKind, result: &TicketResult) {
        let kind = match kind {
            TicketKind::Reset => "reset",
            TicketKind::Change => "change",
            TicketKind::Unlock => "unlock",
            TicketKind::WriteProfile => "write-profile",
            TicketKind::Enable => "enable",
            TicketKind::MustChange => "must-change",
            TicketKind::EnforceUpdate => "enforce-update",
        };
        let result = match result {
            TicketResult::Done => "done",
            TicketResult::Failed { .. } => "failed",
            TicketResult::Unknown => "unknown",
        };
        with_local_recorder(&self.0, || {
            counter!("pq_tickets_closed_total", "kind" => kind, "result" => result).increment(1);
        });
    }

    /// Counts one attempt to prove oneself.
    pub(crate) fn count_attempt(&self, result: &'static str) {
        with_local_recorder(&self.0, || counter!("pq_attempts_total", "result" => result).increment(1));
    }

    /// Takes over a count that is kept elsewhere.
    fn set_counter(&self, name: &'static str, labels: &[(&'static str, &'static str)], value: u64) {
        with_local_recorder(&self.0, || counter!(name, labels).absolute(value));
    }

    /// Everything that is kept, in Prometheus's text format.
    fn render(&self) -> String {
        self.0.handle().render()
    }

    /// Counts measurements into their buckets now and then, for as long as it is polled.
    pub(crate) async fn tidy(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.handle().run_upkeep();
        }
    }
}
