//! A node in the perimeter that no voter reaches for a while. The voters have to notice nothing; the node has to say what
//! it cannot do, and to catch up.

use super::STEP;
use super::relay::Relay;
use super::scene::Scene;
use super::site::Site;
use crate::commands::Failure;
use crate::commands::fleet::until;
use http::{Method, StatusCode};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::instance::Role;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// A page that takes a voter.
const PAGE: &str = "/self-service/start/register";
const BETWEEN_VISITS: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saw {
    /// The page.
    Page,
    /// That the site cannot serve.
    NoVoter,
    /// No answer, or one that tells a visitor nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Visit {
    begun: Instant,
    ended: Instant,
    saw: Saw,
}

/// Somebody who opens the same page again and again.
struct Visitor {
    visits: Arc<Mutex<Vec<Visit>>>,
    _opens: JoinSet<()>,
}

impl Visitor {
    fn begin(site: Site) -> Self {
        let visits = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&visits);
        let mut opens = JoinSet::new();
        opens.spawn(async move {
            let mut ticks = interval(BETWEEN_VISITS);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let begun = Instant::now();
                let saw = look(&site).await;
                locked(&seen).push(Visit { begun, ended: Instant::now(), saw });
            }
        });
        Self { visits, _opens: opens }
    }

    /// Waits for a visit that was begun after this and saw that.
    async fn sees(&self, saw: Saw, after: Instant) -> Result<Visit, Failure> {
        let seen = until(STEP, || async {
            locked(&self.visits).iter().find(|visit| visit.begun >= after && visit.saw == saw).copied()
        });
        let wanted = if saw == Saw::Page { "does not serve" } else { "does not say that it cannot serve" };
        seen.await.ok_or_else(|| Failure::not_now(format!("the site in the perimeter {wanted}")))
    }

    fn count(&self, saw: Saw) -> u64 {
        locked(&self.visits).iter().filter(|visit| visit.saw == saw).count() as u64
    }
}

async fn look(site: &Site) -> Saw {
    let Ok(answer) = site.ask(Method::GET, PAGE, None, Vec::new()).await else { return Saw::Nothing };
    let says = |code: ErrorCode| String::from_utf8_lossy(answer.body()).contains(&code.to_string());
    match answer.status() {
        StatusCode::OK => Saw::Page,
        StatusCode::SERVICE_UNAVAILABLE if says(ErrorCode::NoVoter) => Saw::NoVoter,
        _ => Saw::Nothing,
    }
}

fn locked(visits: &Mutex<Vec<Visit>>) -> MutexGuard<'_, Vec<Visit>> {
    visits.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn partition(scene: &mut Scene) -> Result<(), Failure> {
    let place = scene.size().saturating_add(1);
    let relay = stand_between(scene, place).await?;
    scene.begin().await?;
    scene.none_may_fail();
    scene.put_under_load().await?;
    let visitor = Visitor::begin(Site::of(&scene.node(place)?.config)?);
    visitor.sees(Saw::Page, Instant::now()).await?;

    relay.cut();
    let cut = Instant::now();
    scene.journal.note(format!("node {place}, in the perimeter, is cut off from every voter"));
    let told = visitor.sees(Saw::NoVoter, cut).await?;
    scene.journal.note("its site says that it cannot serve");
    scene.more_load().await?;
    relay.mend();
    let mended = Instant::now();
    scene.journal.note("the voters reach it again");
    let served = visitor.sees(Saw::Page, mended).await?;
    scene.journal.note("its site serves again");
    scene.catches_up(place, 1).await?;
    scene.journal.note("it has everything that it missed");

    let journal = &mut scene.journal;
    journal.measure_time("dmz_noticed_ms", told.ended.saturating_duration_since(cut));
    journal.measure_time("dmz_unavailable_ms", served.ended.saturating_duration_since(told.ended));
    journal.measure_time("dmz_back_ms", served.ended.saturating_duration_since(mended));
    journal.measure_time("dmz_caught_up_ms", mended.elapsed());
    journal.measure("dmz_pages", visitor.count(Saw::Page));
    journal.measure("dmz_refused", visitor.count(Saw::NoVoter));
    journal.measure("dmz_unanswered", visitor.count(Saw::Nothing));
    Ok(())
}

/// Makes a node one of the perimeter that is reached through a relay.
async fn stand_between(scene: &mut Scene, place: u64) -> Result<Relay, Failure> {
    let own = scene.node(place)?.config.cluster_address;
    let relay = Relay::begin(own.as_str().parse()?).await?;
    let reached = relay.address.to_string().parse()?;
    scene.fleet.alter(place, |node| {
        node.role = Role::DmzLearner;
        node.config.cluster_listen = Some(own);
        node.config.cluster_address = reached;
    });
    Ok(relay)
}
