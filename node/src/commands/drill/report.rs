//! What a drill measured, in JSON and as a picture for people.

use super::load::Outcome;
use crate::cli::DrillName;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// Columns of the picture at most.
const WIDTH: usize = 80;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The measurements of one drill.
pub(super) struct Report {
    drill: DrillName,
    requests: usize,
    failed: usize,
    lost: usize,
    /// The longest time between two acknowledged writes.
    rto: Duration,
    whole: Duration,
    /// When each acknowledged write ended, after the beginning.
    acknowledged: Vec<Duration>,
    notes: Vec<(Duration, String)>,
    ok: bool,
}

impl Report {
    /// `ok` says whether nothing is lost that must not be.
    pub(super) fn new(
        drill: DrillName,
        begun: Instant,
        outcomes: &[Outcome],
        notes: Vec<(Instant, String)>,
        lost: usize,
        ok: bool,
    ) -> Self {
        let since = |at: Instant| at.saturating_duration_since(begun);
        let acknowledged: Vec<Duration> = outcomes
            .iter()
            .filter(|outcome| outcome.acknowledged)
            .map(|outcome| since(outcome.ended))
            .collect();
        let gaps = acknowledged.windows(2).filter_map(|pair| match pair {
            [before, after] => Some(after.saturating_sub(*before)),
            _ => None,
        });
        Self {
            drill,
            requests: outcomes.len(),
            failed: outcomes.len().saturating_sub(acknowledged.len()),
            lost,
            rto: gaps.max().unwrap_or_default(),
            whole: outcomes.last().map_or(Duration::ZERO, |last| since(last.ended)),
            acknowledged,
            notes: notes.into_iter().map(|(at, what)| (since(at), what)).collect(),
            ok,
        }
    }

    /// Whether nothing is lost that must not be.
    pub(super) fn ok(&self) -> bool {
        self.ok
    }

    pub(super) fn json(&self) -> String {
        let milliseconds = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let timeline: Vec<_> =
            self.notes.iter().map(|(at, what)| json!({ "at_ms": milliseconds(at), "what": what })).collect();
        json!({
            "drill": self.drill.as_str(),
            "rto_ms": milliseconds(&self.rto),
            "rpo_writes": self.lost,
            "requests": self.requests,
            "requests_failed": self.failed,
            "ok": self.ok,
            "timeline": timeline,
        })
        .to_string()
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let verdict = if self.ok { "ok" } else { "FAILED" };
        // Writing to a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        line(format!("drill {}: {verdict}", self.drill.as_str()));
        line(format!("  no write was acknowledged for {} ms (RTO)", self.rto.as_millis()));
        line(format!("  {} acknowledged writes are lost (RPO)", self.lost));
        line(format!("  {} requests, {} of them failed", self.requests, self.failed));
        line(format!("\n  acknowledged writes over {:.1} s:", self.whole.as_secs_f64()));
        line(format!("  |{}|", picture(&self.acknowledged, self.whole)));
        for (at, what) in &self.notes {
            line(format!("  {:>6.1} s  {what}", at.as_secs_f64()));
        }
        out.trim_end().to_owned()
    }
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
        Outcome { key: ended, begun: at, ended: at, acknowledged }
    }

    #[test]
    fn the_longest_gap_between_acknowledged_writes_is_the_rto() {
        let begun = Instant::now();
        let outcomes = [(100, true), (200, true), (300, false), (900, true), (1000, true)]
            .map(|(at, yes)| outcome(begun, at, yes));
        let notes = vec![(begun + Duration::from_millis(250), "broken".to_owned())];
        let report = Report::new(DrillName::KillLeader, begun, &outcomes, notes, 0, true);
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["drill"], "kill-leader");
        assert_eq!((&json["rto_ms"], &json["requests_failed"]), (&json!(700), &json!(1)));
        assert_eq!(json["timeline"][0], json!({ "at_ms": 250, "what": "broken" }));
        assert!(report.text().contains("0.2 s  broken") || report.text().contains("0.3 s  broken"));
    }

    #[test]
    fn the_picture_shows_where_nothing_was_acknowledged() {
        let times: Vec<Duration> = (0..40).chain(60..80).map(Duration::from_secs).collect();
        let drawn = picture(&times, Duration::from_secs(80));
        assert_eq!(drawn.chars().count(), WIDTH);
        assert_eq!(drawn.chars().filter(|bar| *bar == ' ').count(), 20);
    }
}
