//! A demonstration realm under test: started, asked over HTTPS, and stopped by process id.

use crate::program::command;
use reqwest::{Certificate, Client, Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

/// A running demonstration; its processes are killed when it is dropped.
pub(crate) struct Realm {
    pub(crate) dir: PathBuf,
    pub(crate) line: Value,
    demo: Child,
    restarted: Vec<Child>,
    client: Client,
}

impl Realm {
    /// Starts `demo --json` and waits for its line.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(dir: &Path, arguments: &[&str]) -> Self {
        let mut demo = command()
            .args(["demo", "--json", "--base-port", &free_base_port().to_string(), "--dir"])
            .arg(dir)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(dir.with_extension("err")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(dir.with_extension("err")).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON line: {}", said()));
        let authority = std::fs::read(line["authority"].as_str().unwrap()).unwrap();
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .add_root_certificate(Certificate::from_pem(&authority).unwrap())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { dir: dir.to_owned(), line, demo, restarted: Vec::new(), client }
    }

    pub(crate) fn nodes(&self) -> &[Value] {
        self.line["nodes"].as_array().unwrap()
    }

    pub(crate) fn node(&self, id: u64) -> &Value {
        self.nodes().iter().find(|node| node["id"] == id).unwrap()
    }

    pub(crate) fn data_dir(&self, id: u64) -> String {
        self.node(id)["restart"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned()
    }

    /// A request to a path of a node's health base, with the API token.
    pub(crate) async fn ask(&self, method: Method, id: u64, path: &str, body: &str) -> (u16, String) {
        let response = self.send(method, id, path, body).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The same, with a body that is not read yet.
    pub(crate) async fn send(&self, method: Method, id: u64, path: &str, body: &str) -> Response {
        let url = format!("{}{path}", self.node(id)["health"].as_str().unwrap());
        let token = self.line["api_token"].as_str().unwrap();
        let request = self.client.request(method, url).bearer_auth(token).body(body.to_owned());
        request.send().await.unwrap()
    }

    pub(crate) async fn put(&self, id: u64, key: &str, value: &str) {
        let answer = self.ask(Method::PUT, id, &format!("/api/v1/labels/{key}"), value).await;
        assert_eq!(answer.0, 200, "node {id}: {}", answer.1);
    }

    pub(crate) async fn get(&self, id: u64, key: &str) -> String {
        let answer = self.ask(Method::GET, id, &format!("/api/v1/labels/{key}"), "").await;
        assert_eq!(answer.0, 200, "node {id}: {}", answer.1);
        answer.1
    }

    /// Kills a node that the demonstration started.
    pub(crate) fn kill(&self, id: u64) {
        signal(self.node(id)["pid"].as_u64().unwrap(), Signal::KILL);
    }

    /// Whether a node runs that the demonstration started.
    pub(crate) fn is_running(&self, id: u64) -> bool {
        let pid = self.node(id)["pid"].as_u64().unwrap();
        let dir = self.data_dir(id);
        processes_naming(Path::new(&dir)).contains(&pid)
    }

    /// Kills the nodes that [`Self::restart`] started.
    pub(crate) fn kill_again(&mut self) {
        for mut child in std::mem::take(&mut self.restarted) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The log of a node that was started again.
    pub(crate) fn log_again(&self, id: u64) -> PathBuf {
        self.dir.join(format!("again-{id}.log"))
    }

    /// Starts a killed node by its `restart` command, as an operator would, and waits until it is ready.
    pub(crate) async fn restart(&mut self, id: u64) {
        self.launch(id);
        let url = format!("{}/ready", self.node(id)["health"].as_str().unwrap());
        let end = Instant::now() + DEADLINE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            if self.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(Instant::now() < end, "node {id} does not get ready");
        }
    }

    /// Starts a killed node by its `restart` command.
    pub(crate) fn launch(&mut self, id: u64) {
        let argv: Vec<&str> =
            self.node(id)["restart"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        let child = std::process::Command::new(argv[0])
            .args(&argv[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.log_again(id)).unwrap())
            .spawn()
            .unwrap();
        self.restarted.push(child);
    }

    /// Stops the demonstration with SIGTERM, and answers its exit code. Nothing of it may be left running.
    pub(crate) fn stop(mut self) -> i32 {
        signal(u64::from(self.demo.id()), Signal::TERM);
        let code = self.demo.wait().unwrap().code().unwrap();
        for mut child in std::mem::take(&mut self.restarted) {
            child.wait().unwrap();
        }
        assert_eq!(processes_naming(&self.dir), Vec::<u64>::new());
        code
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = self.demo.kill();
        let _ = self.demo.wait();
        processes_naming(&self.dir).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        self.restarted.iter_mut().for_each(|child| drop(child.wait()));
    }
}

fn signal(pid: u64, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Processes that name the folder among their arguments.
fn processes_naming(dir: &Path) -> Vec<u64> {
    let dir = dir.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let names = |entry: &std::fs::DirEntry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|arguments| String::from_utf8_lossy(&arguments).contains(dir))
    };
    processes.filter(names).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A port that is free, as are the others that three nodes need beside it. It lies below those that the system gives to
/// outgoing connections, which would take it while a node is down.
fn free_base_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 20_000).unwrap();
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    std::iter::repeat_with(|| 10_000 + (own + NEXT.fetch_add(7, Ordering::Relaxed)) % 20_000)
        .find(|port| (0..3).all(|n| is_free(port + n) && is_free(port + 100 + n)))
        .unwrap()
}
