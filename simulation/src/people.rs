//! People who use the sites while there are faults: they register, forget and reset, change, unlock, guess in bursts over
//! several nodes, replay old forms with old cookies, and repeat what was not answered; meanwhile users of the domain swap
//! names, leave, and are followed by others of the same name.
//!
//! What they and the world saw is in the ledger; [`People::judge`] puts it before the invariants.

mod browser;
mod form;
mod keys;
mod persons;
pub mod plant;
mod realm;
mod sites;
mod walk;
mod witness;

pub use plant::Plant;

use crate::clients;
use crate::directory::{Climate, Controller};
use crate::invariant::{self, Broken};
use crate::ledger::{Evidence, Ledger, Run};
use crate::node::{Guest, Ports};
use crate::stage::{Act, Stage};
use crate::time::NodeClock;
use browser::Browser;
use futures::future::{BoxFuture, join, join_all};
use keys::RealmKeys;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::directory::{NameError, ObjectGuid};
use passquorum_domain::ids::RequestId;
use passquorum_domain::ports::{Clock as _, Consensus as _};
use passquorum_domain::state::State;
use persons::Persons;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sites::Sites;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use walk::{Manner, Walk};

/// Between two things that one person does, at most.
const PAUSE: Duration = Duration::from_millis(600);
/// What attackers try.
const GUESSED: [&str; 3] = ["forgot-password", "unlock-account", "change-password"];
const TASKS: [&str; 6] =
    ["register", "manage-profile", "forgot-password", "forgot-password", "unlock-account", "change-password"];

/// The people of a run, and the sites that they use.
pub struct Company {
    sites: Arc<Sites>,
    persons: Arc<Persons>,
    threshold: u32,
    /// Users at work at the same time.
    crowd: u32,
}

impl Company {
    /// The company of a seed, with a bug planted in the sites or not.
    pub fn of(seed: u64, plant: Option<Plant>) -> Result<Self, NameError> {
        let mut rng = SmallRng::seed_from_u64(seed ^ 0x7e09_1e00);
        let climate = match rng.gen_range(0..4) {
            0 => Climate { latency: Climate::MILD.latency, ..Climate::CALM },
            1 | 2 => Climate::MILD,
            _ => Climate::ROUGH,
        };
        let domain = realm::domain(rng.gen_range(3..7), &mut rng)?;
        let ledger = Arc::new(Ledger::default());
        let clock = Arc::new(NodeClock::default());
        let own = SmallRng::seed_from_u64(rng.r#gen());
        let by_name = plant == Some(Plant::ResetByName);
        let controller = Controller::new(domain, climate, own, clock, Arc::clone(&ledger), by_name);
        let controller = Arc::new(controller);
        let keys = RealmKeys::new(rng.r#gen());
        let persons = Arc::new(Persons::of(Arc::clone(&controller)));
        let sites = Arc::new(Sites::new(controller, ledger, keys, plant));
        Ok(Self { sites, persons, threshold: rng.gen_range(2..6), crowd: rng.gen_range(2..5) })
    }
}

/// The guests of a seed: in one of three, people; in every one when a bug is planted that shows in what people do.
#[must_use]
pub fn guests(seed: u64, plant: Option<crate::plant::Plant>) -> Vec<Arc<dyn Guest>> {
    let own = match plant {
        Some(crate::plant::Plant::People(plant)) => Some(plant),
        _ => None,
    };
    let shows = own.is_some() || plant.is_some_and(|plant| plant.name() == "replay-ticket");
    let company = (shows || seed.is_multiple_of(3)).then(|| Company::of(seed, own));
    company.into_iter().flatten().map(|company| Arc::new(company) as Arc<dyn Guest>).collect()
}

impl Guest for Company {
    fn run(&self, ports: Ports) -> BoxFuture<'static, ()> {
        // Opened at once: a request that comes first must not find the sites of the life before.
        self.sites.open(&ports);
        Box::pin(async {})
    }

    fn perform(&self, stage: Arc<Stage>) -> BoxFuture<'static, ()> {
        let people = Arc::new(People {
            stage,
            sites: Arc::clone(&self.sites),
            ledger: Arc::clone(&self.sites.ledger),
            persons: Arc::clone(&self.persons),
            runs: AtomicU32::new(0),
        });
        let (threshold, crowd) = (self.threshold, self.crowd);
        Box::pin(async move {
            if people.found(threshold).await {
                let work = (0..crowd).map(|_| people.clone().work());
                join(join_all(work), join(people.clone().attack(), people.clone().upheaval())).await;
            }
            people.sites.controller.calm();
        })
    }

    fn judge(&self, stage: &Stage, state: &Arc<State>) -> Result<(), Broken> {
        self.sites.controller.calm();
        let subject = |guid: ObjectGuid| self.sites.keys.subject(guid).ok().map(|hash| (guid, hash));
        let evidence = Evidence {
            facts: self.sites.ledger.facts(),
            subjects: self.persons.ever().into_iter().filter_map(subject).collect(),
            state: Arc::clone(state),
            threshold: self.threshold,
        };
        invariant::reset_of_the_proved::check(&evidence)?;
        let tickets = invariant::one_change_per_ticket::check(&evidence)?;
        invariant::guesses_bounded::check(&evidence)?;
        invariant::told_the_truth::check(&evidence)?;
        invariant::changes_audited::check(&evidence, &tickets)?;
        for node in stage.nodes() {
            invariant::no_secret_at_rest::check(node.id, &node.disk)?;
        }
        Ok(())
    }
}

/// The people at work.
struct People {
    stage: Arc<Stage>,
    sites: Arc<Sites>,
    ledger: Arc<Ledger>,
    persons: Arc<Persons>,
    runs: AtomicU32,
}

impl People {
    fn next_run(&self) -> Run {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    fn is_on(&self) -> bool {
        self.stage.act() == Act::Faults
    }

    /// An administrator sets the service up; whether that was done before the faults ended.
    async fn found(&self, threshold: u32) -> bool {
        let mut rng = self.stage.generator();
        while self.is_on() {
            for node in self.stage.nodes() {
                let ask = node.ask(|ports| async move { ports.cluster.local() });
                let Ok(Ok(state)) = timeout(PAUSE, ask).await else { continue };
                let Some(config) = state.config() else { continue };
                if config.policy(realm::POLICY).is_some() {
                    return true;
                }
                let base = config.revision;
                let Ok(config) = realm::add_to(RealmConfig::clone(config), threshold) else { return false };
                let change = ConfigChange::Replace(Box::new(config));
                let action = Action::change_config(base, change);
                let at = node.clock.now();
                let request = RequestId::internal(at, clients::uuid(&mut rng));
                let command = Command { request, at, actor: Actor::Realm, detail: None, action };
                if let Some(Ok(Ok(_))) = clients::propose(&node, command).await {
                    return true;
                }
            }
            sleep(PAUSE).await;
        }
        false
    }

    /// Somebody does one thing after another.
    async fn work(self: Arc<Self>) {
        let mut rng = self.stage.generator();
        while self.is_on() {
            sleep(PAUSE.mul_f64(rng.r#gen())).await;
            let Some(person) = self.persons.anybody(&mut rng) else { continue };
            let task = match person.answers.is_empty() && rng.gen_bool(0.8) {
                true => "register",
                false => TASKS.choose(&mut rng).copied().unwrap_or("register"),
            };
            let browser = Browser::new(&self.stage, &self.sites);
            let mut walk = Walk::new(&self, browser, person, Manner::Honest);
            walk.through(task, 7).await;
            if let Some(kept) = walk.kept.take().filter(|_| rng.gen_bool(0.3)) {
                walk.replay(kept).await;
            }
        }
    }

    /// Guesses at one victim's secrets after another's, from several browsers at once.
    async fn attack(self: Arc<Self>) {
        let mut rng = self.stage.generator();
        while self.is_on() {
            sleep(PAUSE.mul_f64(rng.gen_range(0.0..3.0))).await;
            let Some(victim) = self.persons.victim(&mut rng) else { return };
            let task = GUESSED.choose(&mut rng).copied().unwrap_or("forgot-password");
            let bursts = (0..rng.gen_range(1..5)).map(|_| {
                let browser = Browser::new(&self.stage, &self.sites);
                let mut walk = Walk::new(&self, browser, victim.clone(), Manner::Guessing);
                async move { walk.through(task, 5).await }
            });
            join_all(bursts).await;
        }
    }

    /// Names change hands in the directory.
    async fn upheaval(self: Arc<Self>) {
        let mut rng = self.stage.generator();
        while self.is_on() {
            sleep(PAUSE.mul_f64(rng.gen_range(0.5..6.0))).await;
            if rng.r#gen() {
                self.persons.swap_names(&mut rng);
            } else if self.persons.replace(&mut rng).is_err() {
                return;
            }
        }
    }
}
