//! Whole resets through *Forgot My Password* by people who know their answers, in turns with raw resets of the same
//! people by the same service account.

use crate::crowd::{dn, name};
use crate::ldaps::{Controller, Ldaps};
use crate::visitor::Site;
use crate::{Failure, cpu};
use rand::RngCore as _;
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long the parts of a walk took.
#[derive(Default)]
struct Times {
    /// All of it, from the first page to the last.
    whole: Vec<Duration>,
    /// The step that resets: the form with the new password, until the answer that it is done.
    step: Vec<Duration>,
    raw: Vec<Duration>,
}

/// Each of so many people at a time is reset until the time is over, through the site and raw in turns.
pub(crate) async fn run(
    site: Site,
    controller: Option<Controller>,
    people: RangeInclusive<usize>,
    at_once: usize,
    length: Duration,
    servers: &[u32],
) -> Result<(), Failure> {
    let (begin, before) = (Instant::now(), cpu::of(servers)?);
    let mut workers = JoinSet::new();
    for number in people.take(at_once) {
        let (site, controller) = (site.clone(), controller.clone());
        workers.spawn(async move {
            let mut raw = match controller {
                Some(controller) => Some(controller.connect().await?),
                None => None,
            };
            let mut times = Times::default();
            while begin.elapsed() < length {
                reset(&site, &name(number), &mut times).await?;
                if let Some(raw) = &mut raw {
                    reset_raw(raw, &dn(number), &mut times).await?;
                }
            }
            Ok::<_, Failure>(times)
        });
    }
    let mut all = Times::default();
    while let Some(worker) = workers.join_next().await {
        let Times { whole, step, raw } = worker??;
        all.whole.extend(whole);
        all.step.extend(step);
        all.raw.extend(raw);
    }
    let elapsed = begin.elapsed().as_secs_f64();
    let used = cpu::of(servers)?.saturating_sub(before).as_secs_f64();
    let resets = all.whole.len();
    let [whole, step, raw] = [all.whole, all.step, all.raw].map(Spread::of);
    println!(
        "{}",
        json!({
            "at_once": at_once, "resets": resets, "per_second": round(resets as f64 / elapsed),
            "whole_p50_ms": whole.p50, "whole_p99_ms": whole.p99, "step_p50_ms": step.p50, "step_p99_ms": step.p99,
            "raw_p50_ms": raw.p50, "raw_p99_ms": raw.p99, "more_p50_ms": round(step.p50 - raw.p50),
            "more_p99_ms": round(step.p99 - raw.p99), "cpu_ms": round(used * 1000.0 / resets as f64),
        })
    );
    Ok(())
}

async fn reset(site: &Site, name: &str, times: &mut Times) -> Result<(), Failure> {
    let began = Instant::now();
    let mut visitor = site.visitor()?;
    visitor.begin("forgot-password", name).await?;
    let answers = visitor.answers();
    visitor.step(["answers", "new password"], answers).await?;
    visitor.expect("Choose a new password")?;
    let new = fresh_password();
    let fields = ["new", "confirm"].map(|field| (field.to_owned(), new.clone()));
    visitor.step(["reset", "end"], fields.into()).await?;
    visitor.expect("Your password is changed")?;
    times.whole.push(began.elapsed());
    let step =
        visitor.exchanges().iter().find(|exchange| exchange.step == "reset").map(|exchange| exchange.took);
    times.step.extend(step);
    Ok(())
}

async fn reset_raw(ldaps: &mut Ldaps, dn: &str, times: &mut Times) -> Result<(), Failure> {
    let began = Instant::now();
    ldaps.reset(dn, &fresh_password()).await?;
    times.raw.push(began.elapsed());
    Ok(())
}

/// Nobody's name, within the rules, and in no history.
fn fresh_password() -> String {
    format!("Zq-{:016x}-7K", rand::thread_rng().next_u64())
}

struct Spread {
    p50: f64,
    p99: f64,
}

impl Spread {
    /// In milliseconds; NaN, which JSON shows as null, of nothing.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let index = ((times.len() as f64 - 1.0) * share).max(0.0) as usize;
            times.get(index).map_or(f64::NAN, |time| round(time.as_secs_f64() * 1000.0))
        };
        Self { p50: at(0.5), p99: at(0.99) }
    }
}

/// To two places.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
