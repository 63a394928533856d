//! One run: the simulated network, stepped until the script has ended or a property is broken.

use crate::authority::Authority;
use crate::fault::Nemesis;
use crate::history::Operation;
use crate::invariant::Broken;
use crate::judge;
use crate::node::{Guest, Surroundings};
use crate::plan::Plan;
use crate::plant::Plant;
use crate::script;
use crate::stage::Stage;
use crate::time;
use crate::trace::{Event, Trace};
use crate::watch::Watch;
use std::sync::Arc;
use std::time::Duration;
use turmoil::Builder;

/// No run takes longer.
const LIMIT: Duration = Duration::from_secs(600);

/// What a run left.
#[derive(Debug)]
pub struct Report {
    /// The property that broke, if one did.
    pub broken: Option<Broken>,
    /// The trace's hash.
    pub trace: String,
    /// The time that passed in the simulation.
    pub simulated: Duration,
    /// What happened.
    pub events: Vec<Event>,
    /// What clients saw.
    pub history: Vec<Operation>,
}

/// Runs a seed with guests on each node.
#[must_use]
pub fn run(seed: u64, plant: Option<Plant>, guests: Vec<Arc<dyn Guest>>) -> Report {
    let plan = Plan { plant, ..Plan::of(seed) };
    Plant::put(plant);
    time::set(Duration::ZERO);
    passquorum_raft::types::seed_election_jitter(seed);
    let trace = Arc::new(Trace::default());
    let watch = Arc::new(Watch::default());
    let broken = step_through(&plan, &trace, &watch, guests);
    let (broken, history) = match broken {
        Ok(history) => (watch.broken(), history),
        Err((broken, history)) => (Some(watch.broken().unwrap_or(broken)), history),
    };
    let broken = broken.or_else(|| judge::judge(&history).err().map(|refused| refused.into()));
    Report { broken, trace: trace.hash(), simulated: time::now(), events: trace.events(), history }
}

type Ended = Result<Vec<Operation>, (Broken, Vec<Operation>)>;

fn step_through(plan: &Plan, trace: &Arc<Trace>, watch: &Arc<Watch>, guests: Vec<Arc<dyn Guest>>) -> Ended {
    let authority = match Authority::new() {
        Ok(authority) => authority,
        Err(error) => return Err((Broken::new("setup", error.to_string()), Vec::new())),
    };
    let surroundings = Arc::new(Surroundings {
        authority,
        tuning: plan.tuning.clone(),
        trace: Arc::clone(trace),
        watch: Arc::clone(watch),
        guests,
    });
    let stage = Arc::new(Stage::new(plan.clone(), surroundings));
    let mut sim = Builder::new()
        .simulation_duration(LIMIT)
        .tick_duration(plan.tick)
        .min_message_latency(plan.latency.0)
        .max_message_latency(plan.latency.1)
        .fail_rate(plan.loss)
        .repair_rate(1.0)
        .tcp_capacity(1024)
        .rng_seed(plan.seed)
        .build();
    let played = Arc::clone(&stage);
    let verdict = Arc::clone(watch);
    sim.client("script", async move {
        if let Err(broken) = script::play(played).await {
            verdict.breaks(broken);
        }
        Ok(())
    });
    let mut nemesis = Nemesis::new(Arc::clone(&stage));
    loop {
        time::set(sim.elapsed());
        for node in stage.take_leaving() {
            nemesis.end_for_good(&mut sim, &node);
        }
        for node in stage.take_arriving() {
            let host = node.host.clone();
            sim.host(host.as_str(), move || {
                let node = Arc::clone(&node);
                async move {
                    node.live().await;
                    Ok(())
                }
            });
        }
        nemesis.act(&mut sim);
        let done = sim.step();
        for (id, _why) in watch.take_ended() {
            if let Some(node) = stage.node(id) {
                nemesis.supervise(node);
            }
        }
        match done {
            _ if watch.broken().is_some() => {
                let broken = watch.broken().unwrap_or_else(|| Broken::new("setup", "none"));
                return Err((broken, stage.history()));
            }
            Ok(false) => {}
            Ok(true) => return Ok(stage.history()),
            Err(error) => return Err((Broken::new("liveness", error.to_string()), stage.history())),
        }
    }
}
