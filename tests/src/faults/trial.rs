//! One trial: a realm under load, one fault, and the judgement. The same for every fault, so that their figures compare:
//! a fifth of the time is spent before the harm, three fifths on it, and a fifth after it. Then the load ends, every
//! node must come to be ready and equal, every label is read from each node, and the checker has the last word.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::process::Command;

use super::audit;
use super::editor::{Edit, Editor};
use super::history::{self, Operation};
use super::kinds::Kind;
use super::network::Network;
use super::nodes::{self, Nodes};
use super::verdict;
use super::workload::{self, Course, Workload};
use super::world::World;
use crate::rig::RigError;
use crate::rig::command_line;
use crate::wait;

const SOON: Duration = Duration::from_secs(20);
/// The size of a small disk.
const SMALL_DISK: &str = "size=48m";

/// What to try.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The fault.
    pub kind: &'static Kind,
    /// The nodes of the realm.
    pub nodes: u64,
    /// How long the load lasts, the time for recovery not counted.
    pub length: Duration,
    /// Chooses what the clients do.
    pub seed: u64,
}

/// What came of a trial.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The fault.
    pub fault: &'static str,
    /// The nodes of the realm.
    pub nodes: u64,
    /// How long the load lasted.
    pub seconds: u64,
    /// Operations of all clients, the last reads included.
    pub operations: usize,
    /// Writes whose outcome no client learned.
    pub unknown: usize,
    /// Operations that the realm refused, saying that it did nothing.
    pub refused: usize,
    /// The longest time without an acknowledged write.
    pub max_gap_ms: u128,
    /// From the end of the harm until every node was ready.
    pub recovered_ms: u128,
    /// What the checker says.
    pub checker: String,
    /// What else is wrong: nodes or state digests that differ, acknowledged writes or edits that the audit lacks.
    pub problems: Vec<String>,
    /// What is worth telling.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether all is as it must be.
    pub fn is_good(&self) -> bool {
        self.checker == verdict::LINEARIZABLE && self.problems.is_empty()
    }
}

/// Makes a realm in `dir`, does it harm and judges it. Leaves the history and the logs in `dir`.
///
/// # Errors
/// A [`RigError`] when the realm cannot be made, harmed or judged; what it does wrong is in the report.
pub async fn run(plan: Plan, dir: &Path) -> Result<Report, RigError> {
    let network = Network::lay(plan.nodes, dir).await?;
    if plan.kind.small_disks {
        mount_small_disks(plan.nodes, dir).await?;
    }
    let (nodes, api) = Nodes::start(dir, network, plan.nodes).await?;
    let length = plan.length * 3 / 5;
    let mut world = World { nodes, api, length, notes: Vec::new(), problems: Vec::new() };
    world.all_equal().await?;
    let first_term = world.term().await;

    let (prefix, places) = (format!("{}-{}", plan.kind.name, plan.seed), world.nodes.places());
    let course = Course { api: world.api.clone(), places, prefix, begin: Instant::now() };
    let (load, editor) = (Workload::start(&course, plan.seed), Editor::start(&course));
    wait::last(plan.length / 5).await;
    (plan.kind.strike)(&mut world).await?;
    let healed = Instant::now();
    let mut problems = std::mem::take(&mut world.problems);
    let ready = world.all_ready().await;
    let recovered = healed.elapsed();
    wait::last(plan.length / 5).await;
    let mut history = load.stop().await?;
    let figures = history::figures(&history, course.begin.elapsed());
    let edits = editor.stop().await?;

    match ready {
        Ok(()) => problems.extend(judge_realm(&world, &course, &mut history, &edits).await),
        // What follows needs all nodes.
        Err(error) => problems.push(error.to_string()),
    }
    let file = dir.join("history.jsonl");
    history::write(&history, &file)?;
    let checker = verdict::of(&file).await?;
    let terms = world.term().await.saturating_sub(first_term);
    world.note(format!("{} configuration edits, {terms} new terms", edits.len()));
    let notes = std::mem::take(&mut world.notes);
    world.nodes.cluster.stop().await?;
    Ok(Report {
        fault: plan.kind.name,
        nodes: plan.nodes,
        seconds: plan.length.as_secs(),
        operations: history.len(),
        unknown: figures.unknown,
        refused: figures.refused,
        max_gap_ms: figures.max_gap.as_millis(),
        recovered_ms: recovered.as_millis(),
        checker,
        problems,
        notes,
    })
}

/// What is wrong with the realm once all its nodes are ready again and nobody writes. Adds the last reads to the history.
async fn judge_realm(
    world: &World,
    course: &Course,
    history: &mut Vec<Operation>,
    edits: &[Edit],
) -> Vec<String> {
    let mut problems = Vec::new();
    note_failure(&mut problems, world.all_equal().await);
    note_failure(&mut problems, world.all_compared().await);
    match workload::read_all(course).await {
        Ok(last) => history.extend(last),
        Err(error) => problems.push(error.to_string()),
    }
    match audit_problems(world, history, edits).await {
        Ok(found) => problems.extend(found),
        Err(error) => problems.push(error.to_string()),
    }
    problems
}

fn note_failure(problems: &mut Vec<String>, result: Result<(), RigError>) {
    problems.extend(result.err().map(|error| error.to_string()));
}

/// Waits until the audit is the same on every node, and looks for what it lacks.
async fn audit_problems(
    world: &World,
    history: &[Operation],
    edits: &[Edit],
) -> Result<Vec<String>, RigError> {
    let alike = || async {
        let mut first: Option<Vec<Value>> = None;
        for place in world.nodes.places() {
            let records = audit::records(&world.api, place).await.ok()?;
            let same = first.as_ref().is_none_or(|first| *first == records);
            same.then_some(())?;
            first = Some(records);
        }
        first
    };
    let records = wait::until("the audit is alike on every node", SOON, alike).await?;
    Ok(audit::problems(&records, history, edits))
}

/// A small disk for each node, in memory. It goes with the sandbox.
async fn mount_small_disks(nodes: u64, dir: &Path) -> Result<(), RigError> {
    for place in 1..=nodes {
        let data = nodes::data(dir, place);
        std::fs::create_dir_all(&data).map_err(RigError::io(data.display().to_string()))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SMALL_DISK, "small-disk"]).arg(&data);
        command_line::run(mount, "mount -t tmpfs", None).await?;
    }
    Ok(())
}
