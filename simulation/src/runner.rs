//! Many seeds, several at a time, a process each. It prints how far it is, and for a seed that fails what broke and the
//! command that shows it again.

use crate::domain_run;
use crate::invariant::Broken;
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What the process of one seed says, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The seed.
    pub seed: u64,
    /// The property that broke, and what was seen.
    pub broken: Option<(String, String)>,
    /// The hash of the trace.
    pub trace: String,
    /// Simulated time in milliseconds.
    pub simulated_ms: u64,
    /// Operations of clients.
    pub operations: usize,
    /// The readable history, if one was written.
    pub story: Option<PathBuf>,
}

impl Line {
    fn bare(seed: u64, broken: Option<(String, String)>) -> Self {
        Self { seed, broken, trace: String::new(), simulated_ms: 0, operations: 0, story: None }
    }

    /// The line of a process that ended without one.
    fn lost(seed: u64, why: String) -> Self {
        Self::bare(seed, Some(("the-run-ends".to_owned(), why)))
    }

    /// The line of a run of the domain alone.
    #[must_use]
    pub fn of_domain(seed: u64, broken: Option<&domain_run::world::Failure>) -> Self {
        Self::bare(seed, broken.map(|failure| ("domain".to_owned(), failure.to_string())))
    }

    /// What broke, for the invariants of `broken`.
    #[must_use]
    pub fn of(broken: &Broken) -> (String, String) {
        (broken.invariant.to_owned(), broken.what.clone())
    }
}

/// A seed, and the arguments that its process gets besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The seed.
    pub seed: u64,
    /// The arguments.
    pub arguments: Vec<String>,
}

/// What is run.
#[derive(Debug, Clone)]
pub enum Cases {
    /// Each seed of a range.
    Range(Range<u64>),
    /// These.
    Listed(Vec<Case>),
}

impl Cases {
    fn at(&self, place: u64) -> Option<Case> {
        match self {
            Self::Range(seeds) => {
                let seed = seeds.start.checked_add(place).filter(|seed| *seed < seeds.end)?;
                Some(Case { seed, arguments: Vec::new() })
            }
            Self::Listed(cases) => cases.get(usize::try_from(place).ok()?).cloned(),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Range(seeds) => seeds.end - seeds.start,
            Self::Listed(cases) => cases.len() as u64,
        }
    }
}

/// Which seeds, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The seeds.
    pub cases: Cases,
    /// No seed begins later than this.
    pub time: Option<Duration>,
    /// Processes at a time.
    pub jobs: usize,
    /// Whether to go on after a seed that failed.
    pub keep_going: bool,
    /// Arguments that each process gets besides those of its case.
    pub arguments: Vec<String>,
}

struct Board {
    next: u64,
    lines: Vec<Line>,
    failed: bool,
}

/// Runs the seeds; returns what each said, in the order in which they ended.
pub fn run(order: &Order) -> std::io::Result<Vec<Line>> {
    let program = std::env::current_exe()?;
    let begun = now();
    let board = Mutex::new(Board { next: 0, lines: Vec::new(), failed: false });
    let lock = || board.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..order.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let case = {
                        let mut board = lock();
                        let late = order.time.is_some_and(|time| now().saturating_sub(begun) > time);
                        let Some(mut case) = order.cases.at(board.next) else { return };
                        if late || (board.failed && !order.keep_going) {
                            return;
                        }
                        board.next += 1;
                        case.arguments.extend(order.arguments.iter().cloned());
                        case
                    };
                    let line = run_one(&program, &case);
                    let mut board = lock();
                    report_failure(&line, &case);
                    board.failed |= line.broken.is_some();
                    board.lines.push(line);
                    show_progress(&board, order, now().saturating_sub(begun));
                }
            });
        }
    });
    let lines = std::mem::take(&mut lock().lines);
    summarise(&lines, now().saturating_sub(begun));
    Ok(lines)
}

fn run_one(program: &std::path::Path, Case { seed, arguments }: &Case) -> Line {
    let seed = *seed;
    let output = Command::new(program).args(["--seed", &seed.to_string(), "--json"]).args(arguments).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return Line::lost(seed, format!("its process did not start: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    line.unwrap_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = errors.lines().take(5).collect();
        Line::lost(seed, format!("its process ended with {}: {}", output.status, errors.join(" | ")))
    })
}

fn show_progress(board: &Board, order: &Order, passed: Duration) {
    let mut out = std::io::stdout();
    if !out.is_terminal() {
        return;
    }
    let done = board.lines.len();
    let failed = board.lines.iter().filter(|line| line.broken.is_some()).count();
    let per_minute = done as f64 * 60.0 / passed.as_secs_f64().max(0.001);
    let total = order.cases.number();
    let _ = write!(out, "\r{done} of {total} seeds, {failed} failed, {per_minute:.0} seeds/min ");
    let _ = out.flush();
}

fn report_failure(line: &Line, case: &Case) {
    let Some((invariant, what)) = &line.broken else { return };
    let mut out = std::io::stdout();
    let _ = writeln!(out, "\rseed {}: {invariant}: {what}", line.seed);
    let _ = writeln!(out, "  again with: simulate --seed {} {}", line.seed, case.arguments.join(" "));
    if let Some(story) = &line.story {
        let _ = writeln!(out, "  the story: {}", story.display());
    }
}

fn summarise(lines: &[Line], passed: Duration) {
    let mut out = std::io::stdout();
    let seconds = passed.as_secs_f64().max(0.001);
    let simulated: u64 = lines.iter().map(|line| line.simulated_ms).sum();
    let operations: usize = lines.iter().map(|line| line.operations).sum();
    let failed = lines.iter().filter(|line| line.broken.is_some()).count();
    let _ = writeln!(
        out,
        "\r{} seeds, {failed} failed; {:.2} simulated hours, {operations} operations, in {seconds:.1} s: {:.0} seeds/min",
        lines.len(),
        simulated as f64 / 3_600_000.0,
        lines.len() as f64 * 60.0 / seconds,
    );
}

/// The machine's clock, which the override of [`crate::determinism`] does not reach.
fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}
