//! What a stranger sees of *Forgot My Password* for names of several kinds: the same requests with wrong answers, in random
//! order. Each exchange is a line of JSON, for `ops/bench/told_apart.py` to judge.

use crate::Failure;
use crate::visitor::{Exchange, Site, Visitor};
use rand::seq::SliceRandom as _;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Names that are tried, and what they have in common.
struct Kind {
    label: String,
    names: Vec<String>,
}

#[derive(Clone)]
struct Attempt {
    kind: String,
    name: String,
    /// Which try with this name, from 1.
    number: usize,
}

/// Kinds as `LABEL=PREFIX:FIRST-LAST`, with commas between them.
fn kinds(text: &str) -> Result<Vec<Kind>, Failure> {
    let kind = |text: &str| {
        let (label, names) = text.split_once('=').ok_or("a kind is LABEL=PREFIX:FIRST-LAST")?;
        let (prefix, numbers) = names.split_once(':').ok_or("names are PREFIX:FIRST-LAST")?;
        let names = crate::crowd::range(numbers)?.map(|number| format!("{prefix}{number}")).collect();
        Ok(Kind { label: label.to_owned(), names })
    };
    text.split(',').map(kind).collect()
}

/// Tries every name so often, several at a time.
pub(crate) async fn run(site: Site, list: &str, tries: usize, at_once: usize) -> Result<(), Failure> {
    let kinds = kinds(list)?;
    for number in 1..=tries {
        let mut attempts: Vec<Attempt> = kinds
            .iter()
            .flat_map(|kind| kind.names.iter().map(|name| (kind.label.clone(), name.clone())))
            .map(|(kind, name)| Attempt { kind, name, number })
            .collect();
        attempts.shuffle(&mut rand::thread_rng());
        round(&site, attempts, at_once).await?;
    }
    Ok(())
}

async fn round(site: &Site, attempts: Vec<Attempt>, at_once: usize) -> Result<(), Failure> {
    let attempts = Arc::new(Mutex::new(attempts));
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (site, attempts) = (site.clone(), Arc::clone(&attempts));
        workers.spawn(async move {
            let next = || attempts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(attempt) = next() {
                let mut visitor = site.visitor()?;
                walk(&mut visitor, &attempt.name).await?;
                for exchange in visitor.exchanges() {
                    println!("{}", line(&attempt, exchange));
                }
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

/// As far as somebody comes who does not know the answers.
async fn walk(visitor: &mut Visitor, name: &str) -> Result<(), Failure> {
    visitor.begin("forgot-password", name).await?;
    let wrong: Vec<_> =
        visitor.answers().into_iter().map(|(field, _)| (field, "a guess".to_owned())).collect();
    if wrong.is_empty() { Ok(()) } else { visitor.step(["answers", "verdict"], wrong).await }
}

fn line(attempt: &Attempt, exchange: &Exchange) -> serde_json::Value {
    json!({
        "kind": attempt.kind, "name": attempt.name, "try": attempt.number, "step": exchange.step,
        "status": exchange.status.as_u16(), "headers": exchange.headers, "body": exchange.body,
        "micros": exchange.took.as_micros() as u64,
    })
}
