//! The node processes of a demonstration or a drill: started here, and stopped by their process id, whoever started
//! them.

use crate::client::Client;
use crate::commands::Failure;
use crate::config::{NodeConfig, file};
use crate::data_dir::DataDir;
use crate::pid_file;
use http::Method;
use passquorum_domain::instance::Role;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// A node ends in good order within this, or is killed.
const END: Duration = Duration::from_secs(20);
const PEERS_ABOVE_SITES: u16 = 100;

/// One node.
#[derive(Debug, Clone)]
pub(super) struct DemoNode {
    /// Counts from 1; also its Raft id, since the nodes join in order.
    pub(super) id: u64,
    pub(super) config: NodeConfig,
    pub(super) role: Role,
    /// What it is started with.
    program: PathBuf,
    log: PathBuf,
}

impl DemoNode {
    /// Starts it with another program from now on.
    pub(super) fn run_with(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    /// Whether it was made before.
    pub(super) fn exists(&self) -> bool {
        self.config.data.settings().exists()
    }

    /// The command that starts it.
    pub(super) fn restart(&self) -> Result<Vec<String>, Failure> {
        let program = self.program.to_string_lossy().into_owned();
        let dir = self.config.data.path().to_string_lossy().into_owned();
        Ok(vec![program, "run".to_owned(), "--dir".to_owned(), dir])
    }

    /// Its process, if it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        pid_file::running(&self.config.data.pid())
    }

    /// The last lines of its log, for an error text.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

struct Child {
    pid: u32,
    ended: JoinHandle<()>,
}

/// All nodes, and the processes among them that this process started.
pub(super) struct Fleet {
    nodes: Vec<DemoNode>,
    children: BTreeMap<u64, Child>,
    /// The embedded directory that all share.
    pub(super) directory: PathBuf,
}

impl Fleet {
    /// Lays out the nodes below a directory, all of them voters. Those that are there already keep their settings.
    pub(super) fn plan(dir: &Path, nodes: u16, base_port: u16) -> Result<Self, Failure> {
        let directory = dir.join("directory.json");
        let program = std::env::current_exe()?;
        let node = |number: u16| {
            let data = DataDir::at(&dir.join(format!("node-{number}")));
            let config = if data.settings().exists() {
                file::load(&data)?
            } else {
                let site = base_port.saturating_add(number - 1);
                let peers = site.saturating_add(PEERS_ABOVE_SITES);
                let (site, peers) =
                    (format!("127.0.0.1:{site}").parse()?, format!("127.0.0.1:{peers}").parse()?);
                let mut config = NodeConfig::new(data, format!("node-{number}"), peers, site, None);
                config.demo_directory = Some(directory.clone());
                // One host, one person who waits.
                config.voters.stabilisation = Duration::ZERO;
                config
            };
            let log = dir.join(format!("node-{number}.log"));
            let (id, program) = (u64::from(number), program.clone());
            Ok::<_, Failure>(DemoNode { id, config, role: Role::Voter, program, log })
        };
        let nodes = (1..=nodes).map(node).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { nodes, children: BTreeMap::new(), directory })
    }

    pub(super) fn nodes(&self) -> Vec<DemoNode> {
        self.nodes.clone()
    }

    /// Changes how a node is laid out that is not there yet, or not running.
    pub(super) fn alter(&mut self, id: u64, change: impl FnOnce(&mut DemoNode)) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.id == id) {
            change(node);
        }
    }

    /// The node that founds the realm; there is always one.
    #[expect(clippy::indexing_slicing, reason = "the command line takes no fewer than one node")]
    pub(super) fn first(&self) -> &DemoNode {
        &self.nodes[0]
    }

    /// Starts a node's process; its log goes to a file.
    pub(super) fn spawn(&mut self, node: &DemoNode) -> Result<(), Failure> {
        let log = File::options().create(true).append(true).open(&node.log)?;
        let argv = node.restart()?;
        let (program, arguments) =
            argv.split_first().ok_or_else(|| Failure::not_now("the program has no name"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pid = child.id().ok_or_else(|| Failure::not_now("the node ended at once"))?;
        // Waiting also reaps it, so that a killed node leaves no zombie behind.
        let ended = tokio::spawn(async move { drop(child.wait().await) });
        self.children.insert(node.id, Child { pid, ended });
        Ok(())
    }

    /// Waits until a node says that it is ready.
    pub(super) async fn wait_until_ready(&self, node: &DemoNode, deadline: Duration) -> Result<(), Failure> {
        let client = Client::of(node.config.data.clone());
        let child = self.children.get(&node.id);
        let failed = |what: &str| {
            let (id, log) = (node.id, node.log.display());
            Failure::not_now(format!("node {id} {what}; its log is {log}\n{}", node.last_words()))
        };
        let ready = until(deadline, || async {
            if child.is_some_and(|child| child.ended.is_finished()) {
                return Some(Err(failed("ended")));
            }
            client.send(Method::GET, "/ready", &[], Vec::new()).await.ok().map(|_| Ok(()))
        });
        ready.await.unwrap_or_else(|| Err(failed("is not ready in time")))
    }

    /// Kills a node as a power cut would end it, and waits until it is gone.
    pub(super) async fn kill(&mut self, node: &DemoNode) {
        if let Some(child) = self.children.remove(&node.id) {
            signal(child.pid, Signal::KILL);
            // It was killed: there is nothing that it could still wait for.
            drop(child.ended.await);
        }
    }

    /// Stops a node in good order, as its supervisor would, and waits until it is gone.
    pub(super) async fn end(&mut self, node: &DemoNode) {
        let child = self.children.remove(&node.id);
        stop(node.clone(), child).await;
    }

    /// Waits until a node's process has ended by itself.
    pub(super) async fn ends(&self, node: &DemoNode, deadline: Duration) -> bool {
        let child = self.children.get(&node.id);
        let ended = until(deadline, || async { child?.ended.is_finished().then_some(()) });
        ended.await.is_some()
    }

    /// Stops every node, whoever started it, and waits until none is left.
    pub(super) async fn stop(self) {
        let Self { nodes, mut children, .. } = self;
        let stops = nodes.into_iter().map(|node| {
            let child = children.remove(&node.id);
            tokio::spawn(stop(node, child))
        });
        for stopped in stops.collect::<Vec<_>>() {
            drop(stopped.await);
        }
    }
}

async fn stop(node: DemoNode, child: Option<Child>) {
    let running = child.filter(|child| !child.ended.is_finished());
    let pids = || node.pid().into_iter().chain(running.as_ref().map(|child| child.pid));
    pids().for_each(|pid| signal(pid, Signal::TERM));
    // A frozen node hears the signal only when it goes on.
    pids().for_each(|pid| signal(pid, Signal::CONT));
    if timeout(END, gone(&node)).await.is_err() {
        pids().for_each(|pid| signal(pid, Signal::KILL));
        gone(&node).await;
    }
    if let Some(child) = running
        && timeout(END, child.ended).await.is_err()
    {
        signal(child.pid, Signal::KILL);
    }
}

async fn gone(node: &DemoNode) {
    let path = node.config.data.pid();
    drop(tokio::task::spawn_blocking(move || pid_file::wait_until_ended(&path)).await);
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = pid.map(|pid| kill_process(pid, signal)) {
        tracing::debug!(%error, "a signal was not taken");
    }
}

/// Asks again and again until there is an answer; `None` at the deadline.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(
    deadline: Duration,
    mut ask: impl FnMut() -> F,
) -> Option<T> {
    let end = Instant::now().checked_add(deadline)?;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while Instant::now() < end {
        pace.tick().await;
        if let Some(answer) = ask().await {
            return Some(answer);
        }
    }
    None
}
