//! A run as a page to read: a picture with a lane for each node and client and for the faults, and all events below. It
//! needs no script and no network.

use crate::history::{Answer, Operation};
use crate::plan::Plan;
use crate::trace::{Event, What};
use crate::world::Report;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const LANE: u64 = 22;
const LEFT: u64 = 110;
/// Pixels for each simulated second.
const SECOND: f64 = 60.0;

const STYLE: &str = "body{font:14px system-ui;margin:2em}svg{font:11px system-ui;background:#fafafa}pre{font-size:12px}\
.up{fill:#d5dbe3}.leads{fill:#3a7d44}.fault{fill:#e0a030;opacity:.75}.ok{fill:#4477aa}.unknown{fill:#bbb}\
.refused{fill:#99bbdd}.nothing{fill:#ddd}.broken{fill:#cc2222}.scroll{overflow-x:auto}";

/// One bar of the picture.
struct Bar {
    lane: String,
    from: u64,
    to: u64,
    class: &'static str,
    title: String,
}

/// The page of a run.
#[must_use]
pub fn page(plan: &Plan, report: &Report, again: &str) -> String {
    let end = u64::try_from(report.simulated.as_micros()).unwrap_or(u64::MAX);
    let shown_by: &[usize] = report.broken.as_ref().map_or(&[], |broken| &broken.shown_by);
    let mut bars = node_bars(&report.events, end);
    bars.extend(
        report
            .history
            .iter()
            .enumerate()
            .map(|(position, operation)| client_bar(operation, shown_by.contains(&position), end)),
    );
    let mut page =
        format!("<!doctype html><meta charset=utf-8><title>Seed {}</title><style>{STYLE}</style>", plan.seed);
    let _ = write!(page, "<h1>Seed {}</h1>", plan.seed);
    if let Some(broken) = &report.broken {
        let _ = write!(page, "<p><b>{}</b>: {}</p>", broken.invariant, escape(&broken.what));
    }
    let _ = write!(page, "<p>Again with <code>{}</code></p><div class=scroll>", escape(again));
    draw(&mut page, &bars, end);
    page.push_str("</div><p>Grey: a process is up; green: it leads; yellow: a fault; blue: an operation (light: refused, \
                   grey: unknown); red: what shows that the property is broken.</p>");
    if !shown_by.is_empty() {
        page.push_str("<h2>What shows it</h2><pre>");
        for operation in shown_by.iter().filter_map(|position| report.history.get(*position)) {
            let _ = writeln!(page, "{}", escape(&crate::history::line(operation)));
        }
        page.push_str("</pre>");
    }
    let _ = write!(page, "<h2>The plan</h2><pre>{}</pre><h2>Events</h2><pre>", escape(&format!("{plan:#?}")));
    for event in &report.events {
        let _ = writeln!(page, "{:>10.3} ms  {}", milliseconds(event.at), escape(&event.what.to_string()));
    }
    page.push_str("</pre>");
    page
}

fn node_bars(events: &[Event], end: u64) -> Vec<Bar> {
    let mut bars = Vec::new();
    // What goes on, by lane and class: since when, and its title.
    let mut open: BTreeMap<(String, &'static str), (u64, String)> = BTreeMap::new();
    let close = |bars: &mut Vec<Bar>, open: &mut BTreeMap<_, (u64, String)>, lane: String, class, to| {
        if let Some((from, title)) = open.remove(&(lane.clone(), class)) {
            bars.push(Bar { lane, from, to, class, title });
        }
    };
    for Event { at, what } in events {
        let lane = |node: &passquorum_domain::ids::NodeId| format!("node {node:>2}");
        match what {
            What::Up(node, start) => {
                close(&mut bars, &mut open, lane(node), "up", *at);
                open.insert((lane(node), "up"), (*at, format!("start {start}")));
            }
            What::Down(node, _) => {
                close(&mut bars, &mut open, lane(node), "up", *at);
                close(&mut bars, &mut open, lane(node), "leads", *at);
            }
            What::Leads(node, term) => {
                close(&mut bars, &mut open, lane(node), "leads", *at);
                open.insert((lane(node), "leads"), (*at, format!("term {term}")));
            }
            What::Follows(node) => close(&mut bars, &mut open, lane(node), "leads", *at),
            What::Fault(id, what) => {
                open.insert((format!("fault {id:>3}"), "fault"), (*at, what.clone()));
            }
            What::Mended(id) => close(&mut bars, &mut open, format!("fault {id:>3}"), "fault", *at),
            What::Applied(..)
            | What::Mirrored(..)
            | What::Demanded(..)
            | What::Term(..)
            | What::Client(..)
            | What::Phase(_) => {}
        }
    }
    bars.extend(open.into_iter().map(|((lane, class), (from, title))| Bar {
        lane,
        from,
        to: end,
        class,
        title,
    }));
    for bar in &mut bars {
        // Faults share a few lanes.
        if let Some(id) = bar.lane.strip_prefix("fault").and_then(|id| id.trim().parse::<u32>().ok()) {
            bar.lane = format!("faults {}", id % 4 + 1);
        }
    }
    bars
}

fn client_bar(operation: &Operation, broken: bool, end: u64) -> Bar {
    let class = match &operation.result {
        _ if broken => "broken",
        None => "unknown",
        Some(Answer::NothingDone) => "nothing",
        Some(
            Answer::Put(crate::history::Written::Refused(_))
            | Answer::Delete(crate::history::Deleted::Refused(_)),
        ) => "refused",
        Some(_) => "ok",
    };
    Bar {
        lane: format!("client {:>2}", operation.client),
        from: operation.invoked,
        to: operation.returned.unwrap_or(end),
        class,
        title: crate::history::line(operation),
    }
}

fn draw(page: &mut String, bars: &[Bar], end: u64) {
    let mut lanes: BTreeMap<(u8, &str), u64> = BTreeMap::new();
    for bar in bars {
        let kind = ["node", "faults", "client"].iter().position(|kind| bar.lane.starts_with(kind));
        lanes.insert((kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(9), &bar.lane), 0);
    }
    let tops: BTreeMap<&str, u64> =
        lanes.keys().zip(1..).map(|((_, lane), place)| (*lane, place * LANE)).collect();
    let height = (tops.len() as u64 + 2) * LANE;
    let place = |at: u64| LEFT as f64 + milliseconds(at) / 1000.0 * SECOND;
    let _ = write!(
        page,
        "<svg width={:.0} height={height} xmlns='http://www.w3.org/2000/svg'>",
        place(end) + 20.0
    );
    for second in 0..=end / 1_000_000 {
        let x = place(second * 1_000_000);
        let _ = write!(
            page,
            "<path d='M{x:.0} 14V{height}' stroke='#e4e4e4'/><text x={x:.0} y=11>{second} s</text>"
        );
    }
    for (lane, top) in &tops {
        let _ = write!(page, "<text x=4 y={}>{lane}</text>", top + 14);
    }
    for bar in bars {
        let top = tops.get(bar.lane.as_str()).copied().unwrap_or(0);
        let (inset, thick) = if bar.class == "leads" { (6, 10) } else { (2, 18) };
        let (x, width) = (place(bar.from), (place(bar.to) - place(bar.from)).max(1.0));
        let _ = write!(
            page,
            "<rect class={} x={x:.1} y={} width={width:.1} height={thick}><title>{}</title></rect>",
            bar.class,
            top + inset,
            escape(&bar.title),
        );
    }
    page.push_str("</svg>");
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
