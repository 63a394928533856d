//! Whether a history can be put in one order that keeps real time and that the model allows: Wing and Gong's search with
//! Lowe's memory of configurations, label by label, since linearizability is local.
//!
//! An operation of unknown outcome is placed only directly before one that cannot be answered without it. That loses
//! no order: anywhere else it can be moved later, past an operation that does not notice it, or is overwritten unseen
//! and can be left out. Of equal ones the first is as good as any. An operation that is possible now and changes nothing
//! is placed at once, for the same reason. And since revisions only grow, an order is given up as soon as it has passed
//! a revision that an operation still needs.

use crate::history::Operation;
use crate::model::{Known, Step};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Configurations of one label that are looked at before the search gives up.
const PATIENCE: usize = 4_000_000;

/// Why a history is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// There is no such order.
    #[error(
        "label {key:?} is not linearizable: {placed} of {total} operations can be placed, then none of {stuck:?}"
    )]
    No {
        /// The label.
        key: String,
        /// How many of its operations fit at best.
        placed: usize,
        /// How many have a known outcome.
        total: usize,
        /// The operations of which one had to come next, as positions in the history.
        stuck: Vec<usize>,
    },
    /// The search was given up.
    #[error("label {key:?}: no verdict after {PATIENCE} configurations; use more labels or fewer clients")]
    Undecided {
        /// The label.
        key: String,
    },
}

/// Judges a history; labels that nothing was written to before it are absent at its start.
pub fn check(history: &[Operation]) -> Result<(), Verdict> {
    let mut labels: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, operation) in history.iter().enumerate() {
        labels.entry(operation.op.key()).or_default().push(position);
    }
    labels.into_iter().try_for_each(|(key, positions)| Search::new(history, &positions).run(key))
}

/// An operation as the search needs it.
struct Placed {
    position: usize,
    invoked: u64,
    /// The end of time for an unknown outcome.
    returned: u64,
    step: Step,
}

struct Search {
    /// Of known outcome, in the order of invocation.
    certain: Vec<Placed>,
    /// Of unknown outcome, likewise.
    unknown: Vec<Placed>,
    /// The earliest deadline of the certain operations from here to the end, for each of them.
    deadlines: Vec<u64>,
    /// The value of each revision that somebody was told of.
    values: BTreeMap<u64, u32>,
    seen: HashSet<Configuration>,
}

/// Unknown operations, as places in the search's list.
type Used = BTreeSet<usize>;

/// How far an order has come.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Configuration {
    /// All certain operations before this one are placed, it is not.
    next: usize,
    /// Certain operations after it that are placed.
    ahead: BTreeSet<usize>,
    /// Unknown operations that are placed.
    used: Used,
    label: Known,
}

impl Search {
    fn new(history: &[Operation], positions: &[usize]) -> Self {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut number = |value: &str| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(value.to_owned()).or_insert(next)
        };
        let operations = positions.iter().filter_map(|position| Some((*position, history.get(*position)?)));
        let mut all: Vec<Placed> = operations
            .filter_map(|(position, operation)| {
                let step = Step::of(operation, &mut number)?;
                let (invoked, returned) = (operation.invoked, operation.returned.unwrap_or(u64::MAX));
                Some(Placed { position, invoked, returned, step })
            })
            .collect();
        all.sort_by_key(|placed| placed.invoked);
        let (unknown, certain): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|placed| placed.step.is_unknown());
        let mut earliest = u64::MAX;
        let from_the_end = certain.iter().rev().map(|placed| {
            earliest = earliest.min(placed.step.deadline());
            earliest
        });
        let mut deadlines: Vec<u64> = from_the_end.collect();
        deadlines.reverse();
        let values = certain.iter().filter_map(|placed| placed.step.tells()).collect();
        Self { certain, unknown, deadlines, values, seen: HashSet::new() }
    }

    fn run(mut self, key: &str) -> Result<(), Verdict> {
        let total = self.certain.len();
        let mut stack = vec![Configuration::default()];
        let mut best = (0, Vec::new());
        while let Some(now) = stack.pop() {
            let placed = now.next + now.ahead.len();
            if placed == total {
                return Ok(());
            }
            let candidates = self.candidates(&now);
            if placed >= best.0 {
                let of = |index: &usize| self.certain.get(*index).map(|candidate| candidate.position);
                best = (placed, candidates.iter().filter_map(of).collect());
            }
            let first = candidates.first().and_then(|index| self.certain.get(*index));
            let first_return = first.map_or(u64::MAX, |operation| operation.returned);
            let idle = candidates.iter().find(|index| self.is_idle(**index, now.label)).copied();
            let choices = idle.map_or(candidates, |index| vec![index]);
            // The one that must come first is tried first: it is the top of the stack.
            for index in choices.into_iter().rev() {
                let Some(operation) = self.certain.get(index) else { continue };
                for (label, used) in self.place(operation.step, now.label, &now.used, &[], first_return) {
                    if self.is_too_late(&now, index, label) {
                        continue;
                    }
                    let next = now.with(index, &used, label);
                    if self.seen.insert(next.clone()) {
                        stack.push(next);
                    }
                }
            }
            if self.seen.len() > PATIENCE {
                return Err(Verdict::Undecided { key: key.to_owned() });
            }
        }
        Err(Verdict::No { key: key.to_owned(), placed: best.0, total, stuck: best.1 })
    }

    /// The certain operations that may come next: those invoked before the first of the others returned; by their
    /// return.
    fn candidates(&self, now: &Configuration) -> Vec<usize> {
        let mut candidates = Vec::new();
        let mut first_return = u64::MAX;
        for (index, operation) in self.certain.iter().enumerate().skip(now.next) {
            if operation.invoked > first_return {
                break;
            }
            if !now.ahead.contains(&index) {
                first_return = first_return.min(operation.returned);
                candidates.push((operation.returned, index));
            }
        }
        candidates.sort_unstable();
        candidates.into_iter().map(|(_, index)| index).collect()
    }

    /// Whether a certain operation is possible now and changes nothing.
    fn is_idle(&self, index: usize, label: Known) -> bool {
        self.certain.get(index).is_some_and(|operation| label.after(operation.step) == Some(label))
    }

    /// Whether an operation that is left once this one is placed needs a lower revision than the label has then.
    fn is_too_late(&self, now: &Configuration, placed: usize, label: Known) -> bool {
        let floor = label.floor();
        let beyond = now.ahead.last().map_or(now.next, |last| last + 1).max(placed + 1);
        if self.deadlines.get(beyond).is_some_and(|deadline| floor > *deadline) {
            return true;
        }
        let mut between = self.certain.iter().enumerate().take(beyond).skip(now.next);
        between.any(|(at, left)| at != placed && floor > left.step.deadline() && !now.ahead.contains(&at))
    }

    /// Every way to place a step next: as it is if that is possible, else with unknown operations before it that it
    /// cannot do without, and that are not used yet. Those were invoked before the first of the certain operations that
    /// are left returned.
    fn place(
        &self,
        step: Step,
        label: Known,
        used: &Used,
        also_used: &[usize],
        first_return: u64,
    ) -> Vec<(Known, Vec<usize>)> {
        if let Some(after) = label.after(step) {
            return vec![(after, also_used.to_vec())];
        }
        let mut ways = Vec::new();
        let mut equals: Vec<Step> = Vec::new();
        for (at, unknown) in self.unknown.iter().enumerate() {
            if unknown.invoked > first_return {
                break;
            }
            let value = step.needs().and_then(|revision| self.values.get(&revision));
            let helps = value.is_none_or(|value| unknown.step.writes() == Some(*value))
                && unknown.step.makes_possible(step)
                && !used.contains(&at)
                && !also_used.contains(&at);
            if !helps || equals.contains(&unknown.step) {
                continue;
            }
            equals.push(unknown.step);
            let also_used = [also_used, &[at]].concat();
            let before = self.place(unknown.step, label, used, &also_used, first_return);
            ways.extend(before.into_iter().filter_map(|(label, used)| Some((label.after(step)?, used))));
        }
        ways
    }
}

impl Configuration {
    fn with(&self, index: usize, used: &[usize], label: Known) -> Self {
        let mut next = Self { label, ..self.clone() };
        next.used.extend(used);
        next.ahead.insert(index);
        while next.ahead.remove(&next.next) {
            next.next += 1;
        }
        next
    }
}
