//! The cluster of a drill, and what is done to it. Whatever an operator would do is done by the program's own commands.

use super::load::{Load, Outcome};
use super::report::Report;
use crate::cli::DrillName;
use crate::client::Client;
use crate::commands::demo;
use crate::commands::fleet::{DemoNode, Fleet, until};
use crate::commands::{Exit, Failure};
use crate::config::file;
use crate::env::SystemEntropy;
use crate::sealed_file::generate_passphrase;
use crate::secret_file;
use passquorum_domain::ports::{ClusterStatus, Entropy as _};
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::Instant;

const NODES: u16 = 3;
/// Each step of a drill takes no longer, or the drill fails.
const STEP: Duration = Duration::from_secs(60);
/// Acknowledged writes before anything is broken, and again between a backup and the loss of what came after it.
const WARM: usize = 200;

/// The stage of a drill.
pub(super) struct Scene {
    dir: PathBuf,
    fleet: Fleet,
    load: Option<Load>,
    notes: Vec<(Instant, String)>,
    /// From when and until when a write may be acknowledged that is lost.
    losses: Option<(Instant, Option<Instant>)>,
}

impl Scene {
    /// Lays the cluster out on ports that are free.
    pub(super) fn plan(dir: &Path) -> Result<Self, Failure> {
        let fleet = Fleet::plan(dir, NODES, free_base_port()?)?;
        Ok(Self { dir: dir.to_owned(), fleet, load: None, notes: Vec::new(), losses: None })
    }

    /// Starts the cluster and puts it under load.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        demo::bring_up(&mut self.fleet).await?;
        let clients = self.fleet.nodes().into_iter().map(|node| Client::of(node.config.data)).collect();
        self.load = Some(Load::begin(clients));
        self.more_load().await
    }

    /// Waits until many more writes are acknowledged.
    pub(super) async fn more_load(&self) -> Result<(), Failure> {
        let before = self.load()?.acknowledged();
        self.reaches(before.saturating_add(WARM)).await
    }

    /// Waits until a write is acknowledged that was begun after now.
    pub(super) async fn serves_again(&self) -> Result<(), Failure> {
        let load = self.load()?;
        let now = Instant::now();
        let served = until(STEP, || async { load.acknowledged_since(now).then_some(()) });
        served.await.ok_or_else(|| Failure::not_now("no write is acknowledged any more"))
    }

    async fn reaches(&self, number: usize) -> Result<(), Failure> {
        let load = self.load()?;
        let reached = until(STEP, || async { (load.acknowledged() >= number).then_some(()) });
        reached.await.ok_or_else(|| Failure::not_now("too few writes are acknowledged"))
    }

    fn load(&self) -> Result<&Load, Failure> {
        self.load.as_ref().ok_or_else(|| Failure::not_now("there is no load"))
    }

    /// How many nodes there are, by ids from 1 on.
    pub(super) fn size(&self) -> u64 {
        u64::from(NODES)
    }

    /// Notes what happened now.
    pub(super) fn note(&mut self, what: &str) {
        self.notes.push((Instant::now(), what.to_owned()));
    }

    /// What is acknowledged from then on may be lost.
    pub(super) fn may_lose_from(&mut self, at: Instant) {
        self.losses = Some((at, None));
    }

    /// What is acknowledged from now on may not be lost any more.
    pub(super) fn loses_nothing_from_now(&mut self) {
        if let Some((_, until)) = &mut self.losses {
            *until = Some(Instant::now());
        }
    }

    fn node(&self, place: u64) -> Result<DemoNode, Failure> {
        let node = self.fleet.nodes().into_iter().find(|node| node.id == place);
        node.ok_or_else(|| Failure::not_now(format!("there is no node {place}")))
    }

    /// The place of the leader.
    pub(super) async fn leader(&self) -> Result<u64, Failure> {
        let client = Client::of(self.fleet.first().config.data.clone());
        let leader = until(STEP, || async {
            let status: ClusterStatus = client.get("/api/v1/status").await.ok()?;
            status.leader.map(|leader| leader.0)
        });
        leader.await.ok_or_else(|| Failure::not_now("nobody leads"))
    }

    /// Ends a node as a power cut would.
    pub(super) async fn kill(&mut self, place: u64) {
        if let Ok(node) = self.node(place) {
            self.fleet.kill(&node).await;
        }
    }

    /// Throws the disk of a killed node away.
    pub(super) fn destroy(&self, place: u64) -> Result<(), Failure> {
        Ok(std::fs::remove_dir_all(self.node(place)?.config.data.path())?)
    }

    /// Starts a node and waits until it is ready.
    pub(super) async fn start(&mut self, place: u64) -> Result<(), Failure> {
        let node = self.node(place)?;
        self.fleet.spawn(&node)?;
        self.fleet.wait_until_ready(&node, STEP).await
    }

    /// Runs a command of this program for a node.
    pub(super) async fn passquorum(&self, place: u64, arguments: &[&str]) -> Result<String, Failure> {
        let dir = self.node(place)?.config.data;
        let ran = Command::new(std::env::current_exe()?)
            .args(arguments)
            .arg("--dir")
            .arg(dir.path())
            .stdin(Stdio::null())
            .output()
            .await?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(Failure { exit: Exit::Failed, message: format!("passquorum {}: {said}", arguments.join(" ")) })
    }

    /// Lets a new node join in the place of a lost one.
    pub(super) async fn join(&mut self, place: u64, server: u64) -> Result<(), Failure> {
        let token = self.passquorum(server, &["token", "create", "--role", "voter"]).await?;
        let (node, server) = (self.node(place)?, self.node(server)?);
        crate::commands::join::join(&node.config, std::slice::from_ref(&server.config.site_url), &token)
            .await?;
        self.start(place).await
    }

    /// Waits until every place votes.
    pub(super) async fn all_vote(&self, place: u64) -> Result<(), Failure> {
        demo::wait_until_all_vote(&Client::of(self.node(place)?.config.data), usize::from(NODES)).await
    }

    /// Where the backup goes, and the file with its passphrase.
    pub(super) fn backup_files(&self) -> Result<(String, String), Failure> {
        let (file, passphrase) = (self.dir.join("realm.backup"), self.dir.join("passphrase"));
        let text = generate_passphrase(&SystemEntropy);
        secret_file::write(&passphrase, text.expose_secret().as_bytes())?;
        Ok((file.display().to_string(), passphrase.display().to_string()))
    }

    /// Makes a node from a backup.
    pub(super) async fn restore(&self, place: u64, file: &str, passphrase: &str) -> Result<(), Failure> {
        let node = self.node(place)?;
        let (name, site) = (node.config.name.clone(), node.config.site_address.to_string());
        let peers = node.config.cluster_address.to_string();
        let own = ["--name", &name, "--site-address", &site, "--cluster-address", &peers];
        let restore = [["restore", file, "--passphrase-file", passphrase].as_slice(), &own].concat();
        self.passquorum(place, &restore).await?;
        secret_file::write(&node.config.data.settings(), file::render(&node.config).as_bytes())?;
        Ok(())
    }

    /// Ends the load and looks for what was acknowledged.
    pub(super) async fn judge(&mut self, drill: DrillName) -> Result<Report, Failure> {
        let load = self.load.take().ok_or_else(|| Failure::not_now("there is no load"))?;
        let (begun, outcomes) = load.end().await;
        let client = Client::of(self.fleet.first().config.data.clone());
        let mut lost = BTreeSet::new();
        for Outcome { key, ended, .. } in outcomes.iter().filter(|outcome| outcome.acknowledged) {
            if client.send(http::Method::GET, &super::load::path(*key), &[], Vec::new()).await.is_err() {
                lost.insert((*ended, *key));
            }
        }
        let may_be_lost = |at: Instant| {
            self.losses.is_some_and(|(from, until)| at > from && until.is_none_or(|until| at < until))
        };
        let ok = lost.iter().all(|(at, _)| may_be_lost(*at));
        Ok(Report::new(drill, begun, &outcomes, std::mem::take(&mut self.notes), lost.len(), ok))
    }

    /// Stops every process.
    pub(super) async fn stop(self) {
        drop(self.load);
        self.fleet.stop().await;
    }
}

/// A port that is free, as are the others that the nodes need beside it. It lies below those that the system gives to
/// outgoing connections, which would take it while a node is down.
fn free_base_port() -> Result<u16, Failure> {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..100 {
        let mut drawn = [0; 2];
        SystemEntropy.fill(&mut drawn);
        let port = 10_000 + u16::from_be_bytes(drawn) % 20_000;
        if (0..NODES).all(|n| is_free(port + n) && is_free(port + 100 + n)) {
            return Ok(port);
        }
    }
    Err(Failure::not_now("no ports are free on loopback"))
}
