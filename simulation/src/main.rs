//! `simulate`: runs seeds and says which one breaks what, with the command that shows it again.

use clap::{Parser, Subcommand};
use passquorum_simulation::people::{self, Plant};
use passquorum_simulation::{domain_run, judge, world};
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs simulated realms from seeds.
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
    seeds: Option<std::ops::Range<u64>>,
    /// A bug to plant among the sites' ports: exit 1 when it is caught.
    #[arg(long, value_parser = parse_plant)]
    plant: Option<Plant>,
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

fn parse_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write a range as 0..100")?;
    let number = |part: &str| part.parse().map_err(|_| format!("{part:?} is not a number"));
    let range = number(first)?..number(last)?;
    if range.is_empty() { Err("the range is empty".to_owned()) } else { Ok(range) }
}

fn parse_plant(text: &str) -> Result<Plant, String> {
    let named = Plant::ALL.into_iter().find(|(name, _)| *name == text);
    let names = Plant::ALL.map(|(name, _)| name).join(", ");
    named.map(|(_, plant)| plant).ok_or_else(|| format!("the bugs are {names}"))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Verb::Check { file }) = arguments.verb {
        return check(&file);
    }
    let seeds = arguments.seeds.unwrap_or_else(|| {
        let seed = arguments.seed.unwrap_or(0);
        seed..seed.saturating_add(1)
    });
    match arguments.domain {
        Some(commands) => domain(seeds, commands),
        None => cluster(seeds, arguments.plant),
    }
}

fn cluster(seeds: std::ops::Range<u64>, plant: Option<Plant>) -> ExitCode {
    let mut out = std::io::stdout();
    for seed in seeds {
        let Ok(report) =
            passquorum_simulation::determinism::with_seed(seed, move || world::run(seed, people::guests(seed, plant)))
        else {
            return ExitCode::FAILURE;
        };
        let _ = writeln!(
            out,
            "seed {seed}: {:?}, {} operations, trace {}",
            report.simulated,
            report.history.len(),
            report.trace
        );
        if let Some(broken) = report.broken.or_else(|| {
            std::env::var("DUMP").ok().map(|_| passquorum_simulation::invariant::Broken::new("dump", ""))
        }) {
            for event in report.events {
                let _ = writeln!(out, "{} {}", event.at, event.what);
            }
            let _ = writeln!(out, "seed {seed}: {broken}\nagain with: simulate --seed {seed}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn domain(seeds: std::ops::Range<u64>, commands: u32) -> ExitCode {
    let mut out = std::io::stdout();
    let total = seeds.end - seeds.start;
    for seed in seeds {
        if let Err(broken) = domain_run::world::run(seed, commands) {
            let again = format!("simulate --seed {seed} --domain {commands}");
            let _ = writeln!(out, "seed {seed}: {broken}\nagain with: {again}");
            return ExitCode::FAILURE;
        }
    }
    let _ = writeln!(out, "{total} seeds clean");
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
