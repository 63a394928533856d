//! A cluster of real node processes: the built binary `passquorum`, killed, paused, restarted and stopped by
//! pid. Knows the binary only by its command line and by the JSON line of `demo --json`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;

use super::RigError;
use super::process::{self, Group, Output};
use crate::https::{self, Trust};
use crate::wait;

/// From the start of the processes until all of them serve.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(20);

/// What `passquorum demo --json` prints once all is ready.
#[derive(Deserialize)]
pub struct Demo {
    /// The three nodes.
    pub nodes: Vec<NodeInfo>,
    /// The people of the embedded directory.
    pub accounts: Vec<Account>,
    /// A bearer token for the operators' API.
    pub api_token: String,
}

/// A node of the cluster.
#[derive(Debug, Clone, Deserialize)]
pub struct NodeInfo {
    /// Its id in the cluster.
    pub id: u64,
    /// Its process as `demo` started it.
    pub pid: i32,
    /// The URL of its Self-Service site.
    pub self_service: String,
    /// The URL of its Admin site.
    pub admin: String,
    /// The URL of its Helpdesk site.
    pub helpdesk: String,
    /// The URL under which `/live`, `/ready`, `/status` and `/metrics` are.
    pub health: String,
    /// The URL of its operators' API.
    pub api: String,
    /// The program and arguments that start it again after a kill.
    pub restart: Vec<String>,
}

/// A person of the embedded directory.
#[derive(Clone, Deserialize)]
pub struct Account {
    /// The name to sign in with.
    pub user: String,
    /// The password at the start.
    pub password: String,
    /// The answers to the security questions, as `demo` prints them; absent where none are registered.
    #[serde(default)]
    pub answers: serde_json::Value,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo")
            .field("nodes", &self.nodes)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// The built binary, beside the folder of the running test executable.
///
/// # Errors
/// [`RigError::Missing`] when it has not been built.
pub fn binary() -> Result<PathBuf, RigError> {
    let test = std::env::current_exe().map_err(RigError::io("the path of this test"))?;
    let built =
        test.ancestors().skip(1).take(2).map(|dir| dir.join("passquorum")).find(|path| path.is_file());
    built.ok_or_else(|| RigError::Missing {
        program: "passquorum".to_owned(),
        remedy: "build it first: cargo build --package passquorum (with --release for release tests)",
    })
}

/// The program of the release before this one, as `ops/previous-release.sh` builds it.
///
/// # Errors
/// [`RigError::Missing`] when it has not been built.
pub fn previous_binary() -> Result<PathBuf, RigError> {
    let test = std::env::current_exe().map_err(RigError::io("the path of this test"))?;
    let built = test.ancestors().map(|dir| dir.join("previous/passquorum")).find(|path| path.is_file());
    built.ok_or_else(|| RigError::Missing {
        program: "passquorum of the release before".to_owned(),
        remedy: "build it first: ops/previous-release.sh",
    })
}

/// The processes of a cluster, all of which name `dir` in their arguments; killed when dropped.
pub struct Cluster {
    dir: PathBuf,
    nodes: BTreeMap<u64, NodeInfo>,
    pids: BTreeMap<u64, i32>,
    started: BTreeMap<u64, Group>,
    demo: Option<(Group, Demo)>,
    client: reqwest::Client,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("dir", &self.dir).field("pids", &self.pids).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Starts `passquorum demo` in `dir` and waits for its line.
    ///
    /// # Errors
    /// [`RigError::Missing`] when the binary is not built, [`RigError::Contract`] when the line is not the
    /// agreed one, [`RigError::Elapsed`] when none came; the log is `demo.log` in `dir`.
    pub async fn demo(dir: &Path, base_port: u16) -> Result<Self, RigError> {
        Self::demo_of(&binary()?, dir, base_port).await
    }

    /// The same with a program of another release.
    ///
    /// # Errors
    /// As [`Cluster::demo`].
    pub async fn demo_of(program: &Path, dir: &Path, base_port: u16) -> Result<Self, RigError> {
        let mut command = Command::new(program);
        command
            .args(["demo", "--json", "--base-port", &base_port.to_string(), "--dir"])
            .arg(dir.join("demo"));
        let mut group = Group::start(command, &dir.join("demo.log"), Output::Piped)?;
        let line = first_line(&mut group).await?;
        let demo = parse(&line)?;
        let nodes: BTreeMap<_, _> = demo.nodes.iter().map(|node| (node.id, node.clone())).collect();
        let pids = nodes.values().map(|node| (node.id, node.pid)).collect();
        let client = https::client(Trust::Anyone)?;
        let demo = Some((group, demo));
        Ok(Self { dir: dir.to_owned(), nodes, pids, started: BTreeMap::new(), demo, client })
    }

    /// Starts nodes that were set up by other means, each by its `restart` command, and waits until all are
    /// ready. Their logs are `node-ID.log` in `dir`, which must also hold their data.
    ///
    /// # Errors
    /// As [`Cluster::restart`].
    pub async fn start(dir: &Path, nodes: Vec<NodeInfo>) -> Result<Self, RigError> {
        let nodes: BTreeMap<_, _> = nodes.into_iter().map(|node| (node.id, node)).collect();
        let ids: Vec<u64> = nodes.keys().copied().collect();
        let client = https::client(Trust::Anyone)?;
        let (pids, started) = (BTreeMap::new(), BTreeMap::new());
        let mut cluster = Self { dir: dir.to_owned(), nodes, pids, started, demo: None, client };
        for id in &ids {
            cluster.launch(*id)?;
        }
        for id in &ids {
            cluster.ready(*id).await?;
        }
        Ok(cluster)
    }

    /// Starts one more node that was set up by other means, and waits until it is ready.
    ///
    /// # Errors
    /// As [`Cluster::restart`].
    pub async fn add(&mut self, node: NodeInfo) -> Result<(), RigError> {
        let id = node.id;
        self.nodes.insert(id, node);
        self.restart(id).await
    }

    /// The nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.nodes.values()
    }

    /// One node.
    ///
    /// # Errors
    /// [`RigError::Contract`] when the cluster has no such node.
    pub fn node(&self, id: u64) -> Result<&NodeInfo, RigError> {
        self.nodes
            .get(&id)
            .ok_or_else(|| RigError::Contract { who: "the test", answer: format!("no node {id}") })
    }

    /// Has a node be started by another program from now on.
    ///
    /// # Errors
    /// [`RigError::Contract`] when the cluster has no such node.
    pub fn run_by(&mut self, id: u64, program: &Path) -> Result<(), RigError> {
        self.node(id)?;
        if let Some(first) = self.nodes.get_mut(&id).and_then(|node| node.restart.first_mut()) {
            *first = program.display().to_string();
        }
        Ok(())
    }

    /// What `demo` printed, when the cluster was started by it.
    pub fn demo_line(&self) -> Option<&Demo> {
        self.demo.as_ref().map(|(_, line)| line)
    }

    /// Kills a node with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    /// [`RigError::Contract`] when it does not run.
    pub async fn kill9(&mut self, id: u64) -> Result<(), RigError> {
        let pid = self.pid(id)?;
        process::signal(pid, Signal::KILL);
        self.gone(id, pid).await
    }

    /// Ends a node in good order (SIGTERM) and waits until it is gone.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when it does not end.
    pub async fn terminate(&mut self, id: u64) -> Result<(), RigError> {
        let pid = self.pid(id)?;
        process::signal(pid, Signal::TERM);
        self.gone(id, pid).await
    }

    /// Freezes a node (SIGSTOP): its connections stay open and nothing answers.
    ///
    /// # Errors
    /// [`RigError::Contract`] when it does not run.
    pub fn pause(&self, id: u64) -> Result<(), RigError> {
        process::signal(self.pid(id)?, Signal::STOP);
        Ok(())
    }

    /// Lets a frozen node go on (SIGCONT).
    ///
    /// # Errors
    /// [`RigError::Contract`] when it does not run.
    pub fn resume(&self, id: u64) -> Result<(), RigError> {
        process::signal(self.pid(id)?, Signal::CONT);
        Ok(())
    }

    /// Starts a node again that was killed or ended, and waits until it is ready.
    ///
    /// # Errors
    /// [`RigError::Contract`] when it still runs or its command is empty, [`RigError::Elapsed`] when it does
    /// not get ready.
    pub async fn restart(&mut self, id: u64) -> Result<(), RigError> {
        if self.pids.contains_key(&id) {
            return Err(RigError::Contract { who: "the test", answer: format!("node {id} still runs") });
        }
        self.launch(id)?;
        self.ready(id).await
    }

    /// Waits until a node says that it is ready.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when it does not within a minute.
    pub async fn ready(&self, id: u64) -> Result<(), RigError> {
        let url = format!("{}/ready", self.node(id)?.health.trim_end_matches('/'));
        wait::until(&format!("node {id} is ready at {url}"), START, || async {
            let answer = self.client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await?;
        Ok(())
    }

    /// Stops every process in good order and proves that none is left.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] for a process that had to be killed, [`RigError::Leftovers`] for one that is left.
    pub async fn stop(mut self) -> Result<(), RigError> {
        for pid in self.pids.values() {
            process::signal(*pid, Signal::CONT);
        }
        for (_, group) in std::mem::take(&mut self.started) {
            group.stop().await?;
        }
        if let Some((group, _)) = self.demo.take() {
            group.stop().await?;
        }
        self.pids.clear();
        process::none_left(&self.dir).await
    }

    /// Waits until a node has ended by itself.
    ///
    /// # Errors
    /// [`RigError::Contract`] when it was not started, [`RigError::Elapsed`] when it goes on.
    pub async fn ended(&mut self, id: u64) -> Result<(), RigError> {
        let pid = self.pid(id)?;
        self.gone(id, pid).await
    }

    /// Whether a node's process runs, paused or not.
    pub fn is_running(&mut self, id: u64) -> bool {
        match (self.started.get_mut(&id), self.pids.get(&id)) {
            (Some(group), _) => group.is_running(),
            (None, Some(pid)) => process::is_alive(*pid),
            (None, None) => false,
        }
    }

    fn pid(&self, id: u64) -> Result<i32, RigError> {
        let running = self.pids.get(&id).copied();
        running
            .ok_or_else(|| RigError::Contract { who: "the test", answer: format!("node {id} does not run") })
    }

    async fn gone(&mut self, id: u64, pid: i32) -> Result<(), RigError> {
        // Dropping the group reaps the process; one that `demo` started is reaped by `demo`.
        let mut own = self.started.remove(&id);
        wait::until(&format!("node {id} (process {pid}) ends"), END, || {
            let ended = own.as_mut().map_or_else(|| !process::is_alive(pid), |group| !group.is_running());
            async move { ended.then_some(()) }
        })
        .await?;
        self.pids.remove(&id);
        Ok(())
    }

    /// Starts a node's process and does not wait until it is ready.
    ///
    /// # Errors
    /// [`RigError::Io`] when it cannot be started, [`RigError::Contract`] when its command is empty.
    pub fn launch(&mut self, id: u64) -> Result<(), RigError> {
        let Some((program, arguments)) = self.node(id)?.restart.split_first() else {
            return Err(RigError::Contract {
                who: "passquorum",
                answer: format!("node {id}: empty restart"),
            });
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let group = Group::start(command, &self.dir.join(format!("node-{id}.log")), Output::Log)?;
        self.pids.insert(id, group.pid());
        self.started.insert(id, group);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // `demo` first, so that it cannot answer the death of a node.
        self.demo = None;
        self.started.clear();
        for pid in self.pids.values().filter(|pid| process::naming(&self.dir).contains(pid)) {
            process::signal(*pid, Signal::KILL);
        }
    }
}

/// The first line that `demo` prints; what follows is read and dropped, so that `demo` never blocks on it.
async fn first_line(group: &mut Group) -> Result<String, RigError> {
    let Some(output) = group.take_output() else {
        return Err(RigError::Contract { who: "the rig", answer: "no standard output".to_owned() });
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output).lines();
        // Sending fails only when the wait below has given up.
        let _ = sender.send(lines.next().and_then(Result::ok));
        lines.for_each(drop);
    });
    let mut receiver = receiver;
    let line = wait::until("passquorum demo prints its line (see demo.log)", START, || {
        let received = match receiver.try_recv() {
            Ok(line) => Some(line),
            Err(tokio::sync::oneshot::error::TryRecvError::Empty) => None,
            Err(tokio::sync::oneshot::error::TryRecvError::Closed) => Some(None),
        };
        async move { received }
    })
    .await?;
    let ended =
        || RigError::Contract { who: "passquorum demo", answer: "it ended first: see demo.log".to_owned() };
    line.ok_or_else(ended)
}

fn parse(line: &str) -> Result<Demo, RigError> {
    let demo: Demo = serde_json::from_str(line)
        .map_err(|error| RigError::Contract { who: "passquorum demo", answer: error.to_string() })?;
    if demo.nodes.iter().any(|node| node.restart.is_empty() || node.pid <= 1) {
        return Err(RigError::Contract {
            who: "passquorum demo",
            answer: "a node without restart or pid".into(),
        });
    }
    Ok(demo)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"nodes":[{"id":1,"pid":4242,"self_service":"https://127.0.0.1:20001/self-service",
        "admin":"https://127.0.0.1:20001/admin","helpdesk":"https://127.0.0.1:20001/helpdesk",
        "health":"https://127.0.0.1:20002","api":"https://127.0.0.1:20001/api/v1",
        "restart":["passquorum","run","--config","d/node-1/node.toml"]}],
        "accounts":[{"user":"alice","password":"Start-Passw0rd-alice1","answers":["blue"]}],
        "api_token":"pq_token"}"#;

    #[test]
    fn the_line_of_demo_is_read() {
        let demo = parse(LINE).unwrap();
        assert_eq!(demo.nodes[0].restart[1], "run");
        assert_eq!(demo.accounts[0].user, "alice");
        assert_eq!(demo.api_token, "pq_token");
    }

    #[test]
    fn a_line_without_a_restart_command_or_with_a_pid_that_is_not_a_nodes_is_refused() {
        let without = LINE.replace(r#"["passquorum","run","--config","d/node-1/node.toml"]"#, "[]");
        assert!(matches!(parse(&without), Err(RigError::Contract { .. })));
        assert!(matches!(parse(&LINE.replace("4242", "1")), Err(RigError::Contract { .. })));
        assert!(matches!(parse("not json"), Err(RigError::Contract { .. })));
    }

    #[test]
    fn what_is_shown_of_a_demo_holds_no_password_and_no_token() {
        let shown = format!("{:?}", parse(LINE).unwrap());
        assert!(!shown.contains("Passw0rd") && !shown.contains("pq_token"), "{shown}");
    }

    #[tokio::test]
    async fn a_node_is_killed_and_its_data_directory_is_free_of_processes() {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("sleep 600 # {}", dir.path().display());
        let mut node = parse(LINE).unwrap().nodes.remove(0);
        node.restart = vec!["sh".into(), "-c".into(), script];
        let nodes = BTreeMap::from([(1, node)]);
        let client = https::client(Trust::Anyone).unwrap();
        let (pids, started) = (BTreeMap::new(), BTreeMap::new());
        let mut cluster = Cluster { dir: dir.path().to_owned(), nodes, pids, started, demo: None, client };
        cluster.launch(1).unwrap();
        cluster.pause(1).unwrap();
        cluster.kill9(1).await.unwrap();
        assert!(matches!(cluster.pause(1), Err(RigError::Contract { .. })));
        cluster.launch(1).unwrap();
        cluster.stop().await.unwrap();
    }
}
