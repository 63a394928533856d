//! Load client for the scripts in `ops/bench`: the same closed loop of HTTPS requests against passquorum's label API and
//! against etcd's JSON gateway, one kept connection a client, spread over the endpoints in turn.
//!
//! `bench writes|reads …` prints one JSON line with the rate, the latencies and the processor time of the servers and of
//! itself; `bench failover …` kills a process and prints how long the next acknowledged write took. It must not know
//! more of either system than the few requests in `target.rs`.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod connection;
mod cpu;
mod failover;
mod load;
mod target;

use load::{Kind, Length};
use std::time::Duration;
use target::{System, Target};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "use: bench writes|reads|failover --system passquorum|etcd --endpoints URL,… --ca FILE
  writes|reads: --clients N (--seconds S | --requests N) [--pids PID,…]
  failover:     --kill PID
  passquorum:   --token TOKEN";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The last one counts, so that a script can override its defaults.
    let option = |name: &str| {
        let position = arguments.iter().rposition(|argument| argument == name)?;
        arguments.get(position + 1).cloned()
    };
    let required = |name: &str| option(name).ok_or_else(|| format!("{name} is missing; {USAGE}"));
    let system = match required("--system")?.as_str() {
        "passquorum" => System::Passquorum,
        "etcd" => System::Etcd,
        other => return Err(format!("--system {other}: {USAGE}").into()),
    };
    let target = Target::new(system, &required("--endpoints")?, option("--token"), &required("--ca")?)?;
    let verb = arguments.first().map(String::as_str);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        Some("writes" | "reads") => {
            let length = match option("--requests") {
                Some(requests) => Length::Requests(requests.parse()?),
                None => Length::Time(Duration::from_secs(required("--seconds")?.parse()?)),
            };
            let servers = option("--pids").unwrap_or_default();
            let servers = servers.split_terminator(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
            let kind = if verb == Some("reads") { Kind::Reads } else { Kind::Writes };
            runtime.block_on(load::run(target, kind, required("--clients")?.parse()?, length, &servers))
        }
        Some("failover") => runtime.block_on(failover::run(target, required("--kill")?.parse()?)),
        _ => Err(USAGE.into()),
    }
}
