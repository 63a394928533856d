//! `simulate`: runs seeds and says which one breaks what, with the command that shows it again.

use clap::Parser;
use passquorum_simulation::world;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Runs simulated realms from seeds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
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

fn parse_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write a range as 0..100")?;
    let number = |part: &str| part.parse().map_err(|_| format!("{part:?} is not a number"));
    let range = number(first)?..number(last)?;
    if range.is_empty() { Err("the range is empty".to_owned()) } else { Ok(range) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
