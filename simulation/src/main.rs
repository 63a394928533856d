//! `simulate`: runs seeds and says which one breaks what, with the command that shows it again.

use clap::{Parser, Subcommand};
use passquorum_simulation::invariant::Broken;
use passquorum_simulation::plan::Plan;
use passquorum_simulation::runner::{self, Cases, Line, Order};
use passquorum_simulation::{determinism, domain_run, history, judge, people, plant, saved, story, world};
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Runs simulated realms from seeds. Exit 0 when every seed is clean, 1 when one breaks a property (with a planted bug:
/// when it is caught).
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// One seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A range of seeds, first included, last not: 0..100.
    #[arg(long, value_parser = parse_range)]
    seeds: Option<Range<u64>>,
    /// Fresh seeds for so many minutes, from the start of --seeds or from 0.
    #[arg(long)]
    minutes: Option<u64>,
    /// The seeds that once found a bug.
    #[arg(long, conflicts_with_all = ["seed", "seeds", "minutes", "plant", "domain"])]
    saved: bool,
    /// Plants a bug, which the run then has to catch.
    #[arg(long, value_parser = plant::Plant::parse)]
    plant: Option<plant::Plant>,
    /// Seeds at a time; the number of processors if not given.
    #[arg(long)]
    jobs: Option<usize>,
    /// Where the histories of failed seeds are written.
    #[arg(long, default_value = "target/simulation")]
    out: PathBuf,
    /// Goes on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
    /// Prints everything that happened, for one seed.
    #[arg(long)]
    trace: bool,
    /// Says the result of one seed as JSON.
    #[arg(long, hide = true)]
    json: bool,
    /// Runs the domain alone, with so many commands.
    #[arg(long)]
    domain: Option<u32>,
}

#[derive(Subcommand)]
enum Verb {
    /// Judges a history of label operations, one JSON object a line: exit 0 when it is linearizable, 1 when it is not,
    /// 2 when there is no verdict.
    Check {
        /// The history.
        file: PathBuf,
    },
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write a range as 0..100")?;
    let number = |part: &str| part.parse().map_err(|_| format!("{part:?} is not a number"));
    let range = number(first)?..number(last)?;
    if range.is_empty() { Err("the range is empty".to_owned()) } else { Ok(range) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Verb::Check { file }) = &arguments.verb {
        return check(file);
    }
    if let Some(commands) = arguments.domain {
        let seed = arguments.seed.unwrap_or(0);
        return domain(arguments.seeds.clone().unwrap_or(seed..seed + 1), commands, arguments.json);
    }
    if arguments.saved {
        return match saved::cases() {
            Ok(cases) => many(Cases::Listed(cases), None, &arguments),
            Err(error) => unable(&error),
        };
    }
    match (arguments.seed, arguments.minutes, &arguments.seeds) {
        (Some(seed), ..) => one(seed, &arguments),
        (None, None, None) => one(0, &arguments),
        (None, None, Some(seeds)) => many(Cases::Range(seeds.clone()), None, &arguments),
        (None, Some(minutes), seeds) => {
            let first = seeds.as_ref().map_or(0, |seeds| seeds.start);
            let seeds = Cases::Range(first..u64::MAX);
            many(seeds, Some(Duration::from_secs(minutes * 60)), &arguments)
        }
    }
}

fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let plant = arguments.plant;
    let run = determinism::with_seed(seed, move || world::run(seed, plant, people::guests(seed, plant)));
    let mut out = std::io::stdout();
    let Ok(report) = run else {
        let _ = writeln!(out, "seed {seed}: the simulation itself panicked");
        return ExitCode::FAILURE;
    };
    if arguments.trace {
        for event in &report.events {
            let _ = writeln!(out, "{:>12} {}", event.at, event.what);
        }
    }
    let line = Line {
        seed,
        broken: report.broken.as_ref().map(Line::of),
        trace: report.trace.clone(),
        simulated_ms: u64::try_from(report.simulated.as_millis()).unwrap_or(u64::MAX),
        operations: report.history.len(),
        story: report.broken.as_ref().and_then(|_| tell(seed, &report, arguments)),
    };
    if arguments.json {
        let _ = writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default());
    } else {
        let (seconds, operations, trace) = (line.simulated_ms / 1000, line.operations, &line.trace);
        let _ =
            writeln!(out, "seed {seed}: {seconds} simulated seconds, {operations} operations, trace {trace}");
        if let Some(Broken { invariant, what, .. }) = &report.broken {
            let _ = writeln!(out, "seed {seed}: {invariant}: {what}");
            if let Some(story) = &line.story {
                let _ = writeln!(out, "the story: {}", story.display());
            }
        }
    }
    if report.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Writes the readable history of a seed that failed, and its operations for `check`.
fn tell(seed: u64, report: &world::Report, arguments: &Arguments) -> Option<PathBuf> {
    let plan = Plan { plant: arguments.plant, ..Plan::of(seed) };
    let plant = arguments.plant.map(|plant| format!(" --plant {}", plant.name())).unwrap_or_default();
    let name = format!("seed-{seed}{}", plant.replace(" --plant ", "-"));
    let path = arguments.out.join(format!("{name}.html"));
    let operations: String = report.history.iter().map(|one| history::line(one) + "\n").collect();
    std::fs::create_dir_all(&arguments.out).ok()?;
    std::fs::write(arguments.out.join(format!("{name}.jsonl")), operations).ok()?;
    std::fs::write(&path, story::page(&plan, report, &format!("simulate --seed {seed}{plant}"))).ok()?;
    Some(path)
}

fn many(cases: Cases, time: Option<Duration>, arguments: &Arguments) -> ExitCode {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut passed_on = vec!["--out".to_owned(), arguments.out.display().to_string()];
    if let Some(plant) = arguments.plant {
        passed_on.extend(["--plant".to_owned(), plant.name().to_owned()]);
    }
    let order = Order {
        cases,
        time,
        jobs: arguments.jobs.unwrap_or(cores),
        keep_going: arguments.keep_going,
        arguments: passed_on,
    };
    match runner::run(&order) {
        Ok(lines) if lines.iter().all(|line| line.broken.is_none()) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => unable(&error),
    }
}

fn unable(error: &dyn std::error::Error) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "no seed could be run: {error}");
    ExitCode::from(2)
}

fn domain(seeds: Range<u64>, commands: u32, json: bool) -> ExitCode {
    let mut out = std::io::stdout();
    let total = seeds.end - seeds.start;
    for seed in seeds {
        let broken = domain_run::world::run(seed, commands).err();
        if json {
            let _ = writeln!(
                out,
                "{}",
                serde_json::to_string(&Line::of_domain(seed, broken.as_ref())).unwrap_or_default()
            );
        } else if let Some(broken) = &broken {
            let again = format!("simulate --seed {seed} --domain {commands}");
            let _ = writeln!(out, "seed {seed}: {broken}\nagain with: {again}");
        }
        if broken.is_some() {
            return ExitCode::FAILURE;
        }
    }
    if !json {
        let _ = writeln!(out, "{total} seeds clean");
    }
    ExitCode::SUCCESS
}

fn check(path: &Path) -> ExitCode {
    let mut out = std::io::stdout();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            let _ = writeln!(out, "{}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    match judge::judge_file(BufReader::new(file)) {
        Ok(judge::Accepted { operations, unknown }) => {
            let _ = writeln!(out, "linearizable: {operations} operations, {unknown} of unknown outcome");
            ExitCode::SUCCESS
        }
        Err((refused, lines)) => {
            let _ = writeln!(out, "{}: {refused}", path.display());
            for line in lines {
                let _ = writeln!(out, "{line}");
            }
            if refused.is_verdict() { ExitCode::FAILURE } else { ExitCode::from(2) }
        }
    }
}
