//! Load client for the scripts in `ops/bench`.
//!
//! `bench writes|reads …`: the same closed loop of HTTPS requests against passquorum's label API and against etcd's JSON
//! gateway, one kept connection a client, spread over the endpoints in turn; prints one JSON line with the rate, the
//! latencies and the processor time of the servers and of itself. `bench failover …` kills a process and prints how long
//! the next acknowledged write took. They must not know more of either system than the few requests in `target.rs`.
//!
//! `bench register|resets|visits …`: people on the Self-Service site, who walk its workflows as a browser does.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod connection;
mod cpu;
mod crowd;
mod enumeration;
mod failover;
mod ldaps;
mod load;
mod options;
mod resets;
mod target;
mod visitor;

use crowd::Fate;
use load::{Kind, Length};
use options::Options;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "use: bench writes|reads|failover --system passquorum|etcd --endpoints URL,… --ca FILE
  writes|reads: --clients N (--seconds S | --requests N) [--pids PID,…]
  failover:     --kill PID
  passquorum:   --token TOKEN
or: bench register|resets|visits --site URL --ca FILE
  register:     --people FIRST-LAST --fate registered|locked|disabled, and a controller
  resets:       --people FIRST-LAST --at-once N --seconds S [--pids PID,…], and perhaps a controller
  visits:       --kinds LABEL=PREFIX:FIRST-LAST,… --tries N --at-once N
  controller:   --controller HOST --controller-ca FILE --bind-name NAME --bind-password PASSWORD";

fn main() -> Result<(), Failure> {
    let options = Options::of_this_process();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verb = options.verb();
    match verb {
        "writes" | "reads" => {
            let length = match options.get("--requests") {
                Some(requests) => Length::Requests(requests.parse()?),
                None => Length::Time(options.seconds()?),
            };
            let kind = if verb == "reads" { Kind::Reads } else { Kind::Writes };
            let clients = options.number("--clients")?;
            runtime.block_on(load::run(options.target()?, kind, clients, length, &options.pids()?))
        }
        "failover" => {
            runtime.block_on(failover::run(options.target()?, options.required("--kill")?.parse()?))
        }
        "register" => {
            let fate = match options.required("--fate")?.as_str() {
                "registered" => Fate::Registered,
                "locked" => Fate::Locked,
                "disabled" => Fate::Disabled,
                other => return Err(format!("--fate {other}: {USAGE}").into()),
            };
            let controller = options.controller()?.ok_or("--controller is missing")?;
            runtime.block_on(crowd::prepare(options.site()?, controller, options.people()?, fate))
        }
        "resets" => runtime.block_on(resets::run(
            options.site()?,
            options.controller()?,
            options.people()?,
            options.number("--at-once")?,
            options.seconds()?,
            &options.pids()?,
        )),
        "visits" => runtime.block_on(enumeration::run(
            options.site()?,
            &options.required("--kinds")?,
            options.number("--tries")?,
            options.number("--at-once")?,
        )),
        _ => Err(USAGE.into()),
    }
}
