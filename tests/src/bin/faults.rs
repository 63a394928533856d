//! `faults`: does harm to a realm of real node processes and prints one JSON line for each fault.
//!
//!     faults [--fault NAME|all] [--nodes 3|5] [--seconds N] [--seed S] [--json]
//!
//! Needs root, `ops/rig/install.sh`, and the binaries `passquorum` and `simulate` built beside it. It exits with 1 when
//! a history is not linearizable or something else is wrong; history and logs are then kept in a directory that it names.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use passquorum_tests::faults::kinds::{self, KINDS, Kind};
use passquorum_tests::faults::trial::{self, Plan, Report};
use passquorum_tests::faults::{delay, sandbox};
use passquorum_tests::rig::RigError;

/// What a trial may take beside its load: each of its waits has a deadline of its own, and these are together less.
const LIMIT: Duration = Duration::from_secs(600);

/// Real faults on real node processes under load, judged by `simulate check`.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Which fault, or `all`
    #[arg(long, default_value = "all")]
    fault: String,
    /// Nodes of the realm
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=7))]
    nodes: u64,
    /// How long the load lasts
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// Chooses what the clients do
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Inner {
    /// What runs inside the sandbox
    #[command(hide = true)]
    Inside {
        fault: String,
        nodes: u64,
        seconds: u64,
        seed: u64,
        dir: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// What holds packets back in a node's network
    #[command(hide = true)]
    Delay {
        #[arg(long)]
        by_ms: u64,
        #[arg(long)]
        jitter_ms: u64,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.inner {
        None => outside(&arguments).await,
        Some(Inner::Inside { fault, nodes, seconds, seed, dir, json }) => {
            let length = Duration::from_secs(seconds);
            match kinds::named(&fault) {
                Some(kind) => inside(Plan { kind, nodes, length, seed }, &dir, json).await,
                None => Ok(false),
            }
        }
        Some(Inner::Delay { by_ms, jitter_ms }) => {
            delay::run(Duration::from_millis(by_ms), Duration::from_millis(jitter_ms)).await.map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Each fault in a sandbox of its own, so that no harm outlives its trial.
async fn outside(arguments: &Arguments) -> Result<bool, RigError> {
    let chosen: Vec<&Kind> =
        KINDS.iter().filter(|kind| arguments.fault == "all" || arguments.fault == kind.name).collect();
    if chosen.is_empty() {
        let known: Vec<_> = KINDS.iter().map(|kind| format!("  {:20}{}", kind.name, kind.what)).collect();
        eprintln!("faults: there is no fault {}; there are:\n{}", arguments.fault, known.join("\n"));
        return Ok(false);
    }
    let mut good = true;
    for kind in chosen {
        let files = sandbox::Files::make()?;
        let dir = files.path().display().to_string();
        let numbers = [arguments.nodes, arguments.seconds, arguments.seed].map(|number| number.to_string());
        let mut inner = vec!["inside".to_owned(), kind.name.to_owned()];
        inner.extend(numbers);
        inner.push(dir);
        inner.extend(arguments.json.then(|| "--json".to_owned()));
        let limit = Duration::from_secs(arguments.seconds) + LIMIT;
        let status = match sandbox::run(&inner, limit).await {
            Ok(Some(status)) => Ok(status),
            Ok(None) => return Ok(false),
            Err(error) => Err(error),
        };
        if let Err(error) = &status {
            eprintln!("faults: {}: {error}", kind.name);
        }
        if !status.is_ok_and(|status| status.success()) {
            good = false;
            let kept = files.keep(&format!("{}-{}-{}", kind.name, arguments.nodes, arguments.seed))?;
            eprintln!("faults: {}: history and logs are in {}", kind.name, kept.display());
        }
    }
    Ok(good)
}

async fn inside(plan: Plan, dir: &Path, json: bool) -> Result<bool, RigError> {
    let report = trial::run(plan, dir).await?;
    let shown = if json { as_json(&report)? } else { as_text(&report) };
    println!("{shown}");
    Ok(report.is_good())
}

fn as_json(report: &Report) -> Result<String, RigError> {
    serde_json::to_string(report)
        .map_err(|error| RigError::Contract { who: "the report", answer: error.to_string() })
}

fn as_text(report: &Report) -> String {
    let Report { fault, nodes, operations, unknown, refused, max_gap_ms, recovered_ms, checker, .. } = report;
    let told: Vec<&str> = report.problems.iter().chain(&report.notes).map(String::as_str).collect();
    format!(
        "{fault} ({nodes} nodes): {checker}; {operations} operations, {unknown} unknown, {refused} refused; \
         {max_gap_ms} ms without a write, ready again after {recovered_ms} ms; {}",
        told.join("; ")
    )
}
