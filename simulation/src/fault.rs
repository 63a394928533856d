//! What goes wrong, and when: drawn from the seed, begun and ended between two steps of the world.
//!
//! A power cut keeps some of what was written and not synced: the oldest batches, as many as the seed says, each as a
//! whole. That is all that the real engine may leave too: its file is read up to the first damage, and a batch counts
//! once all of it is there. What it may not leave is not simulated: half a batch, or a batch without those before it.
//! Snapshots are kept, since they are synced before anything is built on them. A process that only died leaves
//! everything that it wrote, until a power cut.

use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use crate::time;
use crate::trace::What;
use passquorum_domain::ids::NodeId;
use passquorum_storage::engine::{Crash, Refusal};
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use turmoil::Sim;

/// A link from one host to another.
type Link = (String, String);

/// A fault that goes on.
struct Ongoing {
    id: u32,
    until: Duration,
    what: Fault,
}

/// What has to be undone when a fault ends.
enum Fault {
    /// Messages from the first do not reach the second.
    Cut(Vec<Link>),
    /// Messages between the two are late or lost.
    Bad(Vec<Link>),
    /// A process is down.
    Down(Arc<SimulatedNode>),
    /// A disk is slow, or refuses writes.
    Disk(Arc<SimulatedNode>),
    /// A clock is off.
    Clock(Arc<SimulatedNode>),
}

/// Makes faults.
pub struct Nemesis {
    stage: Arc<Stage>,
    rng: SmallRng,
    next: Duration,
    faults: u32,
    ongoing: Vec<Ongoing>,
    /// When the first fault was.
    began: Option<Duration>,
    /// How long after it the power of all nodes fails.
    blackout: Option<Duration>,
    /// Ended from here, not to be started by anybody else.
    down: BTreeSet<NodeId>,
}

impl Nemesis {
    /// The nemesis of a stage.
    #[must_use]
    pub fn new(stage: Arc<Stage>) -> Self {
        let rng = stage.generator();
        let blackout = stage.plan.blackout_after;
        let (ongoing, down) = (Vec::new(), BTreeSet::new());
        Self { stage, rng, next: Duration::ZERO, faults: 0, ongoing, began: None, blackout, down }
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
        if act == Act::Faults {
            let began = *self.began.get_or_insert(now);
            if self.blackout.take_if(|after| now >= began + *after).is_some() {
                self.black_out(sim, now);
            }
            if now >= self.next {
                self.next = now + self.stage.plan.fault_every.mul_f64(self.rng.gen_range(0.2..1.8));
                self.begin(sim, now);
            }
        }
    }

    /// Brings a process back that ended by itself, after a while, as a supervisor does.
    pub fn supervise(&mut self, node: Arc<SimulatedNode>) {
        if self.down.insert(node.id) {
            let until = time::now() + Duration::from_millis(self.rng.gen_range(100..1000));
            self.faults += 1;
            self.ongoing.push(Ongoing { id: self.faults, until, what: Fault::Down(node) });
        }
    }

    /// Ends the process of a node that was removed.
    pub fn end_for_good(&mut self, sim: &mut Sim<'_>, node: &SimulatedNode) {
        if !self.down.contains(&node.id) {
            sim.crash(node.host.as_str());
            node.was_crashed();
            self.stage.surroundings.trace.record(What::Down(node.id, "removed".to_owned()));
        }
    }

    fn begin(&mut self, sim: &mut Sim<'_>, now: Duration) {
        let Some(victim) = self.choose_victim() else { return };
        let length = self.draw_length();
        let (description, what) = match self.rng.gen_range(0..12) {
            0..=3 => self.crash(sim, victim),
            4..=6 => self.cut(sim, &victim),
            7 | 8 => self.spoil(sim, &victim),
            9 => self.slow_disk(victim),
            10 => self.full_disk(victim),
            _ => self.skew(victim),
        };
        self.has_begun(description, now + length, what);
    }

    fn draw_length(&mut self) -> Duration {
        let length = Duration::from_millis(*[300, 1000, 3000, 6000].choose(&mut self.rng).unwrap_or(&1000));
        length.mul_f64(self.rng.gen_range(0.3..1.5))
    }

    fn has_begun(&mut self, description: String, until: Duration, what: Fault) {
        self.faults += 1;
        self.stage.surroundings.trace.record(What::Fault(self.faults, description));
        self.ongoing.push(Ongoing { id: self.faults, until, what });
    }

    /// The power of every node fails at once; each comes back at a time of its own.
    fn black_out(&mut self, sim: &mut Sim<'_>, now: Duration) {
        for victim in self.stage.nodes().into_iter().filter(|node| node.is_up()) {
            let length = self.draw_length();
            let (description, what) = self.power_cut(sim, victim);
            self.has_begun(description, now + length, what);
        }
    }

    /// Any node that is up, and the leader more often than others.
    fn choose_victim(&mut self) -> Option<Arc<SimulatedNode>> {
        let up: Vec<_> = self.stage.nodes().into_iter().filter(|node| node.is_up()).collect();
        let leader = self.stage.surroundings.watch.leader();
        let leader = up.iter().find(|node| Some(node.id) == leader).cloned();
        leader.filter(|_| self.rng.gen_bool(0.4)).or_else(|| up.choose(&mut self.rng).cloned())
    }

    fn crash(&mut self, sim: &mut Sim<'_>, victim: Arc<SimulatedNode>) -> (String, Fault) {
        if self.rng.gen_bool(0.6) {
            return self.power_cut(sim, victim);
        }
        sim.crash(victim.host.as_str());
        // Of a process that only died, the system still holds what it wrote, durable or not.
        self.is_down(victim, "its process dies".to_owned())
    }

    fn power_cut(&mut self, sim: &mut Sim<'_>, victim: Arc<SimulatedNode>) -> (String, Fault) {
        // A machine without power says no farewell to its peers.
        for other in self.stage.nodes() {
            if other.id != victim.id {
                sim.partition(victim.host.as_str(), other.host.as_str());
            }
        }
        sim.crash(victim.host.as_str());
        let unsynced = victim.disk.raft.unsynced();
        let kept = self.rng.gen_range(0..=unsynced);
        victim.disk.crash(Crash::KeepFirst(kept));
        self.is_down(victim, format!("power cut, {kept} of {unsynced} unsynced batches kept"))
    }

    fn is_down(&mut self, victim: Arc<SimulatedNode>, why: String) -> (String, Fault) {
        victim.was_crashed();
        self.down.insert(victim.id);
        self.stage.surroundings.trace.record(What::Down(victim.id, why.clone()));
        (format!("crash of node {}: {why}", victim.id), Fault::Down(victim))
    }

    fn cut(&mut self, sim: &mut Sim<'_>, victim: &SimulatedNode) -> (String, Fault) {
        let direction = self.rng.gen_range(0..4);
        let mut cut = Vec::new();
        for (from, to) in self.links(victim, 0.8) {
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
        let words = ["out of", "into", "around", "around"];
        let word = words.get(direction).unwrap_or(&"around");
        (format!("cut of {} links {word} node {}", cut.len(), victim.id), Fault::Cut(cut))
    }

    fn spoil(&mut self, sim: &mut Sim<'_>, victim: &SimulatedNode) -> (String, Fault) {
        let links = self.links(victim, 0.8);
        let latency = Duration::from_millis(self.rng.gen_range(20..400));
        let loss = if self.rng.gen_bool(0.5) { self.rng.gen_range(0.001..0.05) } else { 0.0 };
        for (from, to) in &links {
            sim.set_link_max_message_latency(from.as_str(), to.as_str(), latency);
            sim.set_link_fail_rate(from.as_str(), to.as_str(), loss);
        }
        let description = format!("bad links of node {}: up to {latency:?}, {loss:.3} lost", victim.id);
        (description, Fault::Bad(links))
    }

    fn links(&mut self, victim: &SimulatedNode, share: f64) -> Vec<Link> {
        let others: Vec<_> = self.stage.nodes().into_iter().filter(|other| other.id != victim.id).collect();
        let chosen = others.into_iter().filter(|_| self.rng.gen_bool(share));
        chosen.map(|other| (victim.host.clone(), other.host.clone())).collect()
    }

    fn slow_disk(&mut self, victim: Arc<SimulatedNode>) -> (String, Fault) {
        let latency = Duration::from_millis(self.rng.gen_range(20..700));
        victim.disk.raft.set_latency(latency);
        (format!("slow disk of node {}: {latency:?}", victim.id), Fault::Disk(victim))
    }

    fn full_disk(&mut self, victim: Arc<SimulatedNode>) -> (String, Fault) {
        victim.disk.raft.refuse_writes(Some(Refusal::DiskFull));
        (format!("full disk of node {}", victim.id), Fault::Disk(victim))
    }

    fn skew(&mut self, victim: Arc<SimulatedNode>) -> (String, Fault) {
        let most = if self.rng.gen_bool(0.2) { 300_000 } else { 20_000 };
        let offset = self.rng.gen_range(-most..most);
        victim.clock.set_offset(offset);
        (format!("clock of node {} off by {offset} ms", victim.id), Fault::Clock(victim))
    }

    fn end(&mut self, sim: &mut Sim<'_>, fault: Ongoing) {
        self.stage.surroundings.trace.record(What::Mended(fault.id));
        let plan = &self.stage.plan;
        match fault.what {
            Fault::Cut(links) => {
                for (from, to) in links {
                    sim.repair_oneway(from.as_str(), to.as_str());
                }
            }
            Fault::Bad(links) => {
                for (from, to) in links {
                    sim.set_link_max_message_latency(from.as_str(), to.as_str(), plan.latency.1);
                    let loss = if self.stage.act() == Act::Healing { 0.0 } else { plan.loss };
                    sim.set_link_fail_rate(from.as_str(), to.as_str(), loss);
                }
            }
            Fault::Disk(node) => {
                node.disk.raft.set_latency(plan.disk_latency);
                node.disk.raft.refuse_writes(None);
            }
            Fault::Clock(node) => node.clock.set_offset(0),
            Fault::Down(node) => {
                self.down.remove(&node.id);
                for other in self.stage.nodes() {
                    if other.id != node.id {
                        sim.repair(node.host.as_str(), other.host.as_str());
                    }
                }
                if self.stage.node(node.id).is_some() {
                    sim.bounce(node.host.as_str());
                }
            }
        }
    }
}
