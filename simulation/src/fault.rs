//! What goes wrong, and when: drawn from the seed, begun and ended between two steps of the world.

use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use crate::time;
use crate::trace::What;
use passquorum_storage::engine::Crash;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use std::sync::Arc;
use std::time::Duration;
use turmoil::Sim;

/// A fault that goes on.
struct Ongoing {
    id: u32,
    until: Duration,
    what: Fault,
}

enum Fault {
    /// Messages from the first do not reach the second.
    Cut(Vec<(String, String)>),
    /// A process is down.
    Down(Arc<SimulatedNode>),
}

/// Makes faults.
pub struct Nemesis {
    stage: Arc<Stage>,
    rng: SmallRng,
    next: Duration,
    faults: u32,
    ongoing: Vec<Ongoing>,
}

impl Nemesis {
    /// The nemesis of a stage.
    #[must_use]
    pub fn new(stage: Arc<Stage>) -> Self {
        let rng = stage.generator();
        Self { stage, rng, next: Duration::ZERO, faults: 0, ongoing: Vec::new() }
    }

    /// Begins and ends faults as it is time.
    pub fn act(&mut self, sim: &mut Sim<'_>) {
        let now = time::now();
        let act = self.stage.act();
        let (over, ongoing) = std::mem::take(&mut self.ongoing)
            .into_iter()
            .partition(|fault: &Ongoing| act == Act::Healing || fault.until <= now);
        self.ongoing = ongoing;
        for fault in over {
            self.end(sim, fault);
        }
        if act == Act::Faults && now >= self.next {
            self.next = now + self.stage.plan.fault_every.mul_f64(self.rng.gen_range(0.2..1.8));
            self.begin(sim, now);
        }
    }

    /// Brings a process back that ended by itself, after a while, as a supervisor does.
    pub fn supervise(&mut self, node: Arc<SimulatedNode>) {
        let what = Fault::Down(node);
        let until = time::now() + Duration::from_millis(self.rng.gen_range(100..1000));
        self.faults += 1;
        self.ongoing.push(Ongoing { id: self.faults, until, what });
    }

    fn begin(&mut self, sim: &mut Sim<'_>, now: Duration) {
        let up: Vec<_> = self.stage.nodes().into_iter().filter(|node| node.is_up()).collect();
        let Some(victim) = up.choose(&mut self.rng).cloned() else { return };
        self.faults += 1;
        let length = Duration::from_millis(self.rng.gen_range(200..5000));
        let (description, what) = match self.rng.gen_range(0..3) {
            0 => {
                let crash = match self.rng.gen_range(0..2) {
                    0 => Crash::KeepUnsynced,
                    _ => Crash::LoseUnsynced,
                };
                self.crash(sim, &victim, crash);
                (format!("crash of node {}, {crash:?}", victim.id), Fault::Down(victim))
            }
            _ => self.cut(sim, &victim),
        };
        self.stage.surroundings.trace.record(What::Fault(self.faults, description));
        self.ongoing.push(Ongoing { id: self.faults, until: now + length, what });
    }

    fn crash(&mut self, sim: &mut Sim<'_>, victim: &SimulatedNode, crash: Crash) {
        if crash != Crash::KeepUnsynced {
            // A machine without power says no farewell to its peers.
            for other in self.stage.nodes() {
                if other.id != victim.id {
                    sim.partition(victim.host.as_str(), other.host.as_str());
                }
            }
        }
        sim.crash(victim.host.as_str());
        victim.was_crashed();
        victim.disk.crash(crash);
        self.stage.surroundings.trace.record(What::Down(victim.id, format!("{crash:?}")));
    }

    fn cut(&mut self, sim: &mut Sim<'_>, victim: &SimulatedNode) -> (String, Fault) {
        let direction = self.rng.gen_range(0..3);
        let mut cut = Vec::new();
        for other in self.stage.nodes() {
            if other.id == victim.id || self.rng.gen_bool(0.3) {
                continue;
            }
            let (from, to) = (victim.host.clone(), other.host.clone());
            if direction != 1 {
                cut.push((from.clone(), to.clone()));
            }
            if direction != 0 {
                cut.push((to, from));
            }
        }
        for (from, to) in &cut {
            sim.partition_oneway(from.as_str(), to.as_str());
        }
        (format!("cut {cut:?}"), Fault::Cut(cut))
    }

    fn end(&mut self, sim: &mut Sim<'_>, fault: Ongoing) {
        self.stage.surroundings.trace.record(What::Mended(fault.id));
        match fault.what {
            Fault::Cut(links) => {
                for (from, to) in links {
                    sim.repair_oneway(from.as_str(), to.as_str());
                }
            }
            Fault::Down(node) => {
                for other in self.stage.nodes() {
                    if other.id != node.id {
                        sim.repair(node.host.as_str(), other.host.as_str());
                    }
                }
                sim.bounce(node.host.as_str());
            }
        }
    }
}
