//! The cluster of a drill, and what is done to it. Whatever an operator would do is done by the program's own commands.

use super::balancer::Balancer;
use super::journal::Journal;
use super::load::{Door, Load, Outcome, Pace};
use super::report::Report;
use super::site::Site;
use super::{STEP, own_command};
use crate::cli::DrillName;
use crate::client::Client;
use crate::commands::Failure;
use crate::commands::demo;
use crate::commands::fleet::{DemoNode, Fleet, until};
use crate::config::file;
use crate::env::SystemEntropy;
use crate::health::NodeStatus;
use crate::sealed_file::generate_passphrase;
use crate::secret_file;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{ClusterStatus, Entropy as _};
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// Acknowledged writes before anything is broken, and again between a backup and the loss of what came after it.
const WARM: usize = 200;

/// The stage of a drill.
pub(super) struct Scene {
    pub(super) dir: PathBuf,
    pub(super) fleet: Fleet,
    voters: u16,
    /// What opens the operators' API over the network.
    pub(super) token: String,
    pub(super) journal: Journal,
    load: Option<Load>,
    /// From when and until when a write may be acknowledged that is lost.
    losses: Option<(Instant, Option<Instant>)>,
    /// Whether a write that fails is a fault.
    spotless: bool,
}

impl Scene {
    /// Lays the cluster out on ports that are free: so many voters, and places for others.
    pub(super) fn plan(dir: &Path, voters: u16, others: u16) -> Result<Self, Failure> {
        let nodes = voters.saturating_add(others);
        let fleet = Fleet::plan(dir, nodes, free_base_port(nodes)?)?;
        let (token, journal) = (String::new(), Journal::begin());
        Ok(Self {
            dir: dir.to_owned(),
            fleet,
            voters,
            token,
            journal,
            load: None,
            losses: None,
            spotless: false,
        })
    }

    /// Starts the cluster.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.token = demo::bring_up(&mut self.fleet).await?;
        Ok(())
    }

    /// Puts the cluster under load over the nodes' local sockets, and waits until it is at work.
    pub(super) async fn put_under_load(&mut self) -> Result<(), Failure> {
        let doors = self.voters().into_iter().map(|node| Door::Node(Client::of(node.config.data)));
        self.load = Some(Load::begin(doors.collect(), Pace::full()));
        self.more_load().await
    }

    /// Puts the cluster under load as clients behind a balancer do, of whom none may notice anything.
    pub(super) async fn put_clients_to_work(&mut self) -> Result<(), Failure> {
        let sites = self.voters().iter().map(|node| Site::of(&node.config)).collect::<Result<_, _>>()?;
        let balancer = Balancer::begin(sites, self.token.clone());
        self.load = Some(Load::begin(vec![Door::Balancer(balancer)], Pace::full()));
        self.spotless = true;
        self.more_load().await
    }

    /// Has a write that fails count as a fault.
    pub(super) fn none_may_fail(&mut self) {
        self.spotless = true;
    }

    fn voters(&self) -> Vec<DemoNode> {
        self.fleet.nodes().into_iter().filter(|node| node.role == Role::Voter).collect()
    }

    /// Waits until many more writes are acknowledged.
    pub(super) async fn more_load(&self) -> Result<(), Failure> {
        self.load()?.goes_on(WARM).await
    }

    /// Waits until a write is acknowledged that was begun after now.
    pub(super) async fn serves_again(&self) -> Result<(), Failure> {
        self.load()?.serves_again().await
    }

    fn load(&self) -> Result<&Load, Failure> {
        self.load.as_ref().ok_or_else(|| Failure::not_now("there is no load"))
    }

    /// How many voters there are, by ids from 1 on.
    pub(super) fn size(&self) -> u64 {
        u64::from(self.voters)
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

    pub(super) fn node(&self, place: u64) -> Result<DemoNode, Failure> {
        let node = self.fleet.nodes().into_iter().find(|node| node.id == place);
        node.ok_or_else(|| Failure::not_now(format!("there is no node {place}")))
    }

    /// The place of the leader.
    pub(super) async fn leader(&self) -> Result<u64, Failure> {
        let leader = until(STEP, || async {
            let status = self.status(1).await.ok()?;
            status.leader.map(|leader| leader.0)
        });
        leader.await.ok_or_else(|| Failure::not_now("nobody leads"))
    }

    /// The cluster as one node sees it.
    pub(super) async fn status(&self, place: u64) -> Result<ClusterStatus, Failure> {
        let told: NodeStatus = Client::of(self.node(place)?.config.data).get("/status").await?;
        Ok(told.cluster)
    }

    /// Waits until a node has applied everything that another one has by now.
    pub(super) async fn catches_up(&self, place: u64, with: u64) -> Result<(), Failure> {
        let goal = self.applied(with).await;
        let goal = goal.ok_or_else(|| Failure::not_now(format!("node {with} does not say what it has")))?;
        let there = until(STEP, || async { (self.applied(place).await? >= goal).then_some(()) });
        there.await.ok_or_else(|| Failure::not_now(format!("node {place} does not catch up")))
    }

    async fn applied(&self, place: u64) -> Option<u64> {
        let status = self.status(place).await.ok()?;
        status.members.iter().find(|member| member.id == status.node)?.applied
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

    /// Ends a node in good order.
    pub(super) async fn end(&mut self, place: u64) -> Result<(), Failure> {
        let node = self.node(place)?;
        self.fleet.end(&node).await;
        Ok(())
    }

    /// Starts a node and waits until it is ready.
    pub(super) async fn start(&mut self, place: u64) -> Result<(), Failure> {
        let node = self.node(place)?;
        self.fleet.spawn(&node)?;
        self.fleet.wait_until_ready(&node, STEP).await
    }

    /// Runs a command of this program for a node.
    pub(super) async fn passquorum(&self, place: u64, arguments: &[&str]) -> Result<String, Failure> {
        own_command(self.node(place)?.config.data.path(), arguments).await
    }

    /// Waits until every node is ready.
    pub(super) async fn all_ready(&self) -> Result<(), Failure> {
        for node in self.fleet.nodes() {
            self.fleet.wait_until_ready(&node, STEP).await?;
        }
        Ok(())
    }

    /// The port of the first node's sites.
    pub(super) fn base_port(&self) -> Result<u16, Failure> {
        Ok(self.fleet.first().config.site_address.as_str().parse::<SocketAddr>()?.port())
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
        demo::wait_until_all_vote(&Client::of(self.node(place)?.config.data), usize::from(self.voters)).await
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
        let past = load.end().await;
        let client = Client::of(self.fleet.first().config.data.clone());
        let mut lost = BTreeSet::new();
        for Outcome { key, ended, .. } in past.outcomes.iter().filter(|outcome| outcome.is_acknowledged()) {
            if client.send(http::Method::GET, &past.pace.path(*key), &[], Vec::new()).await.is_err() {
                lost.insert((*ended, *key));
            }
        }
        let may_be_lost = |at: Instant| {
            self.losses.is_some_and(|(from, until)| at > from && until.is_none_or(|until| at < until))
        };
        let wrongly = lost.iter().filter(|(at, _)| !may_be_lost(*at)).count();
        if wrongly > 0 {
            self.journal.fault(format!("{wrongly} acknowledged writes are gone that must not be"));
        }
        let failed = past.outcomes.iter().filter(|outcome| !outcome.is_acknowledged()).count();
        if self.spotless && failed > 0 {
            self.journal.fault(format!("{failed} requests failed, and none may"));
        }
        let journal = std::mem::replace(&mut self.journal, Journal::begin());
        Ok(journal.report(drill, false, self.size(), past, lost.len()))
    }

    /// Stops every process.
    pub(super) async fn stop(self) {
        drop(self.load);
        self.fleet.stop().await;
    }
}

/// A port that is free, as are the others that the nodes need beside it. It lies below those that the system gives to
/// outgoing connections, which would take it while a node is down.
pub(super) fn free_base_port(nodes: u16) -> Result<u16, Failure> {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..100 {
        let mut drawn = [0; 2];
        SystemEntropy.fill(&mut drawn);
        let port = 10_000 + u16::from_be_bytes(drawn) % 20_000;
        if (0..nodes).all(|n| is_free(port + n) && is_free(port + 100 + n)) {
            return Ok(port);
        }
    }
    Err(Failure::not_now("no ports are free on loopback"))
}
