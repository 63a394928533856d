//! `simulate`: runs seeds and says which one breaks what, with the command that shows it again.

use clap::{Parser, Subcommand};
use passquorum_simulation::{judge, world};
use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
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
    /// Commands in each run.
    #[arg(long, default_value_t = 400)]
    commands: u32,
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Verb::Check { file }) = arguments.verb {
        return check(&file);
    }
    let seeds = arguments.seeds.unwrap_or_else(|| {
        let seed = arguments.seed.unwrap_or(0);
        seed..seed.saturating_add(1)
    });
    let mut out = std::io::stdout();
    let (total, mut commands, mut crashes) = (seeds.end - seeds.start, 0u64, 0u64);
    for seed in seeds {
        match world::run(seed, arguments.commands) {
            Ok(report) => {
                commands += u64::from(report.commands);
                crashes += u64::from(report.crashes);
                if out.is_terminal() {
                    let _ = write!(out, "\rseed {seed} ok");
                    let _ = out.flush();
                }
            }
            Err(broken) => {
                let again = format!("simulate --seed {seed} --commands {}", arguments.commands);
                let _ = writeln!(out, "\nseed {seed}: {broken}\nagain with: {again}");
                return ExitCode::FAILURE;
            }
        }
    }
    let _ = writeln!(out, "\r{total} seeds clean: {commands} commands on 3 replicas, {crashes} crashes");
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
