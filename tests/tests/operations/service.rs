//! One node as a service: what it tells systemd, what it writes into its log and who decides that, and how one looks on.

use crate::{LIMIT, TURN, shipped};
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::cluster::binary;
use passquorum_tests::rig::command_line;
use passquorum_tests::rig::process::{Group, Output, signal};
use passquorum_tests::{ports, wait};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixDatagram;

/// A node of its own, with files for what it says.
struct Service {
    folder: tempfile::TempDir,
    url: String,
    heard: UnixDatagram,
    process: Group,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
        let port = ports::block(2).unwrap();
        let (site, peers) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
        let init = ["init", "--name", "one", "--cluster-address", &peers, "--site-address", &site];
        passquorum(folder.path(), &init).await;
        let settings = folder.path().join("node/node.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        let (log, status) = (folder.path().join("node.log"), folder.path().join("Local.storage"));
        let added = format!(
            "format = \"json\"\nfile = {:?}\nfile_mib = 1\nfiles_kept = 1\n",
            log.display().to_string()
        );
        let changed = text.replace("format = \"text\"\n", &added);
        assert_ne!(changed, text);
        let legacy = format!("\n[legacy]\nlocal_storage = {:?}\n", status.display().to_string());
        std::fs::write(&settings, changed + &legacy).unwrap();
        let socket = folder.path().join("notify");
        let heard = UnixDatagram::bind(&socket).unwrap();
        let mut command = Command::new(binary().unwrap());
        command.arg("run").env("PASSQUORUM_DIR", folder.path().join("node"));
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "3000000");
        let process = Group::start(command, &folder.path().join("stderr"), Output::Log).unwrap();
        Self { folder, url: format!("https://{site}"), heard, process }
    }

    /// Waits until systemd hears this.
    async fn hears(&self, news: &str) {
        let listening = async {
            let mut buffer = [0; 512];
            loop {
                let length = self.heard.recv(&mut buffer).await.unwrap();
                if String::from_utf8_lossy(&buffer[..length]) == news {
                    return;
                }
            }
        };
        wait::within(&format!("systemd hears {news}"), LIMIT, listening).await.unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    async fn reads(&self, file: &str, what: &str, times: usize) {
        let found = || async { (self.read(file).matches(what).count() >= times).then_some(()) };
        wait::until(&format!("{file} holds {what:?} {times} times"), LIMIT, found).await.unwrap();
    }

    async fn set_rules(&self, rules: &[&str]) {
        let file: PathBuf = self.folder.path().join("config.json");
        let path = file.display().to_string();
        passquorum(self.folder.path(), &["config", "export", &path]).await;
        let mut config: Value = command_line::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        config["general"]["logging"] = json!(rules);
        std::fs::write(&file, config.to_string()).unwrap();
        passquorum(self.folder.path(), &["config", "import", &path]).await;
    }
}

async fn passquorum(folder: &Path, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new(binary().unwrap());
    command.args(arguments).env("PASSQUORUM_DIR", folder.join("node"));
    command_line::run(command, arguments[0], None).await.unwrap()
}

#[tokio::test]
async fn a_node_tells_systemd_how_it_is_and_logs_what_the_realm_says_while_it_runs() {
    let _turn = TURN.lock().await;
    let service = Service::start().await;
    service.hears("READY=1").await;
    service.hears("STATUS=ready").await;
    service.hears("WATCHDOG=1").await;
    service.hears("WATCHDOG=1").await;
    service.reads("Local.storage", "<setting name=\"role\" value=\"Primary\" />", 1).await;

    // A page that is not there is noted at the level debug.
    let client = https::client(Trust::Anyone).unwrap();
    let miss = || async {
        assert_eq!(client.get(format!("{}/nothing", service.url)).send().await.unwrap().status(), 404);
    };
    miss().await;
    service.set_rules(&["sites=debug", "2:sites=error"]).await;
    service.reads("node.log", "the realm's rules for logging", 1).await;
    assert_eq!(service.read("node.log").matches("request refused").count(), 0, "not before the rule");
    miss().await;
    service.reads("node.log", "request refused", 1).await;
    service.set_rules(&[]).await;
    service.reads("node.log", "the realm's rules for logging", 2).await;
    miss().await;
    let log = service.read("node.log");
    assert_eq!(log.matches("request refused").count(), 1, "nor after it");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    assert_eq!(service.read("stderr"), "", "all of it is in the file");

    passquorum(service.folder.path(), &["node", "set-url", "1", "https://pw.example.test"]).await;
    assert!(passquorum(service.folder.path(), &["node", "list"]).await.contains(" https://pw.example.test"));

    looks_on_line_by_line(&service).await;
    looks_on_at_a_terminal(&service).await;

    signal(service.process.pid(), Signal::TERM);
    service.hears("STOPPING=1\nSTATUS=the node is stopping").await;
    service.reads("Local.storage", "<setting name=\"role\" value=\"Secondary\" />", 1).await;
    service.process.stop().await.unwrap();
}

async fn looks_on_line_by_line(service: &Service) {
    let mut watch = tokio::process::Command::new(binary().unwrap())
        .args(["status", "--watch", "--json"])
        .env("PASSQUORUM_DIR", service.folder.path().join("node"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = wait::within("a line comes", LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        let status: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&status["leader"], &status["quorum"]), (&json!(1), &json!(true)), "{status}");
    }
    watch.kill().await.unwrap();
}

async fn looks_on_at_a_terminal(service: &Service) {
    // Without "exec" some shells stay and end by the signal themselves.
    let command = format!("exec {} status --watch", binary().unwrap().display());
    let mut terminal = tokio::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("PASSQUORUM_DIR", service.folder.path().join("node"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    let mut screen = terminal.stdout.take().unwrap();
    let mut shown = String::new();
    let watching = async {
        let mut buffer = [0; 4096];
        while !shown.contains("Ctrl-C ends") {
            let length = screen.read(&mut buffer).await.unwrap();
            shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        keyboard.write_all(b"\x03").await.unwrap();
        screen.read_to_string(&mut shown).await.unwrap();
        terminal.wait().await.unwrap()
    };
    let ended = wait::within("the view is shown and ends", LIMIT, watching).await.unwrap();
    assert_eq!(ended.code(), Some(0), "{shown}");
    for part in ["\x1b[?1049h", "leader 1   term", "NOTE: One voter", "\x1b[?1049l"] {
        assert!(shown.contains(part), "{part:?} is not in {shown:?}");
    }
}

#[test]
fn the_unit_is_as_closed_as_systemd_can_tell() {
    let unit = shipped("systemd/passquorum.service");
    let output = Command::new("systemd-analyze")
        // In tenths: exposure 1.5 of 10 at most.
        .args(["--offline=true", "--threshold=15", "--no-pager", "security"])
        .arg(unit)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("Overall exposure level for passquorum.service: 1.2 OK"), "{told}");
}
