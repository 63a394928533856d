//! What a drill measured, in JSON and as a picture for people.

use super::load::Outcome;
use crate::cli::DrillName;
use passquorum_domain::time::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Columns of the picture at most.
const WIDTH: usize = 80;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What was gathered of one drill.
pub(super) struct Gathered {
    pub(super) drill: DrillName,
    pub(super) live: bool,
    pub(super) nodes: u64,
    /// When it began, for a history.
    pub(super) at: Timestamp,
    pub(super) begun: Instant,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) notes: Vec<(Instant, String)>,
    /// Acknowledged writes that are gone, whether that was to be expected or not.
    pub(super) lost: usize,
    /// What only this drill measures, by name.
    pub(super) measures: BTreeMap<&'static str, u64>,
    /// What a reader has to know to read the numbers.
    pub(super) remarks: Vec<String>,
    /// What went wrong that must not.
    pub(super) faults: Vec<String>,
}

/// The measurements of one drill.
pub(super) struct Report {
    of: Gathered,
    failed: usize,
    /// The longest time between two acknowledged writes.
    rto: Duration,
    whole: Duration,
    /// When each acknowledged write ended, after the beginning.
    acknowledged: Vec<Duration>,
}

impl Report {
    pub(super) fn new(of: Gathered) -> Self {
        let since = |at: Instant| at.saturating_duration_since(of.begun);
        let acknowledged: Vec<Duration> = of
            .outcomes
            .iter()
            .filter(|outcome| outcome.is_acknowledged())
            .map(|outcome| since(outcome.ended))
            .collect();
        let gaps = acknowledged.windows(2).filter_map(|pair| match pair {
            [before, after] => Some(after.saturating_sub(*before)),
            _ => None,
        });
        Self {
            failed: of.outcomes.len().saturating_sub(acknowledged.len()),
            rto: gaps.max().unwrap_or_default(),
            whole: of.outcomes.last().map_or(Duration::ZERO, |last| since(last.ended)),
            acknowledged,
            of,
        }
    }

    /// Whether nothing went wrong that must not.
    pub(super) fn ok(&self) -> bool {
        self.of.faults.is_empty()
    }

    /// A name for its file: when, and which drill.
    pub(super) fn file_name(&self) -> String {
        let seconds = i64::try_from(self.of.at.0 / 1000).unwrap_or(i64::MAX);
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (date, time) = (at.date(), at.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = time.as_hms();
        let drill = self.of.drill.as_str();
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{drill}.json")
    }

    pub(super) fn json(&self) -> String {
        let since = |at: Instant| milliseconds(at.saturating_duration_since(self.of.begun));
        let timeline: Vec<_> =
            self.of.notes.iter().map(|(at, what)| json!({ "at_ms": since(*at), "what": what })).collect();
        let failures: BTreeMap<&str, usize> =
            self.of.outcomes.iter().filter_map(|outcome| outcome.failure.as_deref()).fold(
                BTreeMap::new(),
                |mut failures, why| {
                    failures.entry(why).and_modify(|count| *count = count.saturating_add(1)).or_insert(1);
                    failures
                },
            );
        json!({
            "drill": self.of.drill.as_str(),
            "live": self.of.live,
            "nodes": self.of.nodes,
            "at_ms": self.of.at.0,
            "program": env!("CARGO_PKG_VERSION"),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "rto_ms": milliseconds(self.rto),
            "rpo_writes": self.of.lost,
            "requests": self.of.outcomes.len(),
            "requests_failed": self.failed,
            "failures": failures,
            "ok": self.ok(),
            "measures": self.of.measures,
            "remarks": self.of.remarks,
            "faults": self.of.faults,
            "timeline": timeline,
        })
        .to_string()
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let verdict = if self.ok() { "ok" } else { "FAILED" };
        let place = if self.of.live { "the living realm" } else { "a throw-away cluster" };
        // Writing to a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        line(format!("drill {} on {place} of {} nodes: {verdict}", self.of.drill.as_str(), self.of.nodes));
        self.of.faults.iter().for_each(|fault| line(format!("  WRONG: {fault}")));
        line(format!("  no write was acknowledged for {} ms (RTO)", self.rto.as_millis()));
        line(format!("  {} acknowledged writes are lost (RPO)", self.of.lost));
        line(format!("  {} requests, {} of them failed", self.of.outcomes.len(), self.failed));
        self.of.measures.iter().for_each(|(name, value)| line(format!("  {name}: {value}")));
        self.of.remarks.iter().for_each(|remark| line(format!("  {remark}")));
        line(format!("\n  acknowledged writes over {:.1} s:", self.whole.as_secs_f64()));
        line(format!("  |{}|", picture(&self.acknowledged, self.whole)));
        for (at, what) in &self.of.notes {
            let at = at.saturating_duration_since(self.of.begun);
            line(format!("  {:>6.1} s  {what}", at.as_secs_f64()));
        }
        out.trim_end().to_owned()
    }
}

/// A time as reports tell it.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How many there are in each part of the whole, as bars.
fn picture(times: &[Duration], whole: Duration) -> String {
    let mut counts = [0_usize; WIDTH];
    let whole = whole.as_micros().max(1);
    for time in times {
        let place = time.as_micros().saturating_mul(WIDTH as u128) / whole;
        let place = usize::try_from(place).unwrap_or(WIDTH).min(WIDTH - 1);
        if let Some(count) = counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: usize| {
        // Something is never drawn as nothing.
        let height = count.saturating_mul(BARS.len() - 1).div_ceil(most);
        BARS.get(height).copied().unwrap_or(' ')
    };
    counts.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(begun: Instant, ended: u64, acknowledged: bool) -> Outcome {
        let at = begun + Duration::from_millis(ended);
        Outcome { key: ended, begun: at, ended: at, failure: (!acknowledged).then(|| "refused".to_owned()) }
    }

    fn report(begun: Instant, faults: &[&str]) -> Report {
        let outcomes = [(100, true), (200, true), (300, false), (900, true), (1000, true)]
            .map(|(at, yes)| outcome(begun, at, yes));
        Report::new(Gathered {
            drill: DrillName::KillLeader,
            live: false,
            nodes: 3,
            at: Timestamp(1_800_000_000_000),
            begun,
            outcomes: outcomes.into(),
            notes: vec![(begun + Duration::from_millis(250), "broken".to_owned())],
            lost: 0,
            measures: BTreeMap::from([("dark_ms", 7)]),
            remarks: vec!["a remark".to_owned()],
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        })
    }

    #[test]
    fn the_longest_gap_between_acknowledged_writes_is_the_rto() {
        let report = report(Instant::now(), &[]);
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["drill"], "kill-leader");
        assert_eq!((&json["rto_ms"], &json["requests_failed"]), (&json!(700), &json!(1)));
        assert_eq!(json["failures"], json!({ "refused": 1 }));
        assert_eq!(json["timeline"][0], json!({ "at_ms": 250, "what": "broken" }));
        assert!(report.text().contains("0.2 s  broken") || report.text().contains("0.3 s  broken"));
        assert_eq!(report.file_name(), "20270115T080000Z-kill-leader.json");
    }

    #[test]
    fn whatever_went_wrong_is_named_and_the_drill_is_not_ok() {
        let good: serde_json::Value = serde_json::from_str(&report(Instant::now(), &[]).json()).unwrap();
        assert_eq!((&good["ok"], &good["measures"]["dark_ms"]), (&json!(true), &json!(7)));
        let report = report(Instant::now(), &["a request failed"]);
        let bad: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((&bad["ok"], &bad["faults"][0]), (&json!(false), &json!("a request failed")));
        assert!(report.text().contains("FAILED\n  WRONG: a request failed"), "{}", report.text());
    }

    #[test]
    fn the_picture_shows_where_nothing_was_acknowledged() {
        let times: Vec<Duration> = (0..40).chain(60..80).map(Duration::from_secs).collect();
        let drawn = picture(&times, Duration::from_secs(80));
        assert_eq!(drawn.chars().count(), WIDTH);
        assert_eq!(drawn.chars().filter(|bar| *bar == ' ').count(), 20);
    }
}
